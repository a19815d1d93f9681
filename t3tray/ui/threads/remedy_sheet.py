"""The sheet that previews a remedy: what it would do to a thread, and the button that applies it."""

from __future__ import annotations

import textwrap
from dataclasses import replace

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QLineEdit, QWidget

from t3tray.domain.remedy import Choice, Preview
from t3tray.ui.widgets.basic import button, field, label
from t3tray.ui.widgets.sheet import Sheet

# In ms: interval of new previews while a hindrance exists.
PREVIEW_AGAIN = 2000
# In characters: a check box does not wrap its label by itself.
_WIDTH = 46


class RemedySheet(Sheet):
    """Emits `agreed` with the thread's id, the choice, and the preview as it was shown; and `preview_wanted` with the first two,
    every `PREVIEW_AGAIN` ms while something hinders the remedy."""

    agreed = Signal(str, object, object)
    preview_wanted = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Remedy", parent)
        self._asked: tuple[str, Choice, Preview] | None = None
        self._word: QLineEdit | None = None
        self._permission: QCheckBox | None = None
        self._do = button("")
        self._timer = QTimer(self, interval=PREVIEW_AGAIN)
        self._timer.timeout.connect(self._on_preview_due)

    @property
    def thread_id(self) -> str | None:
        """Id of the thread whose remedy is shown."""
        return self._asked[0] if self._asked else None

    def show_preview(self, thread_id: str, choice: Choice, preview: Preview) -> None:
        if self.isVisible() and self._asked == (thread_id, choice, preview):
            # The new preview is equal.
            return
        self._asked = thread_id, choice, preview
        self._begin(preview.title, preview.before, preview.after, preview.kept, preview.lost)
        self._do = button(preview.button, "main")
        self._do.clicked.connect(self._on_agreed)
        self._word = self._permission = None
        if preview.hindrance:
            self._body.addWidget(label(preview.hindrance, "unsure"))
            self._timer.start()
        else:
            self._timer.stop()
        if preview.permission:
            self._permission = QCheckBox(textwrap.fill(preview.permission, _WIDTH))
            self._permission.toggled.connect(self._weigh)
            self._body.addWidget(self._permission)
        if preview.word:
            self._body.addWidget(label(f"This starts from nothing. To continue, type “{preview.word}”.", "muted"))
            self._word = field(preview.word, f"Type {preview.word}")
            self._word.textChanged.connect(self._weigh)
            self._body.addWidget(self._word)
        self._weigh()
        self._end(self._do)

    @Slot()
    def _weigh(self) -> None:
        """Enable the button if nothing hinders the remedy, and everything it asks of the user is given."""
        if self._asked is None:
            return
        preview = self._asked[2]
        is_typed = self._word is None or self._word.text().strip().lower() == preview.word
        is_allowed = self._permission is None or self._permission.isChecked()
        self._do.setEnabled(is_typed and is_allowed and not preview.hindrance)

    @Slot()
    def _on_preview_due(self) -> None:
        if self._asked and self.isVisible():
            self.preview_wanted.emit(self._asked[0], self._asked[1])
        else:
            self._timer.stop()

    @Slot()
    def _on_agreed(self) -> None:
        if self._asked:
            thread_id, choice, preview = self._asked
            self.agreed.emit(thread_id, replace(choice, allowed=True) if self._permission else choice, preview)
