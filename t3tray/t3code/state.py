"""Reads the state of a T3 Code home: which of its databases is live, and the threads in it. Problems are values, not exceptions.

Nothing is written, no credential is read, and no file is kept open longer than a read takes.
"""

from __future__ import annotations

import math
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from t3tray.domain.t3code_thread import Shape, T3Thread
from t3tray.domain.transcript import Transcript
from t3tray.messages.t3code_homes import IS_OPEN, ONLY_ONE, written_later, written_later_than_unread, written_no_earlier
from t3tray.messages.unread import format_unknown, home_unreadable
from t3tray.system.file_stamp import Stamp, stamps
from t3tray.system.read_only_sqlite import KeptChanging, SqliteReader
from t3tray.system.row_fingerprints import Marks
from t3tray.t3code import messages, state_v1, state_v2
from t3tray.t3code.home import T3Home, may_be_there
from t3tray.t3code.server_info import served_since


@dataclass(frozen=True)
class T3State:
    """State of a home. `why` is the reason why this file is the live one, or the problem with it. An UNSUPPORTED file is only
    watched.

    `served_since` is the start time of the T3 Code that is running on it; None when none is running. `marks` are compared to find
    changed threads.
    """

    home: T3Home
    path: Path
    shape: Shape
    why: str
    threads: tuple[T3Thread, ...] = ()
    last_written: str = ""
    served_since: datetime | None = None
    marks: Mapping[str, Marks] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class _Form:
    """Functions to read one of the two formats."""

    shape: Shape
    missing_column: Callable[[SqliteReader], str | None]
    read_threads: Callable[[SqliteReader], tuple[dict[str, T3Thread], Mapping[str, Marks]]]
    last_written: Callable[[SqliteReader], str]


_TROUBLE = (sqlite3.Error, OSError, KeptChanging)
_V1 = _Form(Shape.V1, state_v1.missing_column, state_v1.read_threads, state_v1.last_written)
_V2 = _Form(Shape.V2, state_v2.missing_column, state_v2.read_threads, state_v2.last_written)

# In seconds: interval of full reads, in case a change of the files was not detected.
WHOLE_READING = 600.0


class T3Reader:
    """Reads one home repeatedly; unchanged threads are not read again and stay the same objects. For one thread at a time.

    `clock` returns seconds.
    """

    def __init__(self, home: T3Home, clock: Callable[[], float] = time.monotonic) -> None:
        self.home = home
        self._clock = clock
        self._stamp: tuple[Stamp | None, ...] | None = None
        self._state: T3State | None = None
        self._read_whole = -WHOLE_READING
        # The files whose change means a change of the state.
        self.files = tuple(Path(f"{path}{suffix}") for path in home.databases for suffix in ("", "-wal"))

    def read(self) -> T3State | None:
        """Return the current state; None where there is no T3 Code."""
        stamp = stamps(self.files)
        due = self._clock() - self._read_whole >= WHOLE_READING
        if due or stamp != self._stamp:
            found = (None if due else self._read_changes()) or self._read_all()
            if found is None or found != self._state or found.marks != self._state.marks:
                self._state = found
            self._stamp = stamp
        if self._state is not None and (served := served_since(self.home)) != self._state.served_since:
            self._state = replace(self._state, served_since=served)
        return self._state

    def deleted(self, prefix: str) -> tuple[T3Thread, ...]:
        """Return the deleted threads whose ids have this prefix; empty where they cannot be read."""
        state = self._state
        if state is None or state.shape is Shape.UNSUPPORTED:
            return ()
        read = state_v1.read_deleted if state.shape is Shape.V1 else state_v2.read_deleted
        try:
            with closing(SqliteReader(state.path)) as reader:
                return read(reader, prefix)
        except _TROUBLE:
            return ()

    def parts(self, thread_ids: Collection[str], only_ends: bool = False) -> dict[str, tuple[str, ...]] | None:
        """Return the ids of OpenCode's message parts behind the answers of these threads; None where they cannot be read now.

        `only_ends`: only for the first and the last answer of each thread.
        """
        state = self._state
        if state is None or state.shape is not Shape.V1 or not thread_ids:
            return {}
        read = state_v1.end_parts if only_ends else state_v1.all_parts
        try:
            with closing(SqliteReader(state.path)) as reader:
                return read(reader, thread_ids)
        except _TROUBLE:
            return None

    def transcript(self, thread_id: str) -> Transcript | None:
        """Return T3 Code's own copy of this thread's messages; None where there is none, or it cannot be read."""
        state = self._state
        if state is None or state.shape is Shape.UNSUPPORTED:
            return None
        try:
            with closing(SqliteReader(state.path)) as reader:
                return messages.read(reader, state.shape, thread_id)
        except _TROUBLE:
            return None

    def threads_saying(self, text: str) -> frozenset[str]:
        """Return the ids of the threads whose messages contain this text; empty where unreadable. Any thread may call."""
        state = self._state
        if state is None or state.shape is Shape.UNSUPPORTED:
            return frozenset()
        try:
            with closing(SqliteReader(state.path)) as reader:
                return messages.threads_saying(reader, state.shape, text)
        except _TROUBLE:
            return frozenset()

    def _read_all(self) -> T3State | None:
        self._read_whole = self._clock()
        found, before = _read(self.home), self._state
        if found is None or before is None:
            return found
        known = {thread.id: thread for thread in before.threads}
        return replace(found, threads=tuple(_same(known.get(thread.id), thread) for thread in found.threads))

    def _read_changes(self) -> T3State | None:
        """Read only what was written since the last read; None where a full read is needed."""
        state = self._state
        if state is None or state.shape is not Shape.V1 or sum(may_be_there(path) for path in self.home.databases) > 1:
            return None
        try:
            with closing(SqliteReader(state.path)) as reader:
                if state_v1.missing_column(reader):
                    return None
                found, marks = state_v1.read_changes(reader, state.marks)
                last_written = state_v1.last_written(reader)
        except _TROUBLE:
            return None
        threads = {thread.id: thread for thread in state.threads}
        for name, thread in found.items():
            if thread is None:
                threads.pop(name, None)
            else:
                threads[name] = _same(threads.get(name), thread)
        return replace(state, threads=tuple(threads.values()), last_written=last_written, marks=marks)


def _same(known: T3Thread | None, found: T3Thread) -> T3Thread:
    """Return the known object where it is equal, so that later comparisons can use identity."""
    return known if known is found or (known is not None and known == found) else found


def live_database(home: T3Home) -> T3State | None:
    """Return which of the home's databases T3 Code uses and its format, without threads. None where there is none."""
    return _read(home, with_threads=False)


def _read(home: T3Home, with_threads: bool = True) -> T3State | None:
    found = [_read_file(home, path, with_threads) for path in home.databases if may_be_there(path)]
    if len(found) < 2:
        return found[0] if found else None
    return _live(*found)


def _live(first: T3State, second: T3State) -> T3State:
    """Return the one that T3 Code uses. The second orchestrator copies the first one's file once and never writes it again; after
    a return to the first orchestrator, that file is written again."""
    if first.shape is second.shape is Shape.UNSUPPORTED:
        return first
    for one, other in ((first, second), (second, first)):
        if one.shape is not Shape.UNSUPPORTED and other.shape is Shape.UNSUPPORTED:
            return _beside_unread(one, other)
        if _is_open(one.path) and not _is_open(other.path):
            return replace(one, why=IS_OPEN)
    if first.last_written > second.last_written:
        return replace(first, why=written_later(second.path.name))
    return replace(second, why=written_no_earlier(first.path.name))


def _beside_unread(read: T3State, unread: T3State) -> T3State:
    """Decide by the files which of the two T3 Code uses. If it is the unreadable one, the other's contents are outdated."""
    if _is_open(read.path) != _is_open(unread.path):
        return replace(read, why=IS_OPEN) if _is_open(read.path) else unread
    if _written_at(read.path) > _written_at(unread.path):
        return replace(read, why=written_later_than_unread(unread.path.name))
    return unread


def _read_file(home: T3Home, path: Path, with_threads: bool) -> T3State:
    try:
        with closing(SqliteReader(path)) as reader:
            return _read_open(home, path, reader, with_threads)
    except _TROUBLE as error:
        why = getattr(error, "strerror", None) or error
        return T3State(home, path, Shape.UNSUPPORTED, home_unreadable(path.name, str(why)))


def _read_open(home: T3Home, path: Path, reader: SqliteReader, with_threads: bool) -> T3State:
    # By the table, not by the file's name: the copy that V2 begins with contains both formats.
    form = _V2 if reader.columns(state_v2.MARK) else _V1
    missing = form.missing_column(reader)
    if missing:
        return T3State(home, path, Shape.UNSUPPORTED, format_unknown(path.name, missing))
    found = T3State(home, path, form.shape, ONLY_ONE, last_written=form.last_written(reader))
    if not with_threads:
        return found
    threads, marks = form.read_threads(reader)
    return replace(found, threads=tuple(threads.values()), marks=marks)


def _is_open(path: Path) -> bool:
    return os.path.exists(f"{path}-wal")


def _written_at(path: Path) -> float:
    """Return when the database was written last, in seconds since the epoch; infinity where it cannot be read."""
    try:
        return path.stat().st_mtime
    except OSError:
        return math.inf
