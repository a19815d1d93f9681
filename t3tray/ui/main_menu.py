"""The main menu of macOS, for all windows: the app's own menu, Edit, Window and Help.

Qt moves the entries with a role into the app's menu, and names them there. It passes a key that the focused text handles itself
to that text, so the entries of Edit are for the mouse.
"""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QLineEdit,
    QMenu,
    QMenuBar,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from t3tray.messages.about import ABOUT
from t3tray.ui.widgets.windows import CLOSE, MINIMISE, QUIT, SETTINGS

_Keys = QKeySequence.StandardKey
_EDIT = (("Undo", _Keys.Undo), ("Cut", _Keys.Cut), ("Copy", _Keys.Copy), ("Paste", _Keys.Paste), ("Select All", _Keys.SelectAll))
Editor = QLineEdit | QPlainTextEdit | QTextEdit


class MainMenu(QMenuBar):
    """One for the app; it has no parent, so it is every window's menu bar. On other systems it is never shown."""

    settings_wanted = Signal()
    quit_wanted = Signal()
    found_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._edit = edit = self.addMenu("Edit")
        for label, keys in _EDIT:
            _add(edit, label, keys).triggered.connect(lambda _=False, label=label: _do(label))
            if label == "Undo":
                edit.addSeparator()
        edit.aboutToShow.connect(self._on_edit_opens)
        edit.aboutToHide.connect(self._on_edit_closes)
        window = self.addMenu("Window")
        _add(window, "Close", CLOSE).triggered.connect(_close)
        _add(window, "Minimise", MINIMISE).triggered.connect(_minimise)
        _add(window, "Settings…", SETTINGS, QAction.MenuRole.PreferencesRole).triggered.connect(self.settings_wanted)
        _add(window, "Quit t3tray", QUIT, QAction.MenuRole.QuitRole).triggered.connect(self.quit_wanted)
        shown_help = self.addMenu("Help")
        _add(shown_help, "What t3tray Found").triggered.connect(self.found_wanted)
        _add(shown_help, ABOUT, role=QAction.MenuRole.AboutRole).triggered.connect(_show_about)

    @Slot()
    def _on_edit_opens(self) -> None:
        """Enable what the focused text can do now."""
        for action in self._edit.actions():
            action.setEnabled(_can(action.text()))

    @Slot()
    def _on_edit_closes(self) -> None:
        """Enable everything: a disabled entry would take its key away."""
        for action in self._edit.actions():
            action.setEnabled(True)


def _add(
    menu: QMenu,
    label: str,
    keys: str | QKeySequence.StandardKey | None = None,
    role: QAction.MenuRole = QAction.MenuRole.NoRole,
) -> QAction:
    # The role is set in any case: by default Qt guesses it from the label.
    action = QAction(label, menu)
    action.setMenuRole(role)
    if keys is not None:
        action.setShortcut(QKeySequence(keys))
    menu.addAction(action)
    return action


def _editor() -> Editor | None:
    """Return the focused text."""
    focused = QApplication.focusWidget()
    if isinstance(focused, QAbstractSpinBox):
        return focused.findChild(QLineEdit)
    return focused if isinstance(focused, Editor) else None


def _do(label: str) -> None:
    if editor := _editor():
        {
            "Undo": editor.undo,
            "Cut": editor.cut,
            "Copy": editor.copy,
            "Paste": editor.paste,
            "Select All": editor.selectAll,
        }[label]()


def _can(label: str) -> bool:
    editor = _editor()
    if editor is None:
        return False
    writes = not editor.isReadOnly()
    if isinstance(editor, QLineEdit):
        selected, undoes = editor.hasSelectedText(), editor.isUndoAvailable()
    else:
        selected, undoes = editor.textCursor().hasSelection(), editor.document().isUndoAvailable()
    return {"Undo": writes and undoes, "Cut": writes and selected, "Copy": selected, "Paste": writes}.get(label, True)


def _window() -> QWidget | None:
    return QApplication.activeWindow()


@Slot()
def _show_about() -> None:
    from t3tray.ui.about import about_window

    about_window().bring_up()


@Slot()
def _close() -> None:
    if window := _window():
        window.close()


@Slot()
def _minimise() -> None:
    if window := _window():
        window.showMinimized()
