"""The guard's port and password: chosen at its first use, and discarded when T3 Code's settings no longer name them."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from t3tray.errors import StoreError
from t3tray.server.port import HOST, choose_lasting_port
from t3tray.store.guard_place import GuardPlace, GuardPlaces
from t3tray.system.known_secrets import new_password
from t3tray.system.secrets import Secrets
from t3tray.system.sql_thread import SqlThread

GUARD_SECRET = "guard"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class GuardCredentials:
    """What T3 Code needs to reach the guard. The password opens the guard only, never the server behind it."""

    port: int
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


class CredentialStore:
    """The credentials of one data directory. The port identifies them: no two have the same. Every method raises StoreError."""

    def __init__(self, places: GuardPlaces, secrets: Secrets, run_sql: SqlThread) -> None:
        self._places = places
        self._secrets = secrets
        self._run_sql = run_sql

    async def port(self) -> int:
        """Return the current port; 0 if there is none."""
        return (await self.place()).port

    async def place(self) -> GuardPlace:
        """Return where the guard listens and where its password is stored."""
        return await self._run_sql(self._places.read)

    async def known(self) -> GuardCredentials | None:
        """Return the credentials; None if the guard is not in use, or its password is lost."""
        known = await self._run_sql(self._places.read)
        if not known.port or not known.secret_place:
            return None
        password = await asyncio.to_thread(self._secrets.read, GUARD_SECRET, known.secret_place)
        return GuardCredentials(known.port, password) if password else None

    async def get(self) -> GuardCredentials:
        """Return the credentials; new ones if there are none, or if the password is lost."""
        return await self.known() or await self.renew()

    async def renew(self) -> GuardCredentials:
        """Choose another port and another password."""
        known = await self._run_sql(self._places.read)
        made = GuardCredentials(choose_lasting_port(known.port), new_password())
        place = await asyncio.to_thread(self._secrets.store, GUARD_SECRET, made.password)
        await self._run_sql(self._places.write, GuardPlace(made.port, place))
        return made

    async def forget(self) -> None:
        """Discard the credentials: those in T3 Code's settings are invalid from now on."""
        known = await self._run_sql(self._places.read)
        await self._run_sql(self._places.write, GuardPlace())
        if not known.secret_place:
            return
        try:
            await asyncio.to_thread(self._secrets.forget, GUARD_SECRET, known.secret_place)
        except StoreError as error:
            # It is no longer valid, and the next one overwrites it.
            _log.warning("The guard's old password could not be removed: %s", error.message)
