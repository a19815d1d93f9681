"""Bringing a database up to its journal's own file: what an old copy or a lost `-wal` lacks is written into it again."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs
from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from t3tray.core.domain.journal import Event
from t3tray.core.errors import Refused
from t3tray.core.store.journal import apply_entry
from t3tray.core.store.journal_file import Line, last_change
from t3tray.core.store.restores import last_seq
from t3tray.core.store.schema import journal, threads


def replay(connection: Connection, lines: Iterable[Line]) -> bool:
    """Bring back the lines that the database lacks, as far as they fit; False when any is lost or does not fit what is there."""
    known, change = last_seq(connection), last_change(connection)
    there = frozenset(connection.scalars(select(journal.c.seq).where(journal.c.event != Event.PROVEN)))
    missing = [line for line in lines if line.seq not in there]
    if any(line.seq <= known for line in missing):
        return False
    fits = not missing or missing[0].after == change
    for line in missing:
        point = connection.begin_nested()
        try:
            connection.execute(upsert(threads).values(structs.asdict(line.thread)).on_conflict_do_nothing())
            apply_entry(connection, line.entry)
            connection.execute(insert(journal).values(vars(line.entry)))
        except Refused:
            point.rollback()
            return False
        point.commit()
    return fits
