"""Draws a menu's values into a QMenu."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from t3tray.ui.tray.menu import MenuItem
from t3tray.ui.widgets.basic import tip

# How the label of an entry is written so that every character of it is seen.
Spelling = Callable[[str], str]


def for_qt(label: str) -> str:
    """For a menu that Qt draws, or the Mac: an ampersand alone would underline the letter after it."""
    return label.replace("&", "&&")


def for_dbusmenu(label: str) -> str:
    """For a menu that the panel draws from `com.canonical.dbusmenu`, where the mark of the underlined letter is `_`.

    Qt puts `_` in the place of the first ampersand alone, and passes on every other character as it is.
    """
    return label.replace("_", "__").replace("&", "&&", 1)


def fill(menu: QMenu, items: tuple[MenuItem, ...], chosen: Callable[[MenuItem], None], spelling: Spelling = for_qt) -> None:
    """Put these in place of what is there; `chosen` is called with the item that was clicked."""
    _forget(menu)
    menu.setToolTipsVisible(True)
    for item in items:
        if not item.label:
            menu.addSeparator()
        elif item.below:
            below = QMenu(spelling(item.label), menu)
            fill(below, item.below, chosen, spelling)
            menu.addMenu(below)
        else:
            menu.addAction(_action(menu, item, chosen, spelling))


def _forget(menu: QMenu) -> None:
    """Take everything out: QMenu.clear alone would leave the menus below."""
    for below in menu.findChildren(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly):
        below.deleteLater()
    menu.clear()


def _action(menu: QMenu, item: MenuItem, chosen: Callable[[MenuItem], None], spelling: Spelling) -> QAction:
    action = QAction(spelling(item.label), menu)
    action.setEnabled(item.deed is not None and not item.why)
    action.setToolTip(tip(item.why))
    action.triggered.connect(lambda _checked=False: chosen(item))
    return action
