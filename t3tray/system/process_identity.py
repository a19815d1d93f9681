"""Which process a pid means. Pids are used again, so a process is known by its pid and by when it started.

The start time that psutil tells is a wall-clock time: it moves when the machine's clock is set, and a living process would be
taken for a dead one. On Linux the start is read as the kernel counts it, in clock ticks since a boot that has an id of its own;
elsewhere it is what the kernel noted when the process began. Neither ever moves, so two of them are compared for equality.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import psutil

# In s. For what versions before `start_id` recorded: a wall-clock time, which clock corrections move a little.
_WALL_CLOCK_TOLERANCE = 2.0
# Of /proc/PID/stat, counted from the field after the name: proc(5) calls it 22, starttime.
_START_TICKS = 19


def start_id(pid: int) -> str:
    """When this process started, in a form that is only compared: `BOOT:TICKS` on Linux. Raises psutil.NoSuchProcess."""
    boot = _boot_id()
    if boot:
        try:
            stat = Path(f"/proc/{pid}/stat").read_bytes()
        except OSError as error:
            raise psutil.NoSuchProcess(pid) from error
        # The name may hold spaces and brackets itself.
        return f"{boot}:{stat.rpartition(b')')[2].split()[_START_TICKS].decode()}"
    process = psutil.Process(pid)
    # psutil moves its `create_time` on macOS by what the clock was set since it was imported; its own identity it does not.
    identity = getattr(process, "_ident", (pid, None))
    return f"kernel:{identity[1] if identity[1] is not None else process.create_time()!r}"


def is_running(pid: int, started: float, known_start: str = "") -> bool:
    """Whether this process still lives. `known_start` is its `start_id`; `started`, in s since the epoch, counts where an older
    version recorded no other."""
    with while_it_lives():
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return has_started(process, started, known_start)
    return False


def has_started(process: psutil.Process, started: float, known_start: str) -> bool:
    """Whether this process started then. Raises psutil.NoSuchProcess."""
    if known_start:
        return start_id(process.pid) == known_start
    return abs(process.create_time() - started) < _WALL_CLOCK_TOLERANCE


@contextmanager
def while_it_lives() -> Iterator[None]:
    """A process may end between any two questions."""
    with suppress(psutil.NoSuchProcess, ProcessLookupError):
        yield


@cache
def _boot_id() -> str:
    """The id of this boot, "" where the system gives none."""
    if sys.platform != "linux":
        return ""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
