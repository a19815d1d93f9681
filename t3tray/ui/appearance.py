"""Light or dark appearance, by the user's setting or the desktop's; from the start on, and whenever either changes.

Some desktops report a dark scheme and leave Qt's palette light (a portal's `prefer-dark`, Adwaita-dark): then we replace it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from t3tray.ui.theme import FORCED, is_dark, palette_is_dark, palette_of, usual

if TYPE_CHECKING:
    from t3tray.ui.bridge import Bridge

_SCHEMES = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}


class Appearance(QObject):
    """Applies the colour scheme. One per application."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._appearance = ""
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_scheme_changed)
        self.follow("system")

    def follow(self, appearance: str) -> None:
        """Use `light` or `dark` whatever the system has; any other value follows the system."""
        if appearance != self._appearance:
            self._appearance = appearance
            follow_appearance(appearance)

    def listen(self, bridge: Bridge) -> None:
        """Follow the setting: changed in this process (known at once), or by a command (known with the next snapshot)."""
        bridge.setting_saved.connect(lambda _, settings: self.follow(settings.appearance))
        bridge.snapshot_changed.connect(lambda snapshot: self.follow(snapshot.settings.appearance))

    @Slot()
    def _on_scheme_changed(self) -> None:
        _fit_palette()


def follow_appearance(appearance: str) -> None:
    """Apply an appearance now, without following later changes."""
    hints, wanted = QGuiApplication.styleHints(), _SCHEMES.get(appearance)
    application = QGuiApplication.instance()
    assert application is not None
    application.setProperty(FORCED, wanted.value if wanted else 0)
    if wanted is None:
        hints.unsetColorScheme()
    else:
        hints.setColorScheme(wanted)
    _fit_palette()


def _fit_palette() -> None:
    """Use the desktop's own palette if it fits the scheme, else ours."""
    QApplication.setPalette(QPalette())
    dark = is_dark()
    if palette_is_dark() != dark:
        QApplication.setPalette(palette_of(usual(dark)))
