"""The icon in the menu bar, its tooltip and its menu. It draws values and passes on what was chosen.

Nothing but Qt is imported before the icon is shown: what the values mean is imported when the first ones come.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QAction, QIcon
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from t3tray.resources import resource

if TYPE_CHECKING:
    from t3tray.core.services.views import Overview
    from t3tray.qt.menu import Item


class IconState(StrEnum):
    """Told by shape; the files are named after it."""

    READY = "ready"
    BUSY = "busy"
    ATTENTION = "attention"
    STOPPED = "stopped"


def icon_state(overview: Overview | None) -> IconState:
    """What matters most: something needs you, something works, all is well, nothing runs."""
    from t3tray.core.domain.server import ServerState
    from t3tray.core.domain.verdict import Kind, Reason
    from t3tray.qt.words import is_trouble

    if overview is None:
        return IconState.STOPPED
    if is_trouble(overview.server) or overview.alarms or any(row.verdict.kind is Kind.BLOCKED for row in overview.rows):
        return IconState.ATTENTION
    if overview.server.state is ServerState.STARTING or any(row.verdict.reason is Reason.BUSY for row in overview.rows):
        return IconState.BUSY
    return IconState.READY if overview.server.state.answers else IconState.STOPPED


class Tray(QObject):
    """`chosen` carries the `Item` of the menu, `clicked` comes when the icon itself was clicked."""

    chosen = Signal(object)
    clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._menu = QMenu()
        self._items: tuple[Item, ...] = ()
        self._state = IconState.STOPPED
        self.icon = QSystemTrayIcon(tray_icon(self._state))
        self.icon.setContextMenu(self._menu)
        self.icon.activated.connect(self._on_activated)

    @property
    def is_there(self) -> bool:
        """Whether the desktop shows such icons at all, as far as it tells now."""
        return QSystemTrayIcon.isSystemTrayAvailable()

    def show(self) -> None:
        self.icon.show()

    def hide(self) -> None:
        self.icon.hide()

    def show_overview(self, overview: Overview | None) -> None:
        """Before the first overview, None: the menu is there then already."""
        from t3tray.qt.menu import menu_of
        from t3tray.qt.words import tooltip

        state = icon_state(overview)
        if state is not self._state:
            self._state = state
            self.icon.setIcon(tray_icon(state))
        self.icon.setToolTip(tooltip(overview))
        items = menu_of(overview)
        if items != self._items:
            self._items = items
            self._fill()

    def _fill(self) -> None:
        self._menu.clear()
        for item in self._items:
            if not item.label:
                self._menu.addSeparator()
                continue
            # An ampersand would underline the letter after it.
            action = QAction(item.label.replace("&", "&&"), self._menu)
            action.setEnabled(item.deed is not None)
            action.triggered.connect(lambda _checked=False, item=item: self.chosen.emit(item))
            self._menu.addAction(action)

    @Slot(QSystemTrayIcon.ActivationReason)
    def _on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        # On macOS a click also opens the menu, whose first entry opens the window.
        clicks = (QSystemTrayIcon.ActivationReason.Trigger, QSystemTrayIcon.ActivationReason.DoubleClick)
        if reason in clicks and sys.platform != "darwin":
            self.clicked.emit()


def tray_icon(state: IconState) -> QIcon:
    """On macOS a mask that the system colours; elsewhere dark strokes on a light ground, which read on any panel."""
    if sys.platform != "darwin":
        return QIcon(str(resource(f"icons/tray-{state}.svg")))
    icon = QIcon(str(resource(f"icons/tray-{state}-mask.svg")))
    icon.setIsMask(True)
    return icon
