"""Where the window stood, and how large it was, kept in a small file. It never puts it where nobody sees it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QByteArray, QRect, QSettings
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QSplitter, QWidget

_WINDOW = "window/geometry"
_PANES = "window/panes"
# In logical pixels: so much of the window has to be on a screen to be taken hold of.
_LEAST = 80


class WindowPlace:
    """`path` need not exist. What cannot be read counts as not there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = QSettings(str(path), QSettings.Format.IniFormat)

    def restore(self, window: QWidget, panes: QSplitter) -> None:
        """Put the window where it was; a place that is on no screen any more is corrected."""
        geometry, sizes = self._kept.value(_WINDOW), self._kept.value(_PANES)
        if isinstance(geometry, QByteArray):
            window.restoreGeometry(geometry)
        if isinstance(sizes, QByteArray):
            panes.restoreState(sizes)
        screens = [screen.availableGeometry() for screen in QGuiApplication.screens()]
        window.setGeometry(seen(window.geometry(), screens))

    def keep(self, window: QWidget, panes: QSplitter) -> None:
        # Qt makes it for everybody to read, and keeps the mode of one that is there.
        with suppress(OSError):
            os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600))
            self._path.chmod(0o600)
        self._kept.setValue(_WINDOW, window.saveGeometry())
        self._kept.setValue(_PANES, panes.saveState())
        self._kept.sync()


def seen(place: QRect, screens: list[QRect]) -> QRect:
    """The same place, or where it would be seen: it fits on a screen, and its top can be reached."""
    if not screens:
        return place
    best = max(screens, key=lambda screen: _area(screen & place))
    top = QRect(place.left(), place.top(), place.width(), _LEAST)
    fits = place.width() <= best.width() and place.height() <= best.height()
    if fits and (best & top).width() >= min(_LEAST, place.width()) and best.top() <= place.top() <= best.bottom() - _LEAST:
        return place
    corrected = QRect(0, 0, min(place.width(), best.width()), min(place.height(), best.height()))
    corrected.moveCenter(best.center())
    return corrected


def _area(rect: QRect) -> int:
    return max(rect.width(), 0) * max(rect.height(), 0)
