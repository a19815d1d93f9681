"""The folder that tests write to: in memory if there is room, since on a disk every transaction of a database waits."""

from __future__ import annotations

import os
from pathlib import Path

_PLACE = Path("/dev/shm")
_ROOM = 4 * 2**30


def memory_disk() -> str:
    """Return an in-memory file system with enough room that allows to run programs; "" without one."""
    if os.name == "nt" or not os.access(_PLACE, os.W_OK):
        return ""
    found = os.statvfs(_PLACE)
    return str(_PLACE) if found.f_bavail * found.f_frsize > _ROOM and not found.f_flag & os.ST_NOEXEC else ""
