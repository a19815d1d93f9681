"""Reads other programs' files. In place of a file there may be a pipe or a device, and opening one could block forever."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def read_regular(path: Path) -> bytes:
    """Return a file's contents. Raises OSError, also for anything but a regular file."""
    with open(path, "rb", opener=_open_at_once) as file:
        refuse_special(os.fstat(file.fileno()), path)
        return file.read()


def refuse_special(status: os.stat_result, path: Path | str) -> None:
    """Raises OSError for anything but a regular file."""
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
