"""What our own reaper did last: one row beside the settings, so that the command line can tell of the tray app's."""

from __future__ import annotations

from sqlalchemy import select

from t3tray.domain.idle_shutdown import IdleState
from t3tray.errors import StoreError
from t3tray.store.column_types import decode
from t3tray.store.damaged_rows import note
from t3tray.store.database import Database
from t3tray.store.schema import settings
from t3tray.store.settings import put

_KEY = "last_rest"


class IdleShutdowns:
    """Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self) -> IdleState | None:
        with self._database.read() as connection:
            text = connection.execute(select(settings.c.value).where(settings.c.key == _KEY)).scalar_one_or_none()
            try:
                return decode(text, IdleState) if text else None
            except StoreError as error:
                note(connection, f"settings {_KEY}", error.message)
                return None

    def note(self, rest: IdleState) -> None:
        with self._database.write() as connection:
            put(connection, _KEY, rest)
