"""Reads from T3 Code's provider logs which OpenCode sessions served a thread, in order.

The logs have this even where the database has lost it (an overwritten or empty cursor). Files are only read; unchanged files are
not read again.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from t3tray.messages.t3code_homes import REMOVED_MEANWHILE
from t3tray.messages.unread import log_unreadable
from t3tray.t3code.times import moment

# `[time] CANON: {…}` and `[time] NTIVE: {…}`; both contain the session's id as providerThreadId.
_LINE = re.compile(rb"\[([0-9T:.\-Z]+)\] (?:CANON|NTIVE): ")
_SESSION = re.compile(rb'"providerThreadId":"(ses_[A-Za-z0-9]+)"')
_NAMES = b'"providerThreadId":"ses_'
_KEPT_ROTATIONS = 10
_LOG = ".log"
_BLOCK = 1 << 20


class Stretch(Struct, frozen=True):
    """A period in which one session served the thread: from the first line that names it to the last before another one."""

    session_id: str
    began: datetime
    ended: datetime


@dataclass
class _Read:
    """How far a file was read, and the result. A grown file is read from `offset` on."""

    inode: int
    offset: int
    stretches: list[Stretch]


class ProviderLogs:
    """The logs of one T3 Code home, with a cache of what was read; one thread at a time may use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, _Read] = {}
        self._listed: frozenset[str] | None = None
        # Names of the files that have older, rotated ones.
        self._rotated: frozenset[str] = frozenset()
        self._unread: dict[str, str] = {}

    @property
    def trouble(self) -> tuple[str, ...]:
        """Sentences on the logs that could not be read last time."""
        return tuple(log_unreadable(path, why) for path, why in sorted(self._unread.items()))

    def stretches(self, thread_id: str) -> tuple[Stretch, ...]:
        """Return the periods of a thread's sessions in order, as far as its logs can be read."""
        try:
            return self._put_together(thread_id)
        except FileNotFoundError:
            # T3 Code has rotated the files since the folder was listed.
            self.list_again()
        try:
            return self._put_together(thread_id)
        except FileNotFoundError as error:
            self._unread[str(error.filename)] = REMOVED_MEANWHILE
            return ()

    def _put_together(self, thread_id: str) -> tuple[Stretch, ...]:
        """Raises FileNotFoundError when a file was renamed or removed."""
        found: list[Stretch] = []
        for path in self._files(thread_id):
            for stretch in self._of(path):
                _add(found, stretch)
        return tuple(found)

    def has(self, thread_id: str) -> bool:
        """Return whether there is a log of this thread; the folder is listed once."""
        there, current = self._names(), _name(thread_id)
        # While T3 Code rotates, only the rotated file exists.
        return bool(there) and (current in there or f"{current}.1" in there)

    def list_again(self) -> None:
        """List the folder again at the next read, for new logs."""
        self._listed = None
        self._unread = {path: why for path, why in self._unread.items() if os.path.lexists(path)}

    def _files(self, thread_id: str) -> Iterator[str]:
        """Yield the rotated files, the oldest first, then the current one."""
        there, name = self._names(), _name(thread_id)
        rotated = [f"{name}.{number}" for number in range(_KEPT_ROTATIONS, 0, -1)] if name in self._rotated else []
        for file in (*rotated, name):
            if file in there:
                yield os.path.join(self._folder, file)

    def _names(self) -> frozenset[str]:
        """Return the names of the files in the folder; empty where it cannot be listed."""
        if self._listed is None:
            try:
                self._listed = frozenset(os.listdir(self._folder))
            except OSError:
                self._listed = frozenset()
            self._rotated = frozenset(name.rpartition(".")[0] for name in self._listed if not name.endswith(_LOG))
        return self._listed

    def _of(self, path: str) -> list[Stretch]:
        """Return the periods in one file; empty where it cannot be read. Raises FileNotFoundError."""
        try:
            found = self._read_file(path)
        except FileNotFoundError:
            raise
        except OSError as error:
            self._unread[path] = error.strerror or type(error).__name__
            return []
        self._unread.pop(path, None)
        return found

    def _read_file(self, path: str) -> list[Stretch]:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a file", path)
        known = self._read.get(path)
        if known is None or known.inode != status.st_ino or known.offset > status.st_size:
            known = self._read[path] = _Read(status.st_ino, 0, [])
        if known.offset < status.st_size:
            self._read_on(path, known)
        return known.stretches

    @staticmethod
    def _read_on(path: str, known: _Read) -> None:
        with open(path, "rb", buffering=0) as file:
            file.seek(known.offset)
            left = b""
            while block := file.read(_BLOCK):
                # An incomplete last line is still being written: it is read when it is complete.
                lines, end, left = (left + block).rpartition(b"\n")
                known.offset += len(lines) + len(end)
                for stretch in _stretches(lines):
                    _add(known.stretches, stretch)


def _name(thread_id: str) -> str:
    return f"events.{thread_id}{_LOG}"


def _stretches(lines: bytes) -> Iterator[Stretch]:
    """Yield the periods of the sessions named by these lines. Times are parsed only where the session changes."""
    current, began, ended = b"", b"", b""
    place = 0
    while named := _SESSION.search(lines, place):
        begin = _LINE.match(lines, lines.rfind(b"\n", 0, named.start()) + 1)
        place = lines.find(b"\n", named.end())
        if begin:
            if named[1] != current:
                yield from _stretch(current, began, ended)
                current, began, ended = named[1], begin[1], begin[1]
                # Usually no other session follows: then skip to the last line that names this one.
                place = max(place, _last_line(lines, named))
            ended = max(ended, begin[1])
        if place < 0:
            break
    yield from _stretch(current, began, ended)


def _last_line(lines: bytes, named: re.Match[bytes]) -> int:
    """Return the offset of the last line that names a session, if all from here on name the same one; otherwise -1."""
    others = lines.count(_NAMES, named.end())
    if others == 0 or others != lines.count(named[0], named.end()):
        return -1
    end = lines.rfind(b"\n", 0, lines.rfind(_NAMES))
    return end if _LINE.match(lines, end + 1) else -1


def _stretch(session: bytes, began: bytes, ended: bytes) -> Iterator[Stretch]:
    first, last = moment(began.decode("ascii")), moment(ended.decode("ascii"))
    if first and last:
        yield Stretch(session.decode("ascii"), first, last)


def _add(stretches: list[Stretch], following: Stretch) -> None:
    last = stretches[-1] if stretches else None
    if last and last.session_id == following.session_id:
        stretches[-1] = Stretch(last.session_id, last.began, max(last.ended, following.ended))
    else:
        stretches.append(following)
