"""The rows of the settings, as JSON text. `settings.stored` defines their meaning and validity."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from t3tray.store.database import Database
from t3tray.store.schema import settings

_ALL = select(settings)


class SettingsTable:
    """Implements `settings.stored.SettingRows`. `warnings` are those reported last. Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.warnings: tuple[str, ...] = ()

    def read(self) -> dict[str, str]:
        with self._database.read() as connection:
            return {row.key: str(row.value) for row in connection.execute(_ALL).all()}

    def write(self, rows: Mapping[str, str]) -> None:
        with self._database.write() as connection:
            for key, text in rows.items():
                statement = insert(settings).values(key=key, value=text)
                connection.execute(statement.on_conflict_do_update(index_elements=[settings.c.key], set_={"value": text}))

    def report_unusable(self, warnings: tuple[str, ...]) -> None:
        self.warnings = warnings
