"""T3 Code's side of a thread on its page: where the next message typed there would go, and what fixes that."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout

from t3tray.domain.t3code_side import NextMessage
from t3tray.domain.verdict import Kind
from t3tray.messages.t3code_side import next_sentence
from t3tray.ui.labels import STATUS_SYMBOLS, SYMBOL_UNSURE, side_note
from t3tray.ui.theme import UNIT
from t3tray.ui.widgets.action_row import Action, fill_row
from t3tray.ui.widgets.basic import label

_KINDS = {Kind.BLOCKED: "bad", Kind.UNKNOWN: "unsure", Kind.RESUMABLE: "unsure"}


def side_lines(side: NextMessage, actions: Sequence[Action], leaving: QPushButton | None = None) -> QVBoxLayout:
    """Return the lines of a side that is not fine. `leaving` is the button that accepts it as it is."""
    sign = SYMBOL_UNSURE if side.kind is Kind.RESUMABLE else STATUS_SYMBOLS[side.kind]
    lines = QVBoxLayout()
    lines.setSpacing(UNIT // 2)
    title = QHBoxLayout()
    title.addWidget(label(f"{sign}  {side_note(side)}", _KINDS[side.kind], bold=True), 1)
    if leaving is not None:
        title.addWidget(leaving)
    lines.addLayout(title)
    lines.addWidget(label(next_sentence(side), size=0.95))
    if actions:
        lines.addSpacing(UNIT)
        row = QHBoxLayout()
        fill_row(row, actions)
        lines.addLayout(row)
    return lines
