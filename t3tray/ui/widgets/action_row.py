"""A row of action buttons: the first one or two as buttons, the rest in a menu."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMenu

from t3tray.ui.theme import GAP, MARGIN, NARROW
from t3tray.ui.widgets.basic import button

Action = tuple[str, Callable[[], None]]

# In px: the width of a card's button row in a narrow window, and the space that a button needs around its text.
_ROOM, _AROUND = NARROW - 4 * MARGIN, 30


def fill_row(row: QHBoxLayout, actions: Sequence[Action], has_main: bool = True) -> None:
    """Fill an empty row with buttons for these actions. `has_main`: the first is the recommended one."""
    row.setSpacing(GAP)
    metrics = QFontMetrics(QApplication.font())
    labels = [text for text, _ in actions[:2]] + (["More  ▾"] if len(actions) > 2 else [])
    needed = sum(metrics.horizontalAdvance(text) + _AROUND + GAP for text in labels) - GAP
    shown = 2 if needed <= _ROOM else 1
    for number, (text, do) in enumerate(actions[:shown]):
        made = button(text, "main" if has_main and not number else "")
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
