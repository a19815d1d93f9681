"""What shows that a file was written, so that who has read it once need not read it again."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

# Inode, when it was written and when anything of it was changed, size. The third cannot be put back, as the second can by a copy.
Stamp = tuple[int, int, int, int]
# In ns: a file's times go on in steps (of 4 ms mostly), so that a second change may leave the same.
_STEP = 20_000_000


def stamp_of(status: os.stat_result, path: str | Path = "") -> Stamp:
    # SQLite as root sets the owner of a `-wal` at each opening, so that the third of that would change with each of our readings.
    changed = status.st_mtime_ns if str(path).endswith("-wal") else status.st_ctime_ns
    return status.st_ino, status.st_mtime_ns, changed, status.st_size


def stamps(paths: Iterable[str | Path]) -> tuple[Stamp | None, ...]:
    """One for each file, None where it cannot be looked at; to be taken before the files are read.

    One that was written at this moment gets a stamp that equals no later one: what comes in the same moment would not show.
    """
    return tuple(map(_stamp, paths))


def _stamp(path: str | Path) -> Stamp | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    found = stamp_of(status, path)
    return (*found[:3], -time.monotonic_ns()) if abs(time.time_ns() - max(found[1:3])) < _STEP else found
