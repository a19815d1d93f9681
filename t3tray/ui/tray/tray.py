"""The tray icon, its tooltip and its menu. It draws values and emits what was chosen.

Only Qt is imported before the icon is shown; the modules that interpret a snapshot are imported with the first one.
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

# In ms: how long an opened menu counts as open at most. Not every panel reports that it has closed the menu.
OPEN_AT_MOST = 60_000


class IconState(StrEnum):
    """The icon's states, each with its own shape; the icon files are named after them."""

    READY = "ready"
    BUSY = "busy"
    ATTENTION = "attention"
    TROUBLE = "trouble"
    STOPPED = "stopped"


def icon_state(snapshot: Snapshot | None) -> IconState:
    """Return the most important state: attention, then trouble, busy, ready, stopped."""
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
    """The tray icon. Emits `chosen` with a `MenuItem`, and `clicked` when the icon itself is clicked."""

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
        self._shown_icon = (IconState.STOPPED, "auto")
        self.icon = QSystemTrayIcon(tray_icon(*self._shown_icon))
        self.icon.setContextMenu(self._menu)
        self.icon.activated.connect(self._on_activated)

    @property
    def is_there(self) -> bool:
        """Whether the desktop shows tray icons, as far as it reports now."""
        return QSystemTrayIcon.isSystemTrayAvailable()

    def show(self) -> None:
        self.icon.show()

    def hide(self) -> None:
        self.icon.hide()

    def show_snapshot(self, snapshot: Snapshot | None) -> None:
        """Show a snapshot; None before the first one, so that the menu already exists."""
        from t3tray.ui.labels import tooltip

        self._snapshot = snapshot
        icon = icon_state(snapshot), snapshot.settings.tray_icon if snapshot else "auto"
        if icon != self._shown_icon:
            self._shown_icon = icon
            self.icon.setIcon(tray_icon(*icon))
        text = tooltip(snapshot)
        if text != self.icon.toolTip():
            self.icon.setToolTip(text)
        if not self._is_open:
            self._fill()

    @property
    def _is_open(self) -> bool:
        """Whether the menu is open. A menu drawn by a panel or by macOS is not a visible widget, so a timer counts too."""
        return self._menu.isVisible() or self._open.isActive()

    @property
    def _is_drawn_by_panel(self) -> bool:
        """Whether a StatusNotifier host draws the menu over D-Bus: only then is the icon's position on the screen unknown."""
        return sys.platform not in ("darwin", "win32") and self.icon.geometry().isNull()

    @Slot()
    def _fill(self) -> None:
        """Redraw the menu if it changed: a rebuilt menu loses its state under the pointer."""
        from t3tray.ui.tray.menu import menu_of
        from t3tray.ui.tray.menu_drawing import fill, for_dbusmenu, for_qt

        by_panel = self._is_drawn_by_panel
        drawn = menu_of(self._snapshot, self._now()), by_panel
        if drawn != self._drawn:
            self._drawn = drawn
            fill(self._menu, drawn[0], self._on_item_chosen, for_dbusmenu if by_panel else for_qt)

    @Slot()
    def _on_menu_opens(self) -> None:
        """Bring the remaining idle times up to date, then leave the menu unchanged while it is open."""
        self._fill()
        self._open.start()

    @Slot()
    def _on_menu_closes(self) -> None:
        """Show what changed meanwhile; deferred, since Qt reports the chosen entry only after this."""
        self._open.stop()
        QTimer.singleShot(0, self._fill)

    @Slot()
    def _on_open_for_long(self) -> None:
        """Stop waiting for a close event that may never come, unless Qt's own menu is still visible."""
        if not self._menu.isVisible():
            self._fill()

    def _on_item_chosen(self, item: MenuItem) -> None:
        """A panel closes its menu with the click, and may not report that."""
        self._on_menu_closes()
        self.chosen.emit(item)

    @Slot(QSystemTrayIcon.ActivationReason)
    def _on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        # On macOS a click also opens the menu, whose first entry opens the window.
        clicks = (QSystemTrayIcon.ActivationReason.Trigger, QSystemTrayIcon.ActivationReason.DoubleClick)
        if reason in clicks and sys.platform != "darwin":
            self.clicked.emit()


def tray_icon(state: IconState, colour: str = "auto") -> QIcon:
    """Return the icon. `light` and `dark` are the colour of the icon itself; `auto` is dark on a light background, which is
    readable on any panel.

    On macOS the system colours a mask image, whatever was set.
    """
    if sys.platform == "darwin":
        icon = QIcon(str(resource(f"icons/tray-{state}-mask.svg")))
        icon.setIsMask(True)
        return icon
    suffix = f"-{colour}" if colour in ("light", "dark") else ""
    return QIcon(str(resource(f"icons/tray-{state}{suffix}.svg")))
