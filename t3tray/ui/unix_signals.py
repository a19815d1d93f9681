"""Unix signals as Qt signals: Python's signal handlers do not run while Qt's event loop waits."""

from __future__ import annotations

import contextlib
import signal
import socket
import sys

from PySide6.QtCore import QObject, QSocketNotifier, QTimer, Signal, Slot

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class UnixSignals(QObject):
    """Emits `received` when the process is asked to end (SIGINT, SIGTERM, SIGHUP). One per process."""

    received = Signal()
    _ours: socket.socket

    def __init__(self) -> None:
        super().__init__()
        for name in _NAMES:
            number = getattr(signal, name, None)
            if number is not None:
                signal.signal(number, self._handle)
        if sys.platform == "win32":
            # Windows has no wake-up by a socket: a timer lets the interpreter run its handlers every 500 ms.
            self._timer = QTimer(self)
            self._timer.start(500)
            self._timer.timeout.connect(self._on_tick)
            return
        self._ours, theirs = socket.socketpair()
        self._theirs = theirs
        for end in (self._ours, theirs):
            end.setblocking(False)
        signal.set_wakeup_fd(theirs.fileno())
        self._notifier = QSocketNotifier(self._ours.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_wakeup)

    def _handle(self, _number: int, _frame: object) -> None:
        self.received.emit()

    @Slot()
    def _on_wakeup(self) -> None:
        # The byte only wakes Qt; the handler above runs as soon as Python does.
        with contextlib.suppress(BlockingIOError):
            self._ours.recv(64)

    @Slot()
    def _on_tick(self) -> None:
        """Do nothing: running any Python code lets pending signal handlers run."""
