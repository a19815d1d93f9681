"""Signals that end a command. The first one ends it in order; the second one ends the process immediately, whatever it waits for.

Signals are received in a separate thread, because the event loop and the main thread may be blocked by a disk that does not
respond. The next command cleans up after an immediate exit: a server that was started is found by its lease.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
# A terminal that closes sends SIGHUP twice.
_NO_SECOND = frozenset({getattr(signal, "SIGHUP", None)})
# In seconds. A parent program may forward a Ctrl+C that the terminal has already sent to us: a repetition so soon is ignored.
ONE_PRESS = 0.25


class Interrupts:
    """Context manager that handles the signals; enter it in the main thread.

    On Windows it does nothing: there Ctrl+C raises KeyboardInterrupt.
    A signal that was ignored at the start (`nohup`, a background job) stays ignored.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._at = 0.0
        self._end: Callable[[], object] | None = None
        self._lock = threading.Lock()
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}
        self._receiver, self._sender = socket.socketpair()

    def __enter__(self) -> Interrupts:
        if sys.platform != "win32":
            self._sender.setblocking(False)
            self._former_fd = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
            for number in _SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, _no_action)
            threading.Thread(target=self._listen, name="interrupts", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if sys.platform != "win32":
            for number, handler in self._before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(self._former_fd)
        # This ends the thread, which then closes its own end.
        self._sender.close()

    def on_first(self, end: Callable[[], object]) -> None:
        """Call `end` at the first signal, from another thread; immediately when that signal has already arrived."""
        with self._lock:
            self._end = end
            has_arrived = self.received is not None
        if has_arrived:
            end()

    def _listen(self) -> None:
        with self._receiver:
            while data := self._receiver.recv(1):
                if data[0] in self._before:
                    self._handle(data[0])

    def _handle(self, number: int) -> None:
        now = time.monotonic()
        with self._lock:
            is_first = self.received is None
            if is_first:
                self.received, self._at = number, now
            end = self._end
        if is_first:
            if end is not None:
                with contextlib.suppress(RuntimeError):  # the loop is closed by now
                    end()
        elif number not in _NO_SECOND and now - self._at >= ONE_PRESS:
            os._exit(128 + number)


def _no_action(number: int, frame: FrameType | None) -> None:
    """Do nothing. Python writes a signal to the wake-up descriptor only when the signal has a Python handler."""
