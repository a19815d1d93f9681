"""Stamps that change when a file is written, so that an unchanged file need not be read again."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

# Inode, mtime, ctime (both in ns), size. A copy can restore the mtime, but not the ctime.
Stamp = tuple[int, int, int, int]
# In ns: file times have a granularity (mostly 4 ms), so that two changes may have the same time.
_STEP = 20_000_000


def stamp_of(status: os.stat_result, path: str | Path = "") -> Stamp:
    # As root, SQLite sets the owner of a `-wal` at each opening, so its ctime would change with each of our reads.
    changed = status.st_mtime_ns if str(path).endswith("-wal") else status.st_ctime_ns
    return status.st_ino, status.st_mtime_ns, changed, status.st_size


def stamps(paths: Iterable[str | Path]) -> tuple[Stamp | None, ...]:
    """Return a stamp for each file, None where `stat` fails. Take them before reading the files.

    A file that was written just now gets a stamp unequal to all later ones, because a further change could have the same time.
    """
    return tuple(map(_stamp, paths))


def _stamp(path: str | Path) -> Stamp | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    found = stamp_of(status, path)
    return (*found[:3], -time.monotonic_ns()) if abs(time.time_ns() - max(found[1:3])) < _STEP else found
