"""The guard's port and the place of its password, fixed from its first use on because T3 Code's settings contain both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from t3tray.store.database import Database
from t3tray.store.state import put_state, state_of

_PORT, _SECRET_PLACE = "guard_port", "guard_secret_place"
_Port = Annotated[int, Meta(ge=0, le=65_535)]
_SecretPlace = Literal["", "file", "keyring"]


@dataclass(frozen=True)
class GuardPlace:
    """`port` is 0, and `secret_place` empty, while the guard is not in use."""

    port: int = 0
    secret_place: str = ""


class GuardPlaces:
    """State rows of the guard's place. Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> GuardPlace:
        with self._database.read() as connection:
            port: int | None = state_of(connection, _PORT, _Port)
            place: str | None = state_of(connection, _SECRET_PLACE, _SecretPlace)  # type: ignore[arg-type]
            return GuardPlace(port or 0, place or "")

    def write(self, place: GuardPlace) -> None:
        with self._database.write() as connection:
            put_state(connection, _PORT, place.port)
            put_state(connection, _SECRET_PLACE, place.secret_place)
