"""The processes of one server: the process that was started may be a shim (npm's, mise's, asdf's) of the one that serves.

Read-only: no process is ended here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import pairwise

import psutil


def with_children(pid: int) -> Iterator[psutil.Process]:
    """Yield a process and all its descendants."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        yield process
        yield from process.children(recursive=True)


def port_of(words: Sequence[str]) -> int | None:
    """Return the port in a server's arguments; None when they are no server's."""
    if "serve" not in words:
        return None
    named = next((following for word, following in pairwise(words) if word == "--port"), "")
    return int(named) if named.isdecimal() else None


def serves(process: psutil.Process, port: int) -> bool:
    """Return whether the process was started to serve on this port. Raises psutil.Error."""
    words = process.cmdline()
    return "serve" in words and str(port) in words


def serving(pid: int) -> tuple[psutil.Process, ...]:
    """Return this process and its descendants that serve on the same port: for a shim, the server that it started."""
    family = tuple(with_children(pid))
    with suppress(psutil.Error):
        port = port_of(family[0].cmdline()) if family else None
        if port is not None:
            return (family[0], *(process for process in family[1:] if _serves(process, port)))
    return family[:1]


def _serves(process: psutil.Process, port: int) -> bool:
    try:
        return serves(process, port)
    except psutil.Error:
        return False
