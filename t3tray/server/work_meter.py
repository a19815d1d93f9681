"""Whether a process is at work: it and what it started use the processor or write to a disk, or its log grows.

By this a server that updates its database for minutes is told from one that hangs. One that prints without an end gets nowhere
by it. It changes nothing.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil

from t3tray.server.process_family import with_children

# What counts, since it was last said that it works: a program that only waits uses about 0.3 % of a processor.
CPU_SECONDS = 0.5
WRITTEN = 64 * 2**10
# In bytes: no start has so much to say.
MOST_PRINTED = 16 * 2**20


class WorkMeter:
    """One server's. It blocks for some milliseconds: for worker threads."""

    def __init__(self, pid: int, log: Path | None = None) -> None:
        self._pid = pid
        self._log = log
        self._cpu, self._written = _used(pid)
        self._logged = _size(log)
        self._seen, self._printed = self._logged, 0

    def has_worked(self) -> bool:
        """Whether it has worked since this last said so."""
        cpu, written = _used(self._pid)
        logged = _size(self._log)
        self._printed, self._seen = self._printed + max(logged - self._seen, 0), logged
        if self._printed > MOST_PRINTED:
            return False
        # Less than before: a part of it has ended, and the rest is counted from here.
        self._cpu, self._written, self._logged = min(self._cpu, cpu), min(self._written, written), min(self._logged, logged)
        works = cpu - self._cpu >= CPU_SECONDS or written - self._written >= WRITTEN or logged > self._logged
        if works:
            self._cpu, self._written, self._logged = cpu, written, logged
        return works


def _used(pid: int) -> tuple[float, int]:
    """Seconds of processor time, and bytes written."""
    cpu, written = 0.0, 0
    for process in with_children(pid):
        with suppress(psutil.Error):
            times = process.cpu_times()
            cpu += times.user + times.system
            # macOS tells of no process what it writes.
            if hasattr(process, "io_counters"):
                counted = process.io_counters()
                written += getattr(counted, "write_chars", counted.write_bytes)
    return cpu, written


def _size(log: Path | None) -> int:
    try:
        return log.stat().st_size if log else 0
    except OSError:
        return 0
