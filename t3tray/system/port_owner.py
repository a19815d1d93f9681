"""What the system tells of the program that listens on a port of this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from t3tray.system.other_processes import listener

# Linux tells there, to everybody, whose a socket is: proc(5) and the kernel's `proc_net_tcp.rst`.
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTENS = "0A"


def may_be_t3tray(port: int) -> bool:
    """Whether the program that listens on this port may be a t3tray of this user's; it blocks.

    False only where the system shows that it is none. One that cannot be seen may be one, as may one that has ended meanwhile.
    """
    if sys.platform != "win32" and any(user != os.getuid() for user in _users(port)):
        return False
    pid = listener(port)
    if pid is None:
        return True
    try:
        process = psutil.Process(pid)
        return is_like_t3tray(process.name(), process.cmdline())
    except (psutil.Error, OSError):
        return True


def is_like_t3tray(name: str, words: Sequence[str]) -> bool:
    """Whether a process of this name and command line may be a t3tray: any Python may. Without a command line it may too."""
    if not words or "python" in name.lower():
        return True
    return any("t3tray" in word.lower() or "python" in Path(word).name.lower() for word in (name, *words))


def _users(port: int) -> Iterator[int]:
    """The ids of the users who listen on this port; none where that is not told."""
    for table in _TABLES:
        try:
            lines = table.read_text("ascii").splitlines()[1:]
        except (OSError, UnicodeDecodeError):
            continue
        for line in lines:
            fields = line.split()
            if len(fields) > 7 and fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                yield int(fields[7])
