"""The card of a message that the guard held back: why, and what to do next. Shown until T3 Code asks again."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QHBoxLayout

from t3tray.domain.times import dated
from t3tray.messages.guard import next_step, standing_refusal
from t3tray.threads.snapshot import ThreadDetails
from t3tray.ui.theme import UNIT
from t3tray.ui.widgets.basic import Card, button, label


def refusal_card(details: ThreadDetails, seen: Callable[[], None]) -> Card | None:
    """Return the card, None if T3 Code's last request for the thread was not refused. `seen` is called on *Dismiss*."""
    refusal = standing_refusal(details.answers)
    if refusal is None:
        return None
    can_resume = details.row.goes_on_in_t3
    title = "Send your message again" if can_resume else "!  A message was held back"
    card = Card()
    card.inside.setSpacing(UNIT)
    card.inside.addWidget(label(title, "good" if can_resume else "bad", bold=True))
    card.inside.addWidget(label(next_step(refusal, can_resume), size=0.95))
    row = QHBoxLayout()
    row.addWidget(label(dated(refusal.at, "%B %Y, %H:%M:%S"), "muted", size=0.9), 1)
    if refusal.seen_at is None:
        dismiss = button("Dismiss")
        dismiss.clicked.connect(seen)
        row.addWidget(dismiss)
    card.inside.addLayout(row)
    return card
