"""What the user has set, in a process that goes by it: read again when another one changed it, changed one by one.

It owns no setting's meaning: `services.setting_rules` judges a value, and who holds this tells what to do about it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from t3tray.core.domain.settings import Settings
from t3tray.core.services.setting_rules import changed, check, refuse_state
from t3tray.core.store.settings import SERVER_SECRET, SettingsTable
from t3tray.core.system.secrets import Secrets
from t3tray.core.system.serial import SerialExecutor


class Preferences:
    """Lives on the event loop. `current` is what this process goes by. Every method raises StoreError."""

    def __init__(
        self,
        table: SettingsTable,
        run_sql: SerialExecutor,
        current: Settings,
        go_by: Callable[[Settings], Awaitable[None]],
        secrets: Secrets,
    ) -> None:
        self.current = current
        self._table = table
        self._run_sql = run_sql
        self._go_by = go_by
        self._secrets = secrets

    async def change(self, name: str, value: object) -> Settings:
        """Set one, beside whatever else was set meanwhile; all of them as they are then. Raises UsageError.

        It is gone by before it is written: what cannot be gone by is never stored.
        """
        refuse_state(name)
        if name == "server_password":
            return await self._keep_password(str(value))
        return await self.record(name, value)

    async def _keep_password(self, password: str) -> Settings:
        """Beside the settings, where secrets lie; an empty one forgets it."""
        place = self.current.server_password_place
        if password == self.current.server_password:
            return self.current
        if password:
            place = await asyncio.to_thread(self._secrets.keep, SERVER_SECRET, password)
            return await self.record("server_password_place", place)
        if place:
            await asyncio.to_thread(self._secrets.forget, SERVER_SECRET, place)
        return await self.record("server_password_place", "")

    async def record(self, name: str, value: object) -> Settings:
        """The same, also for what is no setting but state beside them."""
        settings = changed(await self._run_sql(self._table.read), name, value)
        await asyncio.to_thread(check, settings, name)
        before = self.current
        try:
            await self._take(settings)
            await self._run_sql(self._table.write, settings, name)
        except BaseException:
            await self._take(before)
            raise
        await self.read_again()
        return self.current

    async def read_again(self) -> None:
        """Go by what another process of ours may have set."""
        await self._take(await self._run_sql(self._table.read))

    async def _take(self, settings: Settings) -> None:
        if settings != self.current:
            self.current = settings
            await self._go_by(settings)
