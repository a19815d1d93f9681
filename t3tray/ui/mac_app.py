"""The app on macOS: its main menu, a Dock icon while a window of ours is open, and no App Nap while others wait for it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QRect, Qt, Slot
from PySide6.QtGui import QGuiApplication, QWindow

from t3tray.domain.guard_state import GuardPhase
from t3tray.system.appkit import app_kit
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.main_menu import MainMenu
from t3tray.ui.menu_bar import MenuBar, is_any_window_open

# States of the guard in which ours listens, or may.
_GUARDING = frozenset({GuardPhase.ON, GuardPhase.CHANGED, GuardPhase.UNFIT})


class MacApp(QObject):
    """One for the app, from its icon on. `icon_area` and `is_first_start` as in `MenuBar`."""

    def __init__(
        self, application: QGuiApplication, icon_area: Callable[[], QRect], is_first_start: bool, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.menu = MainMenu()
        self.menu_bar = MenuBar(application, icon_area, is_first_start, self)
        # A window that is raised makes the app a regular one by itself, before it asks for the focus.
        application.focusWindowChanged.connect(self._on_focus_changed)
        self._fit_dock()

    @Slot(object)
    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Prevent App Nap while the guard listens or a turn runs."""
        guards = snapshot.guard.phase in _GUARDING
        app_kit().prevent_nap(guards or any(row.is_working for row in snapshot.rows))

    @Slot(QWindow)
    def _on_focus_changed(self, window: QWindow | None) -> None:
        if window:
            window.visibleChanged.connect(self._fit_dock, Qt.ConnectionType.UniqueConnection)
        self._fit_dock()

    @Slot()
    def _fit_dock(self) -> None:
        app_kit().show_in_dock(is_any_window_open())
