"""The owner of a listening local port, as far as the system shows it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from t3tray.system.other_processes import listener

# Readable by all users, with each socket's owner: proc(5) and the kernel's `proc_net_tcp.rst`.
TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTENS = "0A"


def may_be_t3tray(port: int) -> bool:
    """Return whether the program that listens on this port may be a t3tray of this user. Blocks.

    False only where the system shows that it is another program. A program that cannot be seen or has ended may be one.
    """
    if sys.platform != "win32" and any(user != os.getuid() for user in users_of(port)):
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
    """Return whether a process with this name and command line may be a t3tray: any Python process, or one without arguments."""
    if not words or "python" in name.lower():
        return True
    return any("t3tray" in word.lower() or "python" in Path(word).name.lower() for word in (name, *words))


def users_of(port: int) -> Iterator[int]:
    """Yield the ids of the users that listen on this port; none where that is not available."""
    for table in TABLES:
        try:
            lines = table.read_text("ascii").splitlines()[1:]
        except (OSError, UnicodeDecodeError):
            continue
        for line in lines:
            fields = line.split()
            if len(fields) > 7 and fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                yield int(fields[7])
