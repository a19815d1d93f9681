"""The thread that the user is viewing: its page is visible in the active window."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QTimer, Slot
from PySide6.QtGui import QGuiApplication

from t3tray.ui.window import MainWindow

_RELEVANT = frozenset({QEvent.Type.Show, QEvent.Type.Hide, QEvent.Type.WindowActivate, QEvent.Type.WindowDeactivate})


class ViewedThread(QObject):
    """Calls `on_change` with the viewed thread's id at each change, with "" when no thread is viewed."""

    def __init__(self, window: MainWindow, on_change: Callable[[str], None]) -> None:
        super().__init__(window)
        self._window = window
        self._notify = on_change
        self._current = ""
        window.installEventFilter(self)
        window.page.installEventFilter(self)
        window.threads.chosen.connect(self._on_change)
        application = QGuiApplication.instance()
        assert isinstance(application, QGuiApplication)
        application.applicationStateChanged.connect(self._on_change)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in _RELEVANT:
            # An event filter runs before the event takes effect.
            QTimer.singleShot(0, self._on_change)
        return False

    @Slot()
    def _on_change(self) -> None:
        window = self._window
        is_viewing = window.isActiveWindow() and not window.isMinimized() and window.page.isVisible()
        thread_id = (window.threads.current() or "") if is_viewing else ""
        if thread_id != self._current:
            self._current = thread_id
            self._notify(thread_id)
