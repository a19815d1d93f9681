"""A second record of every change of a binding: `journal.jsonl` beside the database, one JSON line each, never rewritten.

A line is written and flushed to the disk after its transaction. A database that is older than this file (restored from a copy, a
lost `-wal`, a power failure) gets the missing entries back. Compared with a copy of the database after each change, this costs
one short write whatever the database's size, cannot copy damage, and also reveals a database that is old but not damaged. Renewed
proofs are left out: they change no binding.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from threading import Lock

import msgspec
from msgspec import Struct, structs
from sqlalchemy import Connection, bindparam, select

from t3tray.domain.journal import Entry, Event
from t3tray.domain.thread import Thread
from t3tray.messages.data_file import record_not_written
from t3tray.store.damaged_rows import readable
from t3tray.store.database import Database
from t3tray.store.files import flush
from t3tray.store.restores import last_seq, store_id
from t3tray.store.schema import journal, threads

FILE_NAME = "journal.jsonl"
_TAIL = 65_536
_APPEND = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class JournalLine(Struct, frozen=True):
    """One change of a binding with its thread. `after` is the seq of the previous change, 0 for the first, so that missing lines
    are detected. `store` is the id of the database that it belongs to."""

    store: str
    after: int
    thread: Thread
    entry: Entry

    @property
    def seq(self) -> int:
        return self.entry.seq or 0


class JournalFile:
    """The file of one data folder. `trouble` says why the last line could not be written; the change itself never fails then."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self.trouble = ""
        self._unwritten: list[JournalLine] = []
        self._alone = Lock()

    @contextmanager
    def recording(self, database: Database) -> Iterator[Connection]:
        """Writing transaction whose changes of bindings are also appended to the file after its commit. Raises StoreError."""
        with database.write() as connection:
            before = last_seq(connection)
            yield connection
            lines = lines_since(connection, before)
        self.append(lines)

    def append(self, lines: Iterable[JournalLine]) -> None:
        """Append these lines, and those that could not be written before. Any thread may call."""
        with self._alone:
            self._append(lines)

    def _append(self, lines: Iterable[JournalLine]) -> None:
        waiting = [*self._unwritten, *lines]
        if not waiting:
            return
        try:
            self._write(b"".join(msgspec.json.encode(line) + b"\n" for line in waiting))
        except OSError as error:
            self._unwritten = waiting
            self.trouble = record_not_written(self.path, error.strerror or error)
        else:
            self._unwritten, self.trouble = [], ""

    def last(self) -> JournalLine | None:
        """Return the line with the highest seq among the last ones. Raises OSError."""
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(size - _TAIL, 0))
                tail = file.read()
        except FileNotFoundError:
            return None
        lines = [line for text in tail.splitlines() if (line := _decoded(text))]
        return max(lines or self.lines()[0], key=lambda line: line.seq, default=None)

    def lines(self) -> tuple[list[JournalLine], int | None]:
        """Return all lines by seq, each once, and the seq of the last line after which one is missing or damaged; None where none
        is. Raises OSError."""
        texts = self.path.read_bytes().splitlines() if self.path.exists() else []
        decoded = [_decoded(text) for text in texts if text]
        found = {line.seq: line for line in decoded if line}
        ordered = [found[seq] for seq in sorted(found)]
        gaps = [before.seq for before, line in pairwise(ordered) if line.after != before.seq]
        if None in decoded and (not gaps or decoded[-1] is None):
            # The place of a damaged line is not known.
            gaps.append(ordered[-1].seq if ordered else 0)
        return ordered, gaps[-1] if gaps else None

    def set_aside(self, name: str) -> None:
        """Rename a file with another database's lines. Raises OSError."""
        self.path.replace(self.path.with_name(f"{FILE_NAME}.{name}"))

    def _write(self, text: bytes) -> None:
        is_new = not self.path.exists()
        descriptor = os.open(self.path, _APPEND, 0o600)
        try:
            if os.lseek(descriptor, 0, os.SEEK_END):
                os.lseek(descriptor, -1, os.SEEK_END)
                if os.read(descriptor, 1) != b"\n":
                    # The previous line was cut off: do not append to it.
                    text = b"\n" + text
            while text:
                text = text[os.write(descriptor, text) :]
            flush(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            _flush_folder(self.path.parent)


def lines_since(connection: Connection, seq: int) -> list[JournalLine]:
    """Return the changes of bindings after `seq` as lines."""
    before = connection.scalar(_CHANGE_UP_TO, {"seq": seq}) or 0
    # A damaged entry is not written: the file may have an intact line of it.
    entries = [
        Entry(**values) for values in readable(connection, journal, connection.execute(_CHANGES_AFTER, {"seq": seq}).all())
    ]
    if not entries:
        return []
    store, lines = store_id(connection), []
    names = sorted({entry.thread_id for entry in entries})
    known: dict[str, Thread] = {}
    for start in range(0, len(names), 500):
        some = select(threads).where(threads.c.id.in_(names[start : start + 500]))
        known |= {values["id"]: Thread(**values) for values in readable(connection, threads, connection.execute(some).all())}
    for entry in entries:
        if entry.thread_id in known:
            lines.append(JournalLine(store, before, structs.replace(known[entry.thread_id], draft=""), entry))
            before = entry.seq or 0
    return lines


def last_change(connection: Connection) -> int:
    """The seq of the journal's last change of a binding; 0 without any."""
    return connection.scalar(_LAST_CHANGE) or 0


# Built once: building a statement takes longer than running it.
_IS_CHANGE = journal.c.event != Event.PROVEN
_LAST_CHANGE = select(journal.c.seq).where(_IS_CHANGE).order_by(journal.c.seq.desc()).limit(1)
_CHANGE_UP_TO = _LAST_CHANGE.where(journal.c.seq <= bindparam("seq"))
_CHANGES_AFTER = select(journal).where(_IS_CHANGE, journal.c.seq > bindparam("seq")).order_by(journal.c.seq)


def _decoded(text: bytes) -> JournalLine | None:
    try:
        return msgspec.json.decode(text, type=JournalLine)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _flush_folder(folder: Path) -> None:
    """Flush the folder, so that a new file's name survives a power failure. Windows has no such call."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            flush(descriptor)
        finally:
            os.close(descriptor)
