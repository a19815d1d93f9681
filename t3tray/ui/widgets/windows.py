"""What all our windows share: how they come to the front, the keys that close and minimise them, and their style sheet."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from t3tray.system.appkit import app_kit
from t3tray.ui.theme import colours, style_sheet

# Qt writes the command key of macOS as Ctrl.
CLOSE = "Ctrl+W"
MINIMISE = "Ctrl+M"
SETTINGS = "Ctrl+,"
QUIT = "Ctrl+Q"


def bring_to_front(window: QWidget) -> None:
    """Raise a window that is shown, and give it the focus. On macOS the app must be a regular one, and active, for that."""
    app_kit().show_in_dock(True)
    app_kit().activate()
    window.raise_()
    window.activateWindow()


def add_window_keys(window: QWidget) -> None:
    """Add the keys that close and minimise the window. On macOS the main menu has them too, and gets them first."""
    QShortcut(QKeySequence(CLOSE), window, window.close)
    QShortcut(QKeySequence(MINIMISE), window, window.showMinimized)


class WindowStyle(QObject):
    """Gives a window our style sheet, now and after each change of the palette. It belongs to the window."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._paint()
        # The window itself gets no event: its style sheet overrides the palette.
        application = QGuiApplication.instance()
        assert isinstance(application, QGuiApplication)
        application.paletteChanged.connect(self._paint)

    @Slot()
    def _paint(self) -> None:
        sheet = style_sheet(colours())
        if sheet != self._window.styleSheet():
            self._window.setStyleSheet(sheet)
