"""When T3 Code released the sessions that it held open: two rows of state, shared by our processes.

T3 Code itself does not record this: its row of a thread says "running" before and after.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from t3tray.domain.t3code_side import LetGo
from t3tray.store.database import Database
from t3tray.store.state import put_state, state_of

T = TypeVar("T")
_HOMES, _ENDS = "t3_let_go", "t3_ended"
# Number of sessions whose last end is remembered.
_KEPT = 200


class LetGoes:
    """State rows of releases. Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def homes(self) -> dict[str, LetGo]:
        """When each home of T3 Code, by its folder, last released all its sessions."""
        with self._database.read() as connection:
            return _read(connection, _HOMES, LetGo)

    def ends(self) -> dict[str, datetime]:
        """When T3 Code last ended a turn of a session or released it, by the session's id: the two cannot be distinguished."""
        with self._database.read() as connection:
            return _read(connection, _ENDS, datetime)

    def note_home(self, home: str, let_go: LetGo) -> None:
        with self._database.write() as connection:
            put_state(connection, _HOMES, _read(connection, _HOMES, LetGo) | {home: let_go})

    def note_end(self, session_id: str, at: datetime) -> None:
        with self._database.write() as connection:
            known = _read(connection, _ENDS, datetime) | {session_id: at}
            newest = sorted(known.items(), key=lambda each: each[1])[-_KEPT:]
            put_state(connection, _ENDS, dict(newest))


def _read(connection: Connection, key: str, kind: type[T]) -> dict[str, T]:
    return state_of(connection, key, dict[str, kind]) or {}  # type: ignore[valid-type]
