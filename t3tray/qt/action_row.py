"""What can be done now as a row of buttons: the best first, the rest in a menu."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QHBoxLayout, QMenu

from t3tray.qt.parts import button
from t3tray.qt.theme import GAP

Action = tuple[str, Callable[[], None]]

# In characters: two buttons stand side by side where a narrow window has room for their words.
_ROOM = 34


def fill_row(row: QHBoxLayout, actions: Sequence[Action]) -> None:
    """Put buttons for these into an empty row."""
    row.setSpacing(GAP)
    shown = 2 if sum(len(text) for text, _ in actions[:2]) <= _ROOM else 1
    for number, (text, do) in enumerate(actions[:shown]):
        made = button(text, "" if number else "main")
        made.clicked.connect(lambda _checked=False, do=do: do())
        row.addWidget(made)
    if rest := actions[shown:]:
        more = button("More")
        menu = QMenu(more)
        for text, do in rest:
            menu.addAction(text).triggered.connect(lambda _checked=False, do=do: do())
        more.setMenu(menu)
        row.addWidget(more)
    row.addStretch(1)
