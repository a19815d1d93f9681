"""The signals that end a command. The first one ends it in order; the second one ends the process at once, whatever it waits for.

They are heard in a thread of their own: the event loop, and the main thread with it, may wait for a disk that does not answer.
What is cut off so is put right by the next command: a server that was started is found by its lease.
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
# A closing terminal says it twice by itself.
_NO_SECOND = frozenset({getattr(signal, "SIGHUP", None)})
# In s. A program that runs us may hand on a Ctrl+C that the terminal has told us already; nobody presses it again so soon.
_ONE_PRESS = 0.25


class Interrupts:
    """Heard inside the `with`, in the main thread. On Windows nothing is: there Ctrl+C raises KeyboardInterrupt.

    A signal that was ignored at the start (`nohup`, a background job) stays so.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._at = 0.0
        self._end: Callable[[], object] | None = None
        self._lock = threading.Lock()
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}
        self._heard, self._told = socket.socketpair()

    def __enter__(self) -> Interrupts:
        if sys.platform != "win32":
            self._told.setblocking(False)
            self._former_fd = signal.set_wakeup_fd(self._told.fileno(), warn_on_full_buffer=False)
            for number in _SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, _in_the_thread)
            threading.Thread(target=self._listen, name="interrupts", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if sys.platform != "win32":
            for number, handler in self._before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(self._former_fd)
        # Its other end closed, the thread ends and closes its own.
        self._told.close()

    def on_first(self, end: Callable[[], object]) -> None:
        """Called at the first signal, from another thread; now when it came already."""
        with self._lock:
            self._end = end
            came = self.received is not None
        if came:
            end()

    def _listen(self) -> None:
        with self._heard:
            while told := self._heard.recv(1):
                if told[0] in self._before:
                    self._hear(told[0])

    def _hear(self, number: int) -> None:
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
        elif number not in _NO_SECOND and now - self._at >= _ONE_PRESS:
            os._exit(128 + number)


def _in_the_thread(number: int, frame: FrameType | None) -> None:
    """Python has to have a handler for a signal to be told to the thread."""
