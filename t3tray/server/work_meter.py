"""Detects activity of a process: processor time or disk writes of it and its descendants, or a growing log.

This distinguishes a server that updates its database for minutes from one that hangs. Endless output does not count. Read-only.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from t3tray.server.process_family import with_children

# Processor seconds and bytes written that count as activity. A waiting program uses about 0.3 % of a processor.
CPU_SECONDS = 0.5
WRITTEN = 64 * 2**10
# In bytes: output beyond this is endless output, and no longer counts as activity.
MOST_PRINTED = 16 * 2**20


def used_by(pid: int) -> tuple[float, int]:
    """Return processor time in seconds, and bytes written."""
    cpu, written = 0.0, 0
    for process in with_children(pid):
        with suppress(psutil.Error):
            times = process.cpu_times()
            cpu += times.user + times.system
            # macOS has no counter of bytes written.
            if hasattr(process, "io_counters"):
                counted = process.io_counters()
                written += getattr(counted, "write_chars", counted.write_bytes)
    return cpu, written


class WorkMeter:
    """Activity of one server. Blocks for some milliseconds: call it in worker threads."""

    def __init__(self, pid: int, log: Path | None = None, used: Callable[[int], tuple[float, int]] = used_by) -> None:
        """`used(pid)` returns the processor time in seconds, and the bytes written."""
        self._pid = pid
        self._ask_used = used
        self._log = log
        self._cpu, self._written = used(pid)
        self._logged = _size(log)
        self._seen, self._printed = self._logged, 0

    def has_worked(self) -> bool:
        """Return whether there was activity since the last call that returned True."""
        cpu, written = self._ask_used(self._pid)
        logged = _size(self._log)
        self._printed, self._seen = self._printed + max(logged - self._seen, 0), logged
        if self._printed > MOST_PRINTED:
            return False
        # A smaller value means that a descendant has ended: count from here.
        self._cpu, self._written, self._logged = min(self._cpu, cpu), min(self._written, written), min(self._logged, logged)
        works = cpu - self._cpu >= CPU_SECONDS or written - self._written >= WRITTEN or logged > self._logged
        if works:
            self._cpu, self._written, self._logged = cpu, written, logged
        return works


def _size(log: Path | None) -> int:
    try:
        return log.stat().st_size if log else 0
    except OSError:
        return 0
