"""The dialog that asks for a thread's new title. It changes nothing itself."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from t3tray.ui.theme import GAP, MARGIN
from t3tray.ui.widgets.basic import button, field


class Rename(QDialog):
    """Emits `wanted` with the thread's id and the title."""

    wanted = Signal(str, str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Rename Thread")
        self._thread_id = ""
        self.title = field("Title", "New title of the thread")
        self.title.setMinimumWidth(320)
        self.confirm = button("Rename", "main")
        self.confirm.setDefault(True)
        self._cancel = button("Cancel")
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self._cancel)
        buttons.addWidget(self.confirm)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(GAP)
        layout.addWidget(self.title)
        layout.addLayout(buttons)
        self.title.textChanged.connect(self._on_title_changed)
        self.confirm.clicked.connect(self.accept)
        self._cancel.clicked.connect(self.reject)
        self.accepted.connect(self._on_accepted)

    def ask(self, thread_id: str, title: str) -> None:
        """Show the dialog over the window, with the current title."""
        self._thread_id = thread_id
        self.title.setText(title)
        self.title.selectAll()
        self.title.setFocus()
        self.open()

    @Slot(str)
    def _on_title_changed(self, title: str) -> None:
        self.confirm.setEnabled(bool(title.strip()))

    @Slot()
    def _on_accepted(self) -> None:
        self.wanted.emit(self._thread_id, self.title.text().strip())
