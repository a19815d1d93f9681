"""Which thread the user is looking at: its page is on screen, in the window that is in front."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QTimer, Slot
from PySide6.QtGui import QGuiApplication

from t3tray.ui.window import MainWindow

_TELLING = frozenset({QEvent.Type.Show, QEvent.Type.Hide, QEvent.Type.WindowActivate, QEvent.Type.WindowDeactivate})


class Attention(QObject):
    """Tells each change once: a thread's id, or nothing where no thread is looked at."""

    def __init__(self, window: MainWindow, tell: Callable[[str], None]) -> None:
        super().__init__(window)
        self._window = window
        self._tell = tell
        self._told = ""
        window.installEventFilter(self)
        window.page.installEventFilter(self)
        window.look_wanted.connect(self._on_change)
        application = QGuiApplication.instance()
        assert isinstance(application, QGuiApplication)
        application.applicationStateChanged.connect(self._on_change)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in _TELLING:
            # The event is only about to take effect.
            QTimer.singleShot(0, self._on_change)
        return False

    @Slot()
    def _on_change(self) -> None:
        window = self._window
        looks = window.isActiveWindow() and not window.isMinimized() and window.page.isVisible()
        thread_id = (window.threads.current() or "") if looks else ""
        if thread_id != self._told:
            self._told = thread_id
            self._tell(thread_id)
