"""The sheet of one remedy: what it would do to a thread, and the button that does it."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QWidget

from t3tray.core.domain.remedy import Choice, Preview
from t3tray.qt.parts import button, field, label
from t3tray.qt.sheet import Sheet


class RemedySheet(Sheet):
    """`agreed` carries the thread's id, the choice, and the preview as it was seen."""

    agreed = Signal(str, object, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Remedy", parent)
        self._asked: tuple[str, Choice, Preview] | None = None

    @property
    def thread_id(self) -> str | None:
        """Whose remedy is shown."""
        return self._asked[0] if self._asked else None

    def show_preview(self, thread_id: str, choice: Choice, preview: Preview) -> None:
        self._asked = thread_id, choice, preview
        self._begin(preview.title, preview.before, preview.after, preview.kept, preview.lost)
        do = button(preview.button, "main")
        do.clicked.connect(self._on_agreed)
        if preview.word:
            self._body.addWidget(label(f"This starts from nothing. To go on, type “{preview.word}”.", "muted"))
            word = field(preview.word, f"Type {preview.word}")
            word.textChanged.connect(lambda typed: do.setEnabled(typed.strip().lower() == preview.word))
            do.setEnabled(False)
            self._body.addWidget(word)
        self._end(do)

    @Slot()
    def _on_agreed(self) -> None:
        if self._asked:
            self.agreed.emit(*self._asked)
