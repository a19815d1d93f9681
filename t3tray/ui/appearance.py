"""Light or dark, as the user set it or as the desktop has it; from the first moment on, and whenever that changes.

Some desktops say that they are dark and leave Qt's palette light (a portal's `prefer-dark`, Adwaita-dark): then it is replaced.
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
    """One for the application's life."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._appearance = ""
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_scheme_changed)
        self.follow("system")

    def follow(self, appearance: str) -> None:
        """`light` or `dark` whatever the system has; anything else follows it again."""
        if appearance != self._appearance:
            self._appearance = appearance
            follow_appearance(appearance)

    def listen(self, bridge: Bridge) -> None:
        """Follow what is set: here, which is told sooner than the next look, or by a command."""
        bridge.setting_kept.connect(lambda _, settings: self.follow(settings.appearance))
        bridge.overview_changed.connect(lambda snapshot: self.follow(snapshot.settings.appearance))

    @Slot()
    def _on_scheme_changed(self) -> None:
        _fit_palette()


def follow_appearance(appearance: str) -> None:
    """The same for this once."""
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
    """The desktop's own palette where it fits, else ours."""
    QApplication.setPalette(QPalette())
    dark = is_dark()
    if palette_is_dark() != dark:
        QApplication.setPalette(palette_of(usual(dark)))
