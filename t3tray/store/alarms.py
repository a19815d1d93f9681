"""The session that T3 Code last named for each thread, and the alarms raised from changes of it: one row for each event.

An alarm whose thread was repaired is closed; the same event is then a new one if it occurs again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, Connection, func, literal, select, text, update
from sqlalchemy.dialects.sqlite import insert

from t3tray.domain.alarm import Alarm, AlarmKind
from t3tray.store.column_types import Moment
from t3tray.store.damaged_rows import readable
from t3tray.store.database import Database
from t3tray.store.schema import alarms, sightings

# In one statement: the first scan has thousands of threads.
_NOTE = text(
    "INSERT INTO sightings (thread_id, session_id) SELECT key, value FROM json_each(:seen) WHERE TRUE"
    " ON CONFLICT (thread_id) DO UPDATE SET session_id = excluded.session_id"
)
# Suffix of the event of an alarm whose thread was repaired; part of the file's format.
_MENDED = " mended "
_LEFT = f" {AlarmKind.LEFT} "
# Built once: building a statement takes longer than running it, and each scan runs these.
_SIGHTINGS = select(sightings)
_ALL = select(alarms).order_by(alarms.c.id)
_IS_OPEN = ~alarms.c.event.contains(_MENDED)
_STANDING = _ALL.where(_IS_OPEN)
_EVENTS_LEFT = select(alarms.c.event).where(alarms.c.event.contains(_LEFT), _IS_OPEN)
_NEWEST = select(func.max(alarms.c.id))


class Alarms:
    """Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sightings(self) -> dict[str, str | None]:
        """The session that T3 Code last named for each thread, by the thread's id; None for no session."""
        with self._database.read() as connection:
            found = readable(connection, sightings, connection.execute(_SIGHTINGS).all())
            return {values["thread_id"]: values["session_id"] for values in found}

    def record(self, seen: Mapping[str, str | None], raised: Iterable[Alarm]) -> tuple[Alarm, ...]:
        """Record the sightings and the alarms in one transaction. Return the alarms that were new."""
        fresh = []
        with self._database.write() as connection:
            if seen:
                connection.execute(_NOTE, {"seen": msgspec.json.encode(seen).decode()})
            for alarm in raised:
                if _is_known(connection, alarm):
                    continue
                values = {"thread_id": alarm.thread_id, "event": alarm.event, "alarm": alarm, "seen_at": alarm.seen_at}
                done = connection.execute(insert(alarms).values(values).on_conflict_do_nothing())
                if done.rowcount:
                    fresh.append(replace(alarm, id=done.lastrowid))
        return tuple(fresh)

    def all(self, thread_id: str | None = None, unseen: bool = False) -> tuple[Alarm, ...]:
        """Return the alarms, oldest first; of one thread, or only those that the user has not seen."""
        wanted = _ALL
        if thread_id is not None:
            wanted = wanted.where(alarms.c.thread_id == thread_id)
        if unseen:
            wanted = wanted.where(alarms.c.seen_at.is_(None))
        with self._database.read() as connection:
            found = readable(connection, alarms, connection.execute(wanted).all())
            return tuple(replace(values["alarm"], id=values["id"], seen_at=values["seen_at"]) for values in found)

    def standing(self) -> dict[str, tuple[Alarm, ...]]:
        """Return the open alarms, including seen ones, by the thread's id; oldest first."""
        found: dict[str, tuple[Alarm, ...]] = {}
        with self._database.read() as connection:
            for row in connection.execute(_STANDING):
                found[row.thread_id] = (*found.get(row.thread_id, ()), replace(row.alarm, id=row.id, seen_at=row.seen_at))
        return found

    def newest(self) -> int:
        """Return the id of the newest alarm, raised by any process; 0 for none."""
        with self._database.read() as connection:
            return connection.scalar(_NEWEST) or 0

    def left(self) -> frozenset[str]:
        """Return the events of open alarms that the user chose to leave as they are."""
        with self._database.read() as connection:
            return frozenset(connection.scalars(_EVENTS_LEFT))

    def put_away(self, ids: Collection[int], at: datetime) -> None:
        """Close these alarms: their threads were repaired."""
        mended = {"event": alarms.c.event + _MENDED + alarms.c.id, "seen_at": func.coalesce(alarms.c.seen_at, _moment(at))}
        with self._database.write() as connection:
            connection.execute(update(alarms).where(alarms.c.id.in_(list(ids))).values(mended))

    def pass_over(self, ids: Collection[int], at: datetime) -> None:
        """Mark these as seen: a later alarm replaces them."""
        with self._database.write() as connection:
            connection.execute(update(alarms).where(alarms.c.id.in_(list(ids)), alarms.c.seen_at.is_(None)).values(seen_at=at))

    def mark_seen(self, thread_id: str, at: datetime) -> None:
        """Mark this thread's alarms as seen by the user."""
        mine = (alarms.c.thread_id == thread_id, alarms.c.seen_at.is_(None))
        with self._database.write() as connection:
            connection.execute(update(alarms).where(*mine).values(seen_at=at))


def _is_known(connection: Connection, alarm: Alarm) -> bool:
    """Return whether this event is recorded, also under its name in earlier versions, which ended with a time."""
    mine = alarms.c.thread_id == alarm.thread_id
    names = connection.scalars(select(alarms.c.event).where(mine, alarms.c.event.startswith(alarm.event, autoescape=True)))
    return any(_MENDED not in name and (name == alarm.event or name[len(alarm.event)] == " ") for name in names)


def _moment(at: datetime) -> ColumnElement[datetime]:
    return literal(at, Moment)
