"""Replays `journal.jsonl` into a database that lacks entries because of an old copy or a lost `-wal`."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs
from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from t3tray.domain.journal import Event
from t3tray.errors import Refused
from t3tray.store.journal import apply_entry
from t3tray.store.journal_file import JournalLine, last_change
from t3tray.store.restores import last_seq
from t3tray.store.schema import cursors, journal, threads


def replay(connection: Connection, lines: Iterable[JournalLine]) -> bool:
    """Write the lines that the database lacks. Return False when any is lost or contradicts the database."""
    known, change = last_seq(connection), last_change(connection)
    there = frozenset(connection.scalars(select(journal.c.seq).where(journal.c.event != Event.PROVEN)))
    missing = [line for line in lines if line.seq not in there]
    if any(line.seq <= known for line in missing):
        return False
    fits = not missing or missing[0].after == change
    for line in missing:
        if not _bring_back(connection, line):
            fits = False
            # Earlier lines are lost. This line is newer than the known binding, so it decides.
            _bring_back(connection, line, despite_binding=True)
    return fits


def _bring_back(connection: Connection, line: JournalLine, despite_binding: bool = False) -> bool:
    """Write one line. Return False, with nothing changed, where the thread or its session has another binding than required."""
    point = connection.begin_nested()
    try:
        connection.execute(upsert(threads).values(structs.asdict(line.thread)).on_conflict_do_nothing())
        if despite_binding:
            connection.execute(delete(cursors).where(cursors.c.thread_id == line.entry.thread_id))
        apply_entry(connection, line.entry)
        connection.execute(insert(journal).values(vars(line.entry)))
    except Refused:
        point.rollback()
        return False
    point.commit()
    return True
