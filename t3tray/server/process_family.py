"""The processes behind one server: the one that was started may be a shim (npm's, mise's, asdf's) of the one that serves.

It looks, and ends nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import pairwise

import psutil


def with_children(pid: int) -> Iterator[psutil.Process]:
    """A process, and all that it and its children started."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        yield process
        yield from process.children(recursive=True)


def port_of(words: Sequence[str]) -> int | None:
    """Where a server with these arguments listens; None for what is no server's."""
    if "serve" not in words:
        return None
    named = next((following for word, following in pairwise(words) if word == "--port"), "")
    return int(named) if named.isdecimal() else None


def serves(process: psutil.Process, port: int) -> bool:
    """Whether it was started to serve there. Raises psutil.Error."""
    words = process.cmdline()
    return "serve" in words and str(port) in words


def serving(pid: int) -> tuple[psutil.Process, ...]:
    """Of this process and all that it started those that serve where it does: it, and for a shim the server behind it."""
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
