"""Draws menu items into a QMenu."""

from __future__ import annotations

import sys
from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu

from t3tray.ui.tray.menu import MenuAction, MenuItem
from t3tray.ui.widgets.basic import tip
from t3tray.ui.widgets.windows import QUIT, SETTINGS

# Keys that macOS shows beside an entry, and takes while the menu is open.
_MAC_KEYS = {MenuAction.SETTINGS: SETTINGS, MenuAction.QUIT: QUIT}
# Escapes a label so that every character of it is visible in the menu.
Spelling = Callable[[str], str]


def for_qt(label: str) -> str:
    """Escape a label for a menu that Qt or macOS draws: a single ampersand would underline the letter after it."""
    return label.replace("&", "&&")


def for_dbusmenu(label: str) -> str:
    """Escape a label for a menu that a panel draws from `com.canonical.dbusmenu`, where `_` marks the underlined letter.

    Qt replaces only the first single ampersand by `_`, and passes on every other character unchanged.
    """
    return label.replace("_", "__").replace("&", "&&", 1)


def fill(menu: QMenu, items: tuple[MenuItem, ...], chosen: Callable[[MenuItem], None], spelling: Spelling = for_qt) -> None:
    """Replace the menu's content with these items; `chosen` is called with the clicked item."""
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
    """Remove everything: QMenu.clear alone would leave the submenus."""
    for below in menu.findChildren(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly):
        below.deleteLater()
    menu.clear()


def _action(menu: QMenu, item: MenuItem, chosen: Callable[[MenuItem], None], spelling: Spelling) -> QAction:
    action = QAction(spelling(item.label), menu)
    action.setEnabled(item.action is not None and not item.why)
    action.setToolTip(tip(item.why))
    if sys.platform == "darwin" and item.action in _MAC_KEYS:
        action.setShortcut(QKeySequence(_MAC_KEYS[item.action]))
    action.triggered.connect(lambda _checked=False: chosen(item))
    return action
