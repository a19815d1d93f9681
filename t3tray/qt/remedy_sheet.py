"""The sheet of one remedy: what is now and what would be then, what is kept and what is lost, and the button named after the act.

It does nothing itself: it is agreed to, or put away.
"""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QWidget

from t3tray.core.domain.remedy import Choice, Preview
from t3tray.qt.parts import ScrollPage, button, clear, field, label, told_card
from t3tray.qt.theme import GAP

# In px: from here on the two columns stand side by side.
_SIDE_BY_SIDE = 520


class RemedySheet(ScrollPage):
    """`agreed` carries the thread's id, the choice, and the preview as it was seen; `put_away` comes when it was not wanted."""

    agreed = Signal(str, object, object)
    put_away = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Remedy", parent)
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._asked: tuple[str, Choice, Preview] | None = None

    @property
    def thread_id(self) -> str | None:
        """Whose remedy is shown."""
        return self._asked[0] if self._asked else None

    def show_preview(self, thread_id: str, choice: Choice, preview: Preview) -> None:
        self._asked = thread_id, choice, preview
        clear(self._body)
        self._body.addWidget(label(preview.title, size=1.25, bold=True))
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._columns.setSpacing(GAP)
        for name, told in (("Now", preview.before), ("Then", preview.after)):
            self._columns.addWidget(told_card(name, told, ""), 1)
        self._body.addLayout(self._columns)
        if preview.kept:
            self._body.addWidget(told_card("Kept", preview.kept, "good"))
        self._body.addWidget(told_card("Lost", preview.lost or ("Nothing.",), "bad" if preview.lost else "good"))
        self._add_buttons(preview)
        self._body.addStretch(1)
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _add_buttons(self, preview: Preview) -> None:
        do = button(preview.button, "main")
        do.clicked.connect(self._on_agreed)
        if preview.word:
            self._body.addWidget(label(f"This starts from nothing. To go on, type “{preview.word}”.", "muted"))
            word = field(preview.word, f"Type {preview.word}")
            word.textChanged.connect(lambda typed: do.setEnabled(typed.strip().lower() == preview.word))
            do.setEnabled(False)
            self._body.addWidget(word)
        cancel = button("Cancel")
        cancel.clicked.connect(self.put_away)
        row = QHBoxLayout()
        row.addWidget(do)
        row.addWidget(cancel)
        row.addStretch(1)
        self._body.addLayout(row)
        cancel.setFocus()

    def _arrange(self) -> None:
        wide = self.viewport().width() >= _SIDE_BY_SIDE
        self._columns.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)

    @Slot()
    def _on_agreed(self) -> None:
        if self._asked:
            self.agreed.emit(*self._asked)
