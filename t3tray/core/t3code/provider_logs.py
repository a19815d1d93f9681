"""What T3 Code's provider logs remember: which OpenCode session served a thread, one after the other.

They keep it even where the database has lost it (an overwritten or empty cursor). Files are read, never written; a file that
did not change is not read again.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from t3tray.core.t3code.times import moment

# `[time] CANON: {…}` and `[time] NTIVE: {…}`; a session's id stands under providerThreadId in both.
_LINE = re.compile(rb"^\[([0-9T:.\-Z]+)\] (?:CANON|NTIVE): ")
_SESSION = re.compile(rb'"providerThreadId":"(ses_[A-Za-z0-9]+)"')
_KEPT_ROTATIONS = 10


@dataclass(frozen=True)
class Stretch:
    """A time in which one session served the thread: from the first line that names it to the last before another one."""

    session_id: str
    began: datetime
    ended: datetime


@dataclass
class _Read:
    """How far a file was read, and what came of it. A grown file is read on from `offset`."""

    inode: int
    offset: int
    stretches: list[Stretch]


class ProviderLogs:
    """The logs of one T3 Code home. It remembers what it read; one thread at a time may use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, _Read] = {}
        self._listed: Mapping[str, Set[str]] | None = None

    def stretches(self, thread_id: str) -> tuple[Stretch, ...]:
        """The sessions of a thread in the order in which they served it. Raises OSError when a file cannot be read."""
        found: list[Stretch] = []
        for path in self._files(thread_id):
            for stretch in self._of(path):
                _add(found, stretch)
        return tuple(found)

    def has(self, thread_id: str) -> bool:
        """Whether there is a log of this thread; the folder is listed once."""
        return thread_id in self._names()

    def list_again(self) -> None:
        """New logs may have come."""
        self._listed = None

    def _files(self, thread_id: str) -> Iterator[Path]:
        """The rotated files, the oldest first, then the one that is written."""
        there = self._names().get(thread_id, frozenset())
        name = f"events.{thread_id}.log"
        for rotated in (*(f"{name}.{number}" for number in range(_KEPT_ROTATIONS, 0, -1)), name):
            if rotated in there:
                yield self._folder / rotated

    def _names(self) -> Mapping[str, Set[str]]:
        """The files by the thread that they are of."""
        if self._listed is None:
            found: dict[str, set[str]] = defaultdict(set)
            with suppress(OSError):
                for name in os.listdir(self._folder):
                    if name.startswith("events."):
                        found[name.split(".")[1]].add(name)
            self._listed = found
        return self._listed

    def _of(self, path: Path) -> list[Stretch]:
        status = path.stat()
        known = self._read.get(path)
        if known is None or known.inode != status.st_ino or known.offset > status.st_size:
            known = self._read[path] = _Read(status.st_ino, 0, [])
        if known.offset < status.st_size:
            self._read_on(path, known)
        return known.stretches

    @staticmethod
    def _read_on(path: Path, known: _Read) -> None:
        with path.open("rb") as file:
            file.seek(known.offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break  # being written: it is read when it is whole
                known.offset += len(line)
                stretch = _stretch(line)
                if stretch:
                    _add(known.stretches, stretch)


def _stretch(line: bytes) -> Stretch | None:
    session, begin = _SESSION.search(line), _LINE.match(line)
    at = moment(begin[1].decode("ascii")) if begin else None
    return Stretch(session[1].decode("ascii"), at, at) if session and at else None


def _add(stretches: list[Stretch], following: Stretch) -> None:
    last = stretches[-1] if stretches else None
    if last and last.session_id == following.session_id:
        stretches[-1] = Stretch(last.session_id, last.began, max(last.ended, following.ended))
    else:
        stretches.append(following)
