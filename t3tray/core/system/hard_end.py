"""The end of a process that hangs while it ends."""

from __future__ import annotations

import faulthandler
import os
import sys

# In seconds: when a process that was told to end does, whatever hangs in it.
HARD_END = 7.0


def end_at_last(limit: float) -> None:
    """End the process with 1 if it still lives in `limit` seconds, and say where each thread hung.

    No event loop, and not even Python, is asked then: it is their hanging that this is for.
    """
    told = sys.stderr.fileno() if sys.stderr else os.open(os.devnull, os.O_WRONLY)
    faulthandler.dump_traceback_later(limit, exit=True, file=told)
