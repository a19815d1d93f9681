"""What our own reaper did last: one row of state, so that the command line can tell of the tray app's."""

from __future__ import annotations

from t3tray.domain.idle_shutdown import IdleState
from t3tray.store.database import Database
from t3tray.store.state import put_state, state_of

_KEY = "last_rest"


class IdleShutdowns:
    """Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self) -> IdleState | None:
        with self._database.read() as connection:
            return state_of(connection, _KEY, IdleState)

    def note(self, rest: IdleState) -> None:
        with self._database.write() as connection:
            put_state(connection, _KEY, rest)
