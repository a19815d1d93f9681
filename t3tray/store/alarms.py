"""What T3 Code was last seen to say of each thread, and the alarms that came of it: each event once, seen or not yet seen.

An alarm whose thread was mended is put away, and its event is another one if it ever comes again.
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

# In one statement: at the first look there are thousands.
_NOTE = text(
    "INSERT INTO sightings (thread_id, session_id) SELECT key, value FROM json_each(:seen) WHERE TRUE"
    " ON CONFLICT (thread_id) DO UPDATE SET session_id = excluded.session_id"
)
# What the event of an alarm whose thread was mended ends with.
_MENDED = " mended "
_LEFT = f" {AlarmKind.LEFT} "


class Alarms:
    """Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sightings(self) -> dict[str, str | None]:
        """The session that each thread of T3 Code's was last seen with, by the thread's id; None: with none."""
        with self._database.read() as connection:
            found = readable(connection, sightings, connection.execute(select(sightings)).all())
            return {values["thread_id"]: values["session_id"] for values in found}

    def record(self, seen: Mapping[str, str | None], raised: Iterable[Alarm]) -> tuple[Alarm, ...]:
        """Note what was seen now, and the alarms with it: both or neither. Those that were not known yet come back."""
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
        """Oldest first; of one thread, or only those that nobody has seen yet."""
        wanted = select(alarms).order_by(alarms.c.id)
        if thread_id is not None:
            wanted = wanted.where(alarms.c.thread_id == thread_id)
        if unseen:
            wanted = wanted.where(alarms.c.seen_at.is_(None))
        with self._database.read() as connection:
            found = readable(connection, alarms, connection.execute(wanted).all())
            return tuple(replace(values["alarm"], id=values["id"], seen_at=values["seen_at"]) for values in found)

    def standing(self) -> dict[str, tuple[Alarm, ...]]:
        """The alarms of threads that were not mended since, seen ones too, by the thread's id; oldest first."""
        wanted = select(alarms).where(~alarms.c.event.contains(_MENDED)).order_by(alarms.c.id)
        found: dict[str, tuple[Alarm, ...]] = {}
        with self._database.read() as connection:
            for row in connection.execute(wanted):
                found[row.thread_id] = (*found.get(row.thread_id, ()), replace(row.alarm, id=row.id, seen_at=row.seen_at))
        return found

    def newest(self) -> int:
        """The id of the newest alarm, of whichever process; 0: there is none."""
        with self._database.read() as connection:
            return connection.scalar(select(func.max(alarms.c.id))) or 0

    def left(self) -> frozenset[str]:
        """The events of those that the user left as they are, and that were not mended since."""
        wanted = select(alarms.c.event).where(alarms.c.event.contains(_LEFT), ~alarms.c.event.contains(_MENDED))
        with self._database.read() as connection:
            return frozenset(connection.scalars(wanted))

    def put_away(self, ids: Collection[int], at: datetime) -> None:
        """The threads of these alarms were mended."""
        mended = {"event": alarms.c.event + _MENDED + alarms.c.id, "seen_at": func.coalesce(alarms.c.seen_at, _moment(at))}
        with self._database.write() as connection:
            connection.execute(update(alarms).where(alarms.c.id.in_(list(ids))).values(mended))

    def pass_over(self, ids: Collection[int], at: datetime) -> None:
        """These are told by a later alarm."""
        with self._database.write() as connection:
            connection.execute(update(alarms).where(alarms.c.id.in_(list(ids)), alarms.c.seen_at.is_(None)).values(seen_at=at))

    def mark_seen(self, thread_id: str, at: datetime) -> None:
        """The user has looked at this thread's alarms."""
        mine = (alarms.c.thread_id == thread_id, alarms.c.seen_at.is_(None))
        with self._database.write() as connection:
            connection.execute(update(alarms).where(*mine).values(seen_at=at))


def _is_known(connection: Connection, alarm: Alarm) -> bool:
    """Whether this event is kept already, be it under the name that it had before, which ended with a time."""
    mine = alarms.c.thread_id == alarm.thread_id
    names = connection.scalars(select(alarms.c.event).where(mine, alarms.c.event.startswith(alarm.event, autoescape=True)))
    return any(_MENDED not in name and (name == alarm.event or name[len(alarm.event)] == " ") for name in names)


def _moment(at: datetime) -> ColumnElement[datetime]:
    return literal(at, Moment)
