"""The card of a message that the guard held back: why, and what to do next. It stands until T3 Code asks again."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QHBoxLayout

from t3tray.domain.times import dated
from t3tray.messages.guard import next_step, standing_refusal
from t3tray.threads.snapshot import ThreadDetails
from t3tray.ui.theme import UNIT
from t3tray.ui.widgets.basic import Card, button, label


def refusal_card(details: ThreadDetails, seen: Callable[[], None]) -> Card | None:
    """None where T3 Code's last request for the thread was not refused. `seen` is called when the user has understood."""
    told = standing_refusal(details.answers)
    if told is None:
        return None
    can_resume = details.row.goes_on_in_t3
    title = "Send your message again" if can_resume else "!  A message was held back"
    card = Card()
    card.inside.setSpacing(UNIT)
    card.inside.addWidget(label(title, "good" if can_resume else "bad", bold=True))
    card.inside.addWidget(label(next_step(told, can_resume), size=0.95))
    row = QHBoxLayout()
    row.addWidget(label(dated(told.at, "%B %Y, %H:%M:%S"), "muted", size=0.9), 1)
    if told.seen_at is None:
        understood = button("I Have Seen This")
        understood.clicked.connect(seen)
        row.addWidget(understood)
    card.inside.addLayout(row)
    return card
