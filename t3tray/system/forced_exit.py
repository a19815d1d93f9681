"""Forced exit of a process that hangs during its shutdown, together with the servers that would be left behind."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
from collections.abc import Callable

# In seconds: how long a shutdown may take.
HARD_END = 7.0
# In seconds: how long before that the registered processes are ended.
_BEFORE = 1.0
_log = logging.getLogger(__name__)
_with_us: dict[int, Callable[[], None]] = {}


def ends_with_us(pid: int, end: Callable[[], None]) -> None:
    """Register a process that a forced exit ends by calling `end`, in any thread."""
    _with_us[pid] = end


def outlives_us(pid: int) -> None:
    """Unregister a process that has ended or is to keep running."""
    _with_us.pop(pid, None)


def end_at_last(limit: float) -> None:
    """Exit with code 1 after `limit` seconds if the process is still running, and print where each thread hangs.

    Works independently of the event loop and even of the Python interpreter, which may be what hangs.
    """
    last = threading.Timer(max(limit - _BEFORE, limit / 2), _end_the_others)
    last.daemon = True
    last.start()
    output = sys.stderr.fileno() if sys.stderr else os.open(os.devnull, os.O_WRONLY)
    faulthandler.dump_traceback_later(limit, exit=True, file=output)


def call_off() -> None:
    """Call off the forced exit: the shutdown is over, and the process still has something to say."""
    faulthandler.cancel_dump_traceback_later()


def _end_the_others() -> None:
    for pid, end in list(_with_us.items()):
        _log.error("t3tray's shutdown hangs: ending the server's process %s with it.", pid)
        try:
            end()
        except Exception:
            _log.exception("Process %s could not be ended.", pid)
