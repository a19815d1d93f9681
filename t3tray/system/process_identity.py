"""Identity of a process. Pids are reused, so a process is identified by its pid and its start.

psutil's start time is a wall-clock time: it moves when the machine's clock is set, and a running process would count as ended. On
Linux the start is read from the kernel, in clock ticks since a boot with its own id; elsewhere it is the time that the kernel
recorded at the start. Neither ever changes, so they are compared for equality.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import psutil

# In seconds. For records of versions before `start_id`: a wall-clock time, which clock corrections move slightly.
_WALL_CLOCK_TOLERANCE = 2.0
# Index in /proc/PID/stat, counted from the field after the name: field 22, starttime, in proc(5).
_START_TICKS = 19


def start_id(pid: int) -> str:
    """Return a process's start in a form for comparison only: `BOOT:TICKS` on Linux. Raises psutil.NoSuchProcess."""
    boot = boot_id()
    if boot:
        try:
            stat = Path(f"/proc/{pid}/stat").read_bytes()
        except OSError as error:
            raise psutil.NoSuchProcess(pid) from error
        # The name may contain spaces and brackets.
        return f"{boot}:{stat.rpartition(b')')[2].split()[_START_TICKS].decode()}"
    process = psutil.Process(pid)
    # On macOS psutil adjusts `create_time` when the clock was set after its import, but not its own identity.
    identity = getattr(process, "_ident", (pid, None))
    return f"kernel:{identity[1] if identity[1] is not None else process.create_time()!r}"


def is_running(pid: int, started: float, known_start: str = "") -> bool:
    """Return whether this process is still running. `known_start` is its `start_id`; `started`, in seconds since the epoch, is
    used where an older version recorded no `start_id`."""
    with while_it_lives():
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return has_started(process, started, known_start)
    return False


def has_started(process: psutil.Process, started: float, known_start: str) -> bool:
    """Return whether this process has this start. Raises psutil.NoSuchProcess."""
    if known_start:
        return start_id(process.pid) == known_start
    return abs(process.create_time() - started) < _WALL_CLOCK_TOLERANCE


@contextmanager
def while_it_lives() -> Iterator[None]:
    """Leave the block when the process ends: it may do so between any two calls."""
    with suppress(psutil.NoSuchProcess, ProcessLookupError):
        yield


@cache
def boot_id() -> str:
    """Return the id of this boot; empty where the system has none."""
    if sys.platform != "linux":
        return ""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
