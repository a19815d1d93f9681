"""Where tests write: in memory, where there is room. On a disk every database waits at each transaction, ours and OpenCode's."""

from __future__ import annotations

import os
from pathlib import Path

_PLACE = Path("/dev/shm")
_ROOM = 4 * 2**30


def memory_disk() -> str:
    """A disk in memory with enough room, on which programs can be run; empty where there is none."""
    if os.name == "nt" or not os.access(_PLACE, os.W_OK):
        return ""
    found = os.statvfs(_PLACE)
    return str(_PLACE) if found.f_bavail * found.f_frsize > _ROOM and not found.f_flag & os.ST_NOEXEC else ""
