"""The controls of settings that are a file or folders, with the system's dialogs to choose them."""

from __future__ import annotations

from PySide6.QtCore import QDir, Qt, Slot
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout

from t3tray.settings.definitions import Definition
from t3tray.ui.settings.setting_fields import SettingField, TextField
from t3tray.ui.theme import GAP, MARGIN
from t3tray.ui.widgets.basic import button, clear, label


class ProgramField(TextField):
    """A path with a button that opens a file dialog."""

    def _place(self) -> None:
        choose = button("Choose…")
        choose.setAccessibleName(f"Choose the {self.definition.label}")
        choose.clicked.connect(self._on_choose)
        name = label(self.definition.label)
        name.setBuddy(self._line)
        line = QHBoxLayout()
        line.setSpacing(GAP)
        line.addWidget(self._line, 1)
        line.addWidget(choose)
        self._lines.addWidget(name)
        self._lines.addLayout(line)

    @Slot()
    def _on_choose(self) -> None:
        dialog = QFileDialog(self, "Choose OpenCode", self._line.text() or QDir.homePath())
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self._on_chosen)
        dialog.open()

    @Slot(str)
    def _on_chosen(self, path: str) -> None:
        self._line.setText(path)
        self._on_finished()


class FoldersField(SettingField):
    """Folders, each with a button to remove it, and one to add another. Those detected automatically cannot be removed."""

    def __init__(self, definition: Definition) -> None:
        self._found: tuple[tuple[str, str], ...] = ()
        self._add = button("Add Folder…")
        super().__init__(definition, self._add)
        self._add.setAccessibleName(f"Add a folder to {definition.label}")
        self._add.clicked.connect(self._on_add)

    def show_found(self, found: tuple[tuple[str, str], ...]) -> None:
        """Show the detected folders: paths, and what was found in each."""
        self._found = found
        self._put(self._value)

    def _place(self) -> None:
        self._list = QVBoxLayout()
        self._list.setSpacing(GAP)
        line = QHBoxLayout()
        line.addWidget(self._add)
        line.addStretch(1)
        self._lines.addWidget(label(self.definition.label))
        self._lines.addLayout(self._list)
        self._lines.addLayout(line)

    def _put(self, value: object) -> None:
        clear(self._list)
        found = dict(self._found)
        added = value if isinstance(value, tuple) else ()
        for path in dict.fromkeys((*found, *added)):
            self._list.addLayout(self._folder(path, found.get(path, ""), path in added))
        # New buttons would come last in the tab order; put them before "Add Folder…".
        for remove in (each for each in self.findChildren(QPushButton) if each is not self._add and not each.isHidden()):
            if before := self._add.previousInFocusChain():
                self.setTabOrder(before, remove)

    def _folder(self, path: str, state: str, is_added: bool) -> QHBoxLayout:
        text = QVBoxLayout()
        text.setSpacing(0)
        text.addWidget(label(path))
        if state:
            text.addWidget(label(state, "muted", size=0.92))
        line = QHBoxLayout()
        line.setContentsMargins(MARGIN, 0, 0, 0)
        line.setSpacing(GAP)
        line.addLayout(text, 1)
        if is_added:
            remove = button("Remove", "plain")
            remove.setAccessibleName(f"Remove {path}")
            remove.clicked.connect(lambda: self._want(tuple(each for each in self._added() if each != path)))
            line.addWidget(remove, 0, Qt.AlignmentFlag.AlignTop)
        return line

    def _added(self) -> tuple[str, ...]:
        return self._value if isinstance(self._value, tuple) else ()

    @Slot()
    def _on_add(self) -> None:
        dialog = QFileDialog(self, "Choose T3 Code's Folder", QDir.homePath())
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setFilter(dialog.filter() | QDir.Filter.Hidden)
        dialog.fileSelected.connect(self._on_chosen)
        dialog.open()

    @Slot(str)
    def _on_chosen(self, path: str) -> None:
        self._want(tuple(dict.fromkeys((*self._added(), path))))
