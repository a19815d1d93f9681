"""The window's position and size, stored in a small file and restored to a place that is visible."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QByteArray, QRect, QSettings
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QSplitter, QWidget

_WINDOW = "window/geometry"
_PANES = "window/panes"
# In logical pixels: how much of the window must be on a screen so that the mouse can grab it.
_LEAST = 80


class WindowGeometry:
    """Stores the geometry of the window and its panes. `path` need not exist; an unreadable file counts as missing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._settings = QSettings(str(path), QSettings.Format.IniFormat)

    def restore(self, window: QWidget, panes: QSplitter) -> None:
        """Move the window to its stored position; a position outside all screens is corrected."""
        geometry, sizes = self._settings.value(_WINDOW), self._settings.value(_PANES)
        if isinstance(geometry, QByteArray):
            window.restoreGeometry(geometry)
        if isinstance(sizes, QByteArray):
            panes.restoreState(sizes)
        screens = [screen.availableGeometry() for screen in QGuiApplication.screens()]
        window.setGeometry(visible_geometry(window.geometry(), screens))

    def save(self, window: QWidget, panes: QSplitter) -> None:
        # Qt creates the file readable for everybody, and keeps the mode of an existing one.
        with suppress(OSError):
            os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600))
            self._path.chmod(0o600)
        self._settings.setValue(_WINDOW, window.saveGeometry())
        self._settings.setValue(_PANES, panes.saveState())
        self._settings.sync()


def visible_geometry(geometry: QRect, screens: list[QRect]) -> QRect:
    """Return the same rectangle, or a corrected one that fits on a screen and whose top can be reached."""
    if not screens:
        return geometry
    best = max(screens, key=lambda screen: _area(screen & geometry))
    top = QRect(geometry.left(), geometry.top(), geometry.width(), _LEAST)
    fits = geometry.width() <= best.width() and geometry.height() <= best.height()
    if fits and (best & top).width() >= min(_LEAST, geometry.width()) and best.top() <= geometry.top() <= best.bottom() - _LEAST:
        return geometry
    corrected = QRect(0, 0, min(geometry.width(), best.width()), min(geometry.height(), best.height()))
    corrected.moveCenter(best.center())
    return corrected


def _area(rect: QRect) -> int:
    return max(rect.width(), 0) * max(rect.height(), 0)
