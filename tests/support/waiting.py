"""Waiting for what another process does, where there is nothing to be woken by."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

LIMIT = 90.0


def lives(pid: int) -> bool:
    """Whether the process runs; one that has ended and is not taken note of yet does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(condition: Callable[[], bool], what: str, limit: float = LIMIT) -> None:
    """Looks again and again, a quarter of the time at most; fails, naming `what`, after `limit` seconds."""
    deadline = (asked := time.monotonic()) + limit
    while not condition():
        answered = time.monotonic()
        assert answered < deadline, f"{what} did not come within {limit:.0f} s"
        time.sleep(max(0.05, 3 * (answered - asked)))
        asked = time.monotonic()
