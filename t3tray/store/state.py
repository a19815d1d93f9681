"""State of t3tray that is not a setting and has no table of its own: JSON values by name, one row each."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.sqlite import insert

from t3tray.domain.reaper import IdleState
from t3tray.errors import StoreError
from t3tray.store.column_types import decode
from t3tray.store.damaged_rows import note
from t3tray.store.database import Database
from t3tray.store.schema import state

T = TypeVar("T")
_LAST_IDLE_SHUTDOWN = "last_rest"
_VALUE = select(state.c.value).where(state.c.key == bindparam("key"))


def state_of(connection: Connection, key: str, kind: type[T]) -> T | None:
    """Return the value; None where there is none or it is damaged, which is noted."""
    text = connection.scalar(_VALUE, {"key": key})
    try:
        return None if text is None else decode(text, kind)
    except StoreError as error:
        note(connection, f"state {key}", error.message)
        return None


def put_state(connection: Connection, key: str, value: object) -> None:
    """Write or overwrite a value."""
    text = msgspec.json.encode(value).decode()
    statement = insert(state).values(key=key, value=text)
    connection.execute(statement.on_conflict_do_update(index_elements=[state.c.key], set_={"value": text}))


class IdleShutdowns:
    """The last idle shutdown of our server, so that the command line can show the tray app's. Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self) -> IdleState | None:
        with self._database.read() as connection:
            return state_of(connection, _LAST_IDLE_SHUTDOWN, IdleState)

    def note(self, rest: IdleState) -> None:
        with self._database.write() as connection:
            put_state(connection, _LAST_IDLE_SHUTDOWN, rest)
