"""A sheet: what is now and what would be then, what is kept and what is lost, and the button named after the act.

It does nothing itself: it is agreed to, or put away.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QPushButton, QWidget

from t3tray.ui.theme import GAP
from t3tray.ui.widgets.basic import ScrollPage, button, clear, label, told_card

# In px: from here on the two columns stand side by side.
_SIDE_BY_SIDE = 520


class Sheet(ScrollPage):
    """`put_away` comes when it was not wanted."""

    put_away = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _begin(self, title: str, before: Sequence[str], after: Sequence[str], kept: Sequence[str], lost: Sequence[str]) -> None:
        """In place of what the sheet told before."""
        clear(self._body)
        self.verticalScrollBar().setValue(0)
        self._body.addWidget(label(title, size=1.25, bold=True))
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._columns.setSpacing(GAP)
        for name, told in (("Now", before), ("Then", after)):
            self._columns.addWidget(told_card(name, told, ""), 1)
        self._body.addLayout(self._columns)
        if kept:
            self._body.addWidget(told_card("Kept", kept, "good"))
        self._body.addWidget(told_card("Lost", lost or ("Nothing.",), "bad" if lost else "good"))

    def _end(self, do: QPushButton) -> None:
        """The act, and the way out of it, which has the focus."""
        cancel = button("Cancel")
        cancel.clicked.connect(self.put_away)
        row = QHBoxLayout()
        row.addWidget(do)
        row.addWidget(cancel)
        row.addStretch(1)
        self._body.addLayout(row)
        self._body.addStretch(1)
        self._arrange()
        cancel.setFocus()

    def _arrange(self) -> None:
        wide = self.viewport().width() >= _SIDE_BY_SIDE
        self._columns.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)
