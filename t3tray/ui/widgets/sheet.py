"""A confirmation sheet: what is now and what would be then, what is kept and what is lost, and the button that does it.

It does nothing itself: the user agrees or cancels.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QPushButton, QWidget

from t3tray.ui.theme import GAP
from t3tray.ui.widgets.basic import ScrollPage, button, clear, label, lines_card

# In px: the minimum width for two columns side by side.
_SIDE_BY_SIDE = 520


class Sheet(ScrollPage):
    """Emits `cancelled` when the user does not agree. A subclass calls `_begin`, adds its own widgets to `_body`, and `_end`."""

    cancelled = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _begin(self, title: str, before: Sequence[str], after: Sequence[str], kept: Sequence[str], lost: Sequence[str]) -> None:
        """Replace the sheet's content."""
        clear(self._body)
        self.verticalScrollBar().setValue(0)
        self._body.addWidget(label(title, size=1.25, bold=True))
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._columns.setSpacing(GAP)
        for name, lines in (("Now", before), ("Then", after)):
            self._columns.addWidget(lines_card(name, lines, ""), 1)
        self._body.addLayout(self._columns)
        if kept:
            self._body.addWidget(lines_card("Kept", kept, "good"))
        self._body.addWidget(lines_card("Lost", lost or ("Nothing.",), "bad" if lost else "good"))

    def _end(self, do: QPushButton) -> None:
        """Add the button that does it, and Cancel, which gets the focus."""
        cancel = button("Cancel")
        cancel.clicked.connect(self.cancelled)
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
