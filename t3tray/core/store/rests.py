"""What our own reaper did last: one row beside the settings, so that the command line can tell of the tray app's."""

from __future__ import annotations

from sqlalchemy import select

from t3tray.core.domain.resting import Rest
from t3tray.core.errors import StoreError
from t3tray.core.store.column_types import decode
from t3tray.core.store.damaged_rows import note
from t3tray.core.store.database import Database
from t3tray.core.store.schema import settings
from t3tray.core.store.settings import put

_KEY = "last_rest"


class Rests:
    """Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self) -> Rest | None:
        with self._database.read() as connection:
            text = connection.execute(select(settings.c.value).where(settings.c.key == _KEY)).scalar_one_or_none()
            try:
                return decode(text, Rest) if text else None
            except StoreError as error:
                note(connection, f"settings {_KEY}", error.message)
                return None

    def note(self, rest: Rest) -> None:
        with self._database.write() as connection:
            put(connection, _KEY, rest)
