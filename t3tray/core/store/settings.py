"""What the user has set, a row each as JSON: what a newer version has added is kept by an older one.

A stored value that cannot be used (damaged, of another kind, outside its limits) counts as not set, and is named in `warnings`.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_type_hints

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from t3tray.core.domain.setting_limits import trouble_with
from t3tray.core.domain.settings import Settings
from t3tray.core.store.database import Database
from t3tray.core.store.schema import settings

# What the password of a server that somebody else runs is called among the secrets.
SERVER_SECRET = "attached-server"


class SettingsTable:
    """Every method raises StoreError. `warnings` are sentences on what the last `read` could not use."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.warnings: tuple[str, ...] = ()

    def read(self) -> Settings:
        """What was set, the defaults where nothing was or what was set cannot be used."""
        names = [field.name for field in fields(Settings)]
        with self._database.read() as connection:
            rows = connection.execute(select(settings).where(settings.c.key.in_(names))).all()
        used, warnings = {}, []
        for row in rows:
            try:
                used[row.key] = _usable(row.key, row.value)
            except ValueError as error:
                default = getattr(Settings(), row.key)
                warnings.append(
                    f"The setting {row.key} cannot be used as it is stored, so its default counts ({default!r}): {error} "
                    f"Set it again: `t3tray settings {row.key} VALUE`."
                )
        self.warnings = tuple(warnings)
        return Settings(**used)

    def write(self, values: Settings, *names: str) -> None:
        """Write those of the values that are named: another process may have set the others meanwhile."""
        with self._database.write() as connection:
            for name in names:
                put(connection, name, getattr(values, name))


def _usable(name: str, text: object) -> Any:
    """The value that is stored, if it may be used. Raises ValueError, in a sentence."""
    try:
        value = msgspec.json.decode(str(text), type=_KINDS[name])
    except (msgspec.MsgspecError, ValueError) as error:
        raise ValueError(f"{error}.") from error
    # An address that cannot be used is not forgotten: another server would be asked in its place without a word.
    if name != "server_url" and (trouble := trouble_with(name, value)):
        raise ValueError(trouble)
    return value


_KINDS = get_type_hints(Settings)


def put(connection: Connection, key: str, value: object) -> None:
    """Write one row, over the old one."""
    text = msgspec.json.encode(value).decode()
    statement = insert(settings).values(key=key, value=text)
    connection.execute(statement.on_conflict_do_update(index_elements=[settings.c.key], set_={"value": text}))
