"""The root sessions of OpenCode's database that have t3tray's mark, read incrementally: each new row is read once.

For one thread at a time; every query may raise ServerError.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from t3tray.domain.evidence import SessionFacts
from t3tray.errors import ServerDown, Unsupported
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.opencode.database_reader import DatabaseReader
from t3tray.opencode.database_rows import SESSION_COLUMNS, session_facts
from t3tray.opencode.markers import Marker, marker_in
from t3tray.opencode.records import SessionRecord
from t3tray.system.file_stamp import Stamp, stamps

_NEW = f"""SELECT rowid, metadata, {", ".join(SESSION_COLUMNS)} FROM session
    WHERE rowid > ? AND parent_id IS NULL AND instr(metadata, '"t3tray"') ORDER BY rowid"""
_THERE = "SELECT id FROM session WHERE id IN (SELECT value FROM json_each(?))"
_NEWEST = "SELECT rowid, id FROM session ORDER BY rowid DESC LIMIT 1"


@dataclass(frozen=True)
class MarkedSession:
    """A root session and t3tray's mark in it, written by t3tray or copied by a fork."""

    facts: SessionFacts
    marker: Marker


class MarkedSessions:
    """Cache of the marked sessions, valid until the file changes."""

    def __init__(self, database: OpenCodeDatabase) -> None:
        self._database = database
        self._stamp: tuple[object, ...] = ()
        self._newest: tuple[int, str] = (0, "")
        self._found: dict[str, MarkedSession] = {}

    def read(self) -> tuple[MarkedSession, ...]:
        """Return all marked sessions, the oldest first."""
        stamp = file_stamp(self._database.path)
        if stamp[0] is None:
            raise ServerDown(f"There is no OpenCode database at {self._database.path}.")
        if stamp != self._stamp:
            with self._database.reading() as reader:
                self._read_new(reader)
            self._stamp = stamp
        return oldest_first(self._found.values())

    def _read_new(self, reader: DatabaseReader) -> None:
        newest = next(((row[0], row[1]) for row in reader.rows(_NEWEST)), (0, ""))
        before = reader.rows("SELECT id FROM session WHERE rowid = ?", self._newest[0])
        if not before or before[0][0] != self._newest[1]:
            # The newest row of the last read was deleted, and its number may have been reused: read everything.
            self._newest, self._found = (0, ""), {}
        for _rowid, metadata, *row in reader.rows(_NEW, self._newest[0]):
            try:
                facts = session_facts(tuple(row))
            except Unsupported:
                continue  # a damaged row does not affect others
            marker = marker_in(str(metadata).encode())
            if marker is not None:
                self._found[facts.id] = MarkedSession(facts, marker)
        there = {row[0] for row in reader.rows(_THERE, msgspec.json.encode(list(self._found)).decode())} if self._found else set()
        self._found = {name: found for name, found in self._found.items() if name in there}
        self._newest = newest


def marked_of(records: Iterable[SessionRecord]) -> tuple[MarkedSession, ...]:
    """Return the marked sessions among a server's sessions."""
    return oldest_first(
        MarkedSession(record.facts, record.marker) for record in records if record.marker and record.facts.parent_id is None
    )


def oldest_first(found: Iterable[MarkedSession]) -> tuple[MarkedSession, ...]:
    return tuple(sorted(found, key=lambda each: (each.facts.created_ms, each.facts.id)))


def file_stamp(database: Path) -> tuple[Stamp | None, ...]:
    """Return stamps that change with every change of the database; the first is None where there is no file."""
    return stamps((str(database), f"{database}-wal"))
