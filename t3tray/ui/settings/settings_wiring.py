"""Connects the settings window with the bridge: created on first use, updated with each snapshot."""

from __future__ import annotations

import os
from collections.abc import Iterable

from PySide6.QtCore import QObject, Qt, Signal, Slot, qVersion
from PySide6.QtGui import QGuiApplication

from t3tray.domain.inventory import AutostartState, InventoryItem
from t3tray.messages.inventory import tray_item
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.about import about_window
from t3tray.ui.bridge import Bridge
from t3tray.ui.settings.settings_window import SettingsWindow


class SettingsController(QObject):
    """Owns the settings window. Emits `found_wanted` when the user asks for the inventory page."""

    found_wanted = Signal()

    def __init__(self, bridge: Bridge, has_tray: bool) -> None:
        super().__init__()
        self._bridge = bridge
        self._has_tray = has_tray
        self.window = SettingsWindow()
        self.window.setting_wanted.connect(bridge.change_setting)
        self.window.folder_wanted.connect(bridge.open_data_folder)
        self.window.diagnostics_wanted.connect(self._on_diagnostics_wanted)
        self.window.found_wanted.connect(self.found_wanted)
        self.window.about_wanted.connect(lambda: about_window().bring_up())
        self.window.protection_wanted.connect(bridge.preview_protection)
        self.window.login_wanted.connect(bridge.set_autostart)
        bridge.autostart_changed.connect(self._on_autostart_changed)
        bridge.setting_saved.connect(self.window.show_saved)
        bridge.setting_refused.connect(self.window.show_refusal)
        bridge.inventory_taken.connect(self.window.show_inventory)
        bridge.diagnosed.connect(self._on_diagnosed)
        bridge.snapshot_changed.connect(self._on_snapshot_changed)

    def open(self) -> None:
        """Show the window in front, with current values."""
        if self._bridge.snapshot:
            self._on_snapshot_changed(self._bridge.snapshot)
        self._bridge.take_inventory()
        self._bridge.read_autostart()
        self.window.bring_up()

    @Slot(object)
    def _on_snapshot_changed(self, snapshot: Snapshot) -> None:
        self.window.show_settings(snapshot.settings)
        self.window.show_guard(snapshot.guard)

    @Slot(object)
    def _on_autostart_changed(self, state: AutostartState) -> None:
        self.window.show_login(state.is_on, state.trouble)

    @Slot()
    def _on_diagnostics_wanted(self) -> None:
        self._bridge.diagnose(tuple(gui_lines(self._has_tray)))

    @Slot(str)
    def _on_diagnosed(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self.window.show_copied()


def gui_items(has_tray: bool) -> tuple[InventoryItem, ...]:
    """Return the inventory items that only the GUI knows."""
    return (tray_item(has_tray, os.environ.get("XDG_CURRENT_DESKTOP", "")),)


def gui_lines(has_tray: bool) -> Iterable[str]:
    """Yield the lines of the diagnostics that only the GUI knows."""
    application = QGuiApplication.instance()
    assert isinstance(application, QGuiApplication)
    scheme = Qt.ColorScheme(application.styleHints().colorScheme()).name.lower()
    yield f"Qt {qVersion()} on {application.platformName()}, colours {scheme}, tray {'there' if has_tray else 'missing'}"
    desktop, session = (os.environ.get(name) or "unknown" for name in ("XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE"))
    yield f"desktop {desktop}, session {session}"
    for screen in application.screens():
        size = screen.size()
        yield f"screen {size.width()} x {size.height()}, scale {screen.devicePixelRatio():g}"
