"""Opens the window on macOS when the icon may be invisible: Qt always reports a menu bar there, even if the icon is hidden.

Opening the app again does not start a second process on macOS; it activates the running one.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QRect, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication

from t3tray.messages.window import ICON_HIDDEN

# In ms: time limit for the menu bar to show the icon.
ICON_LIMIT = 5000


class MenuBar(QObject):
    """Emits `window_wanted` with a sentence to show in the window (possibly empty). `icon_area` returns the icon's rectangle."""

    window_wanted = Signal(str)

    def __init__(
        self, application: QGuiApplication, icon_area: Callable[[], QRect], is_first_start: bool, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._icon_area = icon_area
        application.applicationStateChanged.connect(self._on_state_changed)
        if is_first_start:
            QTimer.singleShot(0, self, self._on_first_start)
        QTimer.singleShot(ICON_LIMIT, self, self._on_icon_due)

    @Slot()
    def _on_first_start(self) -> None:
        self.window_wanted.emit("")

    @Slot()
    def _on_icon_due(self) -> None:
        if self._icon_area().isEmpty():
            self.window_wanted.emit(ICON_HIDDEN)

    @Slot(Qt.ApplicationState)
    def _on_state_changed(self, state: Qt.ApplicationState) -> None:
        """Treat an activation without any visible window of ours as "the app was opened again"."""
        if state is Qt.ApplicationState.ApplicationActive and not is_any_window_open():
            self.window_wanted.emit("")


def is_any_window_open() -> bool:
    """Return whether a window of ours is open, also if it is minimised."""
    return any(window.isVisible() and window.type() is not Qt.WindowType.ToolTip for window in QGuiApplication.topLevelWindows())
