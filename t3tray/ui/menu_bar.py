"""Ways to the window on macOS for who sees no icon: it says that a menu bar is always there, also where the icon is not shown.

Opening the app again starts no second process there, but activates the one that runs.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QRect, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication

# In ms: how long the menu bar may take to show the icon.
ICON_LIMIT = 5000
HIDDEN = (
    "t3tray's icon is not in the menu bar. Allow it under Menu Bar in System Settings, or make room: icons that find none, as "
    "beside the camera of some screens, are hidden. Opening t3tray again always shows this window."
)


class MenuBar(QObject):
    """`window_wanted` carries a sentence to show with the window, which may be empty. `icon_area` is where the icon is."""

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
            self.window_wanted.emit(HIDDEN)

    @Slot(Qt.ApplicationState)
    def _on_state_changed(self, state: Qt.ApplicationState) -> None:
        """Opened again: whoever looks at one of our windows, or at the icon's menu, has another reason."""
        if state is Qt.ApplicationState.ApplicationActive and not _is_any_window_open():
            self.window_wanted.emit("")


def _is_any_window_open() -> bool:
    return any(window.isVisible() and window.type() is not Qt.WindowType.ToolTip for window in QGuiApplication.topLevelWindows())
