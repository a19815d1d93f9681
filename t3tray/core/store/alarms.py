"""What T3 Code was last seen to say of each thread, and the alarms that came of it: each event once, seen or not yet seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

import msgspec
from sqlalchemy import select, text, update
from sqlalchemy.dialects.sqlite import insert

from t3tray.core.domain.alarm import Alarm
from t3tray.core.store.database import Database
from t3tray.core.store.schema import alarms, sightings

# In one statement: at the first look there are thousands.
_NOTE = text(
    "INSERT INTO sightings (thread_id, session_id) SELECT key, value FROM json_each(:seen) WHERE TRUE"
    " ON CONFLICT (thread_id) DO UPDATE SET session_id = excluded.session_id"
)


class Alarms:
    """Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sightings(self) -> dict[str, str | None]:
        """The session that each thread of T3 Code's was last seen with, by the thread's id; None: with none."""
        with self._database.read() as connection:
            return {row.thread_id: row.session_id for row in connection.execute(select(sightings))}

    def record(self, seen: Mapping[str, str | None], raised: Iterable[Alarm]) -> tuple[Alarm, ...]:
        """Note what was seen now, and the alarms with it: both or neither. Those that were not known yet come back."""
        fresh = []
        with self._database.write() as connection:
            if seen:
                connection.execute(_NOTE, {"seen": msgspec.json.encode(seen).decode()})
            for alarm in raised:
                values = {"thread_id": alarm.thread_id, "event": alarm.event, "alarm": alarm}
                done = connection.execute(insert(alarms).values(values).on_conflict_do_nothing())
                if done.rowcount:
                    fresh.append(replace(alarm, id=done.lastrowid))
        return tuple(fresh)

    def all(self, thread_id: str | None = None, unseen: bool = False) -> tuple[Alarm, ...]:
        """Oldest first; of one thread, or only those that nobody has seen yet."""
        wanted = select(alarms).order_by(alarms.c.id)
        if thread_id is not None:
            wanted = wanted.where(alarms.c.thread_id == thread_id)
        if unseen:
            wanted = wanted.where(alarms.c.seen_at.is_(None))
        with self._database.read() as connection:
            return tuple(replace(row.alarm, id=row.id, seen_at=row.seen_at) for row in connection.execute(wanted))

    def mark_seen(self, thread_id: str, at: datetime) -> None:
        """The user has looked at this thread's alarms."""
        mine = (alarms.c.thread_id == thread_id, alarms.c.seen_at.is_(None))
        with self._database.write() as connection:
            connection.execute(update(alarms).where(*mine).values(seen_at=at))
