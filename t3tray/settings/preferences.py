"""The settings of a running process: read again after another process changed them, and changed one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from t3tray.settings.checks import changed, check, defined, refuse_unless_set_by_name
from t3tray.settings.definitions import Settings
from t3tray.settings.kinds import DOTS
from t3tray.settings.stored import SettingRows, read_settings, write_settings
from t3tray.system.secrets import Secrets
from t3tray.system.sql_thread import SqlThread

# The name of the password of `server_url` among the secrets.
SERVER_SECRET = "attached-server"


class Preferences:
    """Used on the event loop. `current` is what this process uses; `apply` puts other values into effect.

    Every method raises StoreError.
    """

    def __init__(
        self,
        rows: SettingRows,
        run_sql: SqlThread,
        current: Settings,
        apply: Callable[[Settings], Awaitable[None]],
        secrets: Secrets,
    ) -> None:
        self.current = current
        self._rows = rows
        self._run_sql = run_sql
        self._apply = apply
        self._secrets = secrets

    async def change(self, name: str, value: object) -> Settings:
        """Set one setting, and return all settings, including changes by other processes. Raises UsageError.

        A value is put into effect before it is stored, so that one that fails to take effect is never stored.
        """
        definition = defined(name)
        if name != definition.name:
            return await self._store_password(str(value))
        refuse_unless_set_by_name(definition)
        return await self.record(name, value)

    async def record(self, name: str, value: object) -> Settings:
        """Set one setting, also one that the user does not set by its name."""
        settings = changed(await self.read(), name, value)
        await asyncio.to_thread(check, settings, name)
        before = self.current
        try:
            await self._use(settings)
            await self._run_sql(write_settings, self._rows, settings, name)
        except BaseException:
            await self._use(before)
            raise
        await self.read_again()
        return self.current

    async def read(self) -> Settings:
        """Return the stored settings."""
        return await self._run_sql(read_settings, self._rows)

    async def read_again(self) -> None:
        """Read the stored settings, which another process may have changed, and use them."""
        await self._use(await self.read())

    async def _use(self, settings: Settings) -> None:
        if settings != self.current:
            self.current = settings
            await self._apply(settings)

    async def _store_password(self, password: str) -> Settings:
        """Store the password of `server_url` with the secrets; an empty one removes it."""
        place = self.current.server_password_place
        if password == DOTS and place:
            return self.current
        if password:
            return await self.record(
                "server_password_place", await asyncio.to_thread(self._secrets.store, SERVER_SECRET, password)
            )
        if place:
            await asyncio.to_thread(self._secrets.forget, SERVER_SECRET, place)
        return await self.record("server_password_place", "")
