"""Waiting for another process by polling, where no event exists."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

LIMIT = 90.0


def lives(pid: int) -> bool:
    """Whether the process is running; a zombie is not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(condition: Callable[[], bool], what: str, limit: float = LIMIT) -> None:
    """Poll a condition, in at most a quarter of the time; fail, naming `what`, after `limit` seconds."""
    deadline = (asked := time.monotonic()) + limit
    while not condition():
        answered = time.monotonic()
        assert answered < deadline, f"{what} did not come within {limit:.0f} s"
        time.sleep(max(0.05, 3 * (answered - asked)))
        asked = time.monotonic()
