"""The dialog that asks for a new thread's folder and title. It creates nothing itself."""

from __future__ import annotations

from PySide6.QtCore import QDir, Signal, Slot
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from t3tray.ui.theme import GAP, MARGIN, NARROW
from t3tray.ui.widgets.basic import button, field, label


class NewThread(QDialog):
    """Emits `wanted` with the folder and the title, which may be empty."""

    wanted = Signal(str, str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("New Thread")
        self.setMinimumWidth(NARROW)
        self.folder = field("Folder", "Folder that the thread works in")
        self.title = field("Title (you can leave it empty)", "Title of the thread")
        self.confirm = button("Create Thread", "main")
        self._cancel = button("Cancel")
        self._choose = button("Choose…")
        self._build()
        self.folder.textChanged.connect(self._on_folder_changed)
        self._choose.clicked.connect(self._on_choose)
        self.confirm.clicked.connect(self.accept)
        self._cancel.clicked.connect(self.reject)
        self.accepted.connect(self._on_accepted)

    @Slot()
    def ask(self) -> None:
        """Show the empty dialog over the window."""
        self.folder.clear()
        self.title.clear()
        self._on_folder_changed("")
        self.folder.setFocus()
        self.open()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(GAP)
        layout.addWidget(label("A thread works in one folder, and has an OpenCode session of its own.", "muted"))
        row = QHBoxLayout()
        row.addWidget(self.folder, 1)
        row.addWidget(self._choose)
        layout.addLayout(row)
        layout.addWidget(self.title)
        layout.addSpacing(GAP)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self._cancel)
        buttons.addWidget(self.confirm)
        layout.addLayout(buttons)
        self.confirm.setDefault(True)

    @Slot(str)
    def _on_folder_changed(self, folder: str) -> None:
        self.confirm.setEnabled(bool(folder.strip()))

    @Slot()
    def _on_choose(self) -> None:
        dialog = QFileDialog(self, "Choose a Folder", self.folder.text() or QDir.homePath())
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self.folder.setText)
        dialog.open()

    @Slot()
    def _on_accepted(self) -> None:
        self.wanted.emit(self.folder.text().strip(), self.title.text().strip())
