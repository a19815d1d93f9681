"""The icon in the menu bar, its tooltip and its menu. It draws values and passes on what was chosen.

Nothing but Qt is imported before the icon is shown: what the values mean is imported when the first ones come.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from t3tray.resources import resource

if TYPE_CHECKING:
    from t3tray.threads.snapshot import Snapshot
    from t3tray.ui.tray.menu import MenuItem

# In ms: for how long a menu that was opened is taken for open at most. Not every panel says when it has closed it.
OPEN_AT_MOST = 60_000


class IconState(StrEnum):
    """Told by shape; the files are named after it."""

    READY = "ready"
    BUSY = "busy"
    ATTENTION = "attention"
    TROUBLE = "trouble"
    STOPPED = "stopped"


def icon_state(snapshot: Snapshot | None) -> IconState:
    """What matters most: something waits for you, something is wrong, something works, all is well, nothing runs."""
    from t3tray.domain.guard_state import GuardPhase
    from t3tray.domain.server import ServerState
    from t3tray.domain.verdict import Kind
    from t3tray.ui.labels import is_trouble, needing

    if snapshot is None:
        return IconState.STOPPED
    live = [row for row in snapshot.rows if not row.is_archived]
    if needing(snapshot):
        return IconState.ATTENTION
    is_unanswered = snapshot.guard.phase is GuardPhase.ALONE
    if is_trouble(snapshot.server) or is_unanswered or any(row.verdict.kind is Kind.BLOCKED for row in live):
        return IconState.TROUBLE
    if snapshot.server.state is ServerState.STARTING or any(row.is_working for row in live):
        return IconState.BUSY
    return IconState.READY if snapshot.server.state.answers else IconState.STOPPED


class Tray(QObject):
    """`chosen` carries the `MenuItem` of the menu, `clicked` comes when the icon itself was clicked."""

    chosen = Signal(object)
    clicked = Signal()

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._now = now
        self._menu = QMenu()
        self._menu.aboutToShow.connect(self._on_menu_opens)
        self._menu.aboutToHide.connect(self._on_menu_closes)
        self._drawn: tuple[tuple[MenuItem, ...], bool] = ((), False)
        # Runs while the menu is open.
        self._open = QTimer(self, singleShot=True, interval=OPEN_AT_MOST)
        self._open.timeout.connect(self._on_open_for_long)
        self._snapshot: Snapshot | None = None
        self._picture = (IconState.STOPPED, "auto")
        self.icon = QSystemTrayIcon(tray_icon(*self._picture))
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

    def show_snapshot(self, snapshot: Snapshot | None) -> None:
        """Before the first snapshot, None: the menu is there then already."""
        from t3tray.ui.labels import tooltip

        self._snapshot = snapshot
        picture = icon_state(snapshot), snapshot.settings.tray_icon if snapshot else "auto"
        if picture != self._picture:
            self._picture = picture
            self.icon.setIcon(tray_icon(*picture))
        told = tooltip(snapshot)
        if told != self.icon.toolTip():
            self.icon.setToolTip(told)
        if not self._is_open:
            self._fill()

    @property
    def _is_open(self) -> bool:
        """A menu that a panel or the Mac draws is no widget that could be asked."""
        return self._menu.isVisible() or self._open.isActive()

    @property
    def _is_drawn_by_panel(self) -> bool:
        """Whether the menu goes to a StatusNotifier host over D-Bus: only there nobody knows the icon's place on the screen."""
        return sys.platform not in ("darwin", "win32") and self.icon.geometry().isNull()

    @Slot()
    def _fill(self) -> None:
        """Only what has changed is drawn anew: a menu that is built again loses its place under the pointer."""
        from t3tray.ui.tray.menu import menu_of
        from t3tray.ui.tray.menu_drawing import fill, for_dbusmenu, for_qt

        by_panel = self._is_drawn_by_panel
        drawn = menu_of(self._snapshot, self._now()), by_panel
        if drawn != self._drawn:
            self._drawn = drawn
            fill(self._menu, drawn[0], self._on_item_chosen, for_dbusmenu if by_panel else for_qt)

    @Slot()
    def _on_menu_opens(self) -> None:
        """The rings have gone on since the last change. From now on nothing moves under the pointer."""
        self._fill()
        self._open.start()

    @Slot()
    def _on_menu_closes(self) -> None:
        """What came meanwhile; later, since the entry that was chosen is told only after this."""
        self._open.stop()
        QTimer.singleShot(0, self._fill)

    @Slot()
    def _on_open_for_long(self) -> None:
        """A menu of Qt's own is known to be open still."""
        if not self._menu.isVisible():
            self._fill()

    def _on_item_chosen(self, item: MenuItem) -> None:
        """A panel closes its menu with the click, and may not say so."""
        self._on_menu_closes()
        self.chosen.emit(item)

    @Slot(QSystemTrayIcon.ActivationReason)
    def _on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        # On macOS a click also opens the menu, whose first entry opens the window.
        clicks = (QSystemTrayIcon.ActivationReason.Trigger, QSystemTrayIcon.ActivationReason.DoubleClick)
        if reason in clicks and sys.platform != "darwin":
            self.clicked.emit()


def tray_icon(state: IconState, colour: str = "auto") -> QIcon:
    """`light` or `dark` is the colour of the icon itself; `auto` is dark on a light ground, which reads on any panel.

    On macOS the system colours a mask, whatever was set.
    """
    if sys.platform == "darwin":
        icon = QIcon(str(resource(f"icons/tray-{state}-mask.svg")))
        icon.setIsMask(True)
        return icon
    suffix = f"-{colour}" if colour in ("light", "dark") else ""
    return QIcon(str(resource(f"icons/tray-{state}{suffix}.svg")))
