"""The guard's port and password: chosen once, and kept, because T3 Code's settings name them from then on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from t3tray.core.opencode.port import HOST, choose_port
from t3tray.core.store.settings import SettingsTable
from t3tray.core.system.secrecy import new_password
from t3tray.core.system.secrets import Secrets
from t3tray.core.system.serial import SerialExecutor

_SECRET = "guard"


@dataclass(frozen=True)
class GuardKey:
    """What T3 Code needs to reach the guard. The password opens the guard only, never the server behind it."""

    port: int
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


async def known_guard_key(settings: SettingsTable, secrets: Secrets, run_sql: SerialExecutor) -> GuardKey | None:
    """The key; None when the guard was never used, or its password is lost. Raises StoreError."""
    known = await run_sql(settings.read)
    if not known.guard_port or not known.guard_secret_place:
        return None
    password = await asyncio.to_thread(secrets.read, _SECRET, known.guard_secret_place)
    return GuardKey(known.guard_port, password) if password else None


async def read_guard_key(settings: SettingsTable, secrets: Secrets, run_sql: SerialExecutor) -> GuardKey:
    """The key; made when there is none yet, or when its password is lost. Raises StoreError."""
    found = await known_guard_key(settings, secrets, run_sql)
    if found is not None:
        return found
    known = await run_sql(settings.read)
    made = GuardKey(known.guard_port or choose_port(), new_password())
    place = await asyncio.to_thread(secrets.keep, _SECRET, made.password)
    there = replace(known, guard_port=made.port, guard_secret_place=place)
    await run_sql(settings.write, there, "guard_port", "guard_secret_place")
    return made
