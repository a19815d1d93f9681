"""Draws a menu's values into a QMenu."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from t3tray.qt.menu import Item


def fill(menu: QMenu, items: tuple[Item, ...], chosen: Callable[[Item], None]) -> None:
    """Put these in place of what is there; `chosen` is called with the item that was clicked."""
    _forget(menu)
    menu.setToolTipsVisible(True)
    for item in items:
        if not item.label:
            menu.addSeparator()
        elif item.below:
            below = QMenu(_label(item), menu)
            fill(below, item.below, chosen)
            menu.addMenu(below)
        else:
            menu.addAction(_action(menu, item, chosen))


def _forget(menu: QMenu) -> None:
    """Take everything out: QMenu.clear alone would leave the menus below."""
    for below in menu.findChildren(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly):
        below.deleteLater()
    menu.clear()


def _action(menu: QMenu, item: Item, chosen: Callable[[Item], None]) -> QAction:
    action = QAction(_label(item), menu)
    action.setEnabled(item.deed is not None and not item.why)
    action.setToolTip(item.why)
    action.triggered.connect(lambda _checked=False: chosen(item))
    return action


def _label(item: Item) -> str:
    """An ampersand would underline the letter after it."""
    return item.label.replace("&", "&&")
