"""The end of a process that hangs while it ends: it, and the servers that would be left behind."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
from collections.abc import Callable

# In seconds: when a process that was told to end does, whatever hangs in it.
HARD_END = 7.0
# What is to end with it is ended so long before.
_BEFORE = 1.0
_log = logging.getLogger(__name__)
_with_us: dict[int, Callable[[], None]] = {}


def ends_with_us(pid: int, end: Callable[[], None]) -> None:
    """From now on the last resort ends this process too, with `end`, which may be called in any thread."""
    _with_us[pid] = end


def outlives_us(pid: int) -> None:
    """It is gone, or is to stay: the last resort leaves it alone."""
    _with_us.pop(pid, None)


def end_at_last(limit: float) -> None:
    """End the process with 1 if it still lives in `limit` seconds, and say where each thread hung.

    No event loop, and not even Python, is asked then: it is their hanging that this is for.
    """
    last = threading.Timer(max(limit - _BEFORE, limit / 2), _end_the_others)
    last.daemon = True
    last.start()
    told = sys.stderr.fileno() if sys.stderr else os.open(os.devnull, os.O_WRONLY)
    faulthandler.dump_traceback_later(limit, exit=True, file=told)


def _end_the_others() -> None:
    for pid, end in list(_with_us.items()):
        _log.error("t3tray did not end in order: the server's process %s is ended with it.", pid)
        try:
            end()
        except Exception:
            _log.exception("Process %s could not be ended.", pid)
