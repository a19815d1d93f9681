"""The last activity of each thread that the user has seen, by the thread's id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import msgspec
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from t3tray.errors import StoreError
from t3tray.store.column_types import decode
from t3tray.store.damaged_rows import readable
from t3tray.store.database import Database
from t3tray.store.schema import visits

# As one JSON text each: there are thousands of rows at every start.
_ALL = text("SELECT json_group_object(thread_id, activity_at) FROM visits")
_KEEP = text(
    "INSERT INTO visits (thread_id, activity_at) SELECT key, value FROM json_each(:seen) WHERE TRUE"
    " ON CONFLICT (thread_id) DO UPDATE SET activity_at = excluded.activity_at"
)
_FORGET = text("DELETE FROM visits WHERE thread_id IN (SELECT value FROM json_each(:gone))")


class Visits:
    """Table of visits. Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, datetime]:
        with self._database.read() as connection:
            try:
                return decode(connection.execute(_ALL).scalar_one(), dict[str, datetime])
            except (StoreError, DBAPIError):
                rows = connection.execute(select(visits)).all()
                return {values["thread_id"]: values["activity_at"] for values in readable(connection, visits, rows)}

    def save(self, seen: Mapping[str, datetime], gone: Iterable[str] = ()) -> None:
        """Record these visits and remove others, in one transaction."""
        texts = {name: at.astimezone(UTC).isoformat(timespec="microseconds") for name, at in seen.items()}
        with self._database.write() as connection:
            connection.execute(_KEEP, {"seen": msgspec.json.encode(texts).decode()})
            connection.execute(_FORGET, {"gone": msgspec.json.encode(list(gone)).decode()})
