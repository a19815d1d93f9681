"""The main menu of macOS: its entries, their keys and roles, and what they do to the focused text and the active window."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from t3tray.ui.about import about_window
from t3tray.ui.main_menu import MainMenu

ROLE = QAction.MenuRole


@pytest.fixture
def menu(qtbot: QtBot) -> Iterator[MainMenu]:
    made = MainMenu()
    yield made
    made.deleteLater()


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    made = QWidget()
    layout = QVBoxLayout(made)
    for inside in (QLineEdit("one line"), QPlainTextEdit("some lines"), QTextBrowser(), QSpinBox(), QPushButton("Push")):
        layout.addWidget(inside)
    qtbot.addWidget(made)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    return made


def entry(menu: MainMenu, label: str) -> QAction:
    return next(action for action in menu.findChildren(QAction) if action.text() == label and not action.menu())


def text_of(editor: QLineEdit | QPlainTextEdit) -> str:
    return editor.text() if isinstance(editor, QLineEdit) else editor.toPlainText()


def edit(menu: MainMenu) -> dict[str, bool]:
    opened = next(action.menu() for action in menu.actions() if action.text() == "Edit")
    assert isinstance(opened, QMenu)
    opened.aboutToShow.emit()
    able = {action.text(): action.isEnabled() for action in opened.actions() if action.text()}
    opened.aboutToHide.emit()
    assert all(action.isEnabled() for action in opened.actions()), "a disabled entry would take its key away"
    return able


def test_the_entries_have_the_keys_and_roles_of_every_mac_app(menu: MainMenu) -> None:
    assert [action.text() for action in menu.actions()] == ["Edit", "Window", "Help"]
    keys = {"Close": "Ctrl+W", "Minimise": "Ctrl+M", "Settings…": "Ctrl+,", "Quit t3tray": "Ctrl+Q", "Select All": "Ctrl+A"}
    assert {label: entry(menu, label).shortcut().toString() for label in keys} == keys
    copying = {label: QKeySequence(f"Ctrl+{key}") for label, key in {"Undo": "Z", "Cut": "X", "Copy": "C", "Paste": "V"}.items()}
    assert {label: entry(menu, label).shortcut() for label in copying} == copying
    roles = {"About t3tray": ROLE.AboutRole, "Settings…": ROLE.PreferencesRole, "Quit t3tray": ROLE.QuitRole}
    found = {action.text(): action.menuRole() for action in menu.findChildren(QAction) if action.text() and not action.menu()}
    assert found == dict.fromkeys(found, ROLE.NoRole) | roles


def test_what_concerns_the_app_is_passed_on(menu: MainMenu) -> None:
    wanted: list[str] = []
    menu.settings_wanted.connect(lambda: wanted.append("settings"))
    menu.quit_wanted.connect(lambda: wanted.append("quit"))
    menu.found_wanted.connect(lambda: wanted.append("found"))
    for label in ("Settings…", "Quit t3tray", "What t3tray Found"):
        entry(menu, label).trigger()
    assert wanted == ["settings", "quit", "found"]
    entry(menu, "About t3tray").trigger()
    assert about_window().isVisible()
    about_window().close()


@pytest.mark.parametrize("kind", [QLineEdit, QPlainTextEdit])
def test_edit_acts_on_the_focused_text(menu: MainMenu, window: QWidget, kind: type[QLineEdit] | type[QPlainTextEdit]) -> None:
    editor = window.findChild(kind)
    assert editor is not None
    editor.setFocus()
    before = text_of(editor)
    assert edit(menu) == {"Undo": False, "Cut": False, "Copy": False, "Paste": True, "Select All": True}
    entry(menu, "Select All").trigger()
    assert edit(menu)["Cut"] and edit(menu)["Copy"]
    entry(menu, "Cut").trigger()
    assert text_of(editor) == "" and QApplication.clipboard().text() == before and edit(menu)["Undo"]
    entry(menu, "Paste").trigger()
    entry(menu, "Paste").trigger()
    assert text_of(editor) == before * 2
    entry(menu, "Undo").trigger()
    assert text_of(editor) == before


def test_a_text_to_read_can_only_be_copied_and_a_button_nothing(menu: MainMenu, window: QWidget) -> None:
    browser, spin, push = (window.findChild(kind) for kind in (QTextBrowser, QSpinBox, QPushButton))
    assert isinstance(browser, QTextBrowser) and isinstance(spin, QSpinBox) and isinstance(push, QPushButton)
    browser.setPlainText("to read")
    browser.setFocus()
    entry(menu, "Select All").trigger()
    assert edit(menu) == {"Undo": False, "Cut": False, "Copy": True, "Paste": False, "Select All": True}
    entry(menu, "Copy").trigger()
    assert QApplication.clipboard().text() == "to read"
    spin.setFocus()
    entry(menu, "Select All").trigger()
    assert edit(menu)["Copy"]
    push.setFocus()
    assert not any(edit(menu).values())
    entry(menu, "Cut").trigger()


def test_window_closes_and_minimises_the_active_window(qtbot: QtBot, menu: MainMenu, window: QWidget) -> None:
    entry(menu, "Minimise").trigger()
    assert window.isMinimized()
    window.showNormal()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    entry(menu, "Close").trigger()
    assert not window.isVisible()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is None)
    entry(menu, "Close").trigger()
    entry(menu, "Minimise").trigger()
