"""What the user has set, in a process that goes by it: read again when another one changed it, changed one by one.

It owns no setting's meaning: `services.setting_rules` judges a value, and who holds this tells what to do about it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from t3tray.core.services.setting_rules import changed, check
from t3tray.core.store.settings import Settings, SettingsTable
from t3tray.core.system.serial import SerialExecutor


class Preferences:
    """Lives on the event loop. `current` is what this process goes by. Every method raises StoreError."""

    def __init__(
        self,
        table: SettingsTable,
        run_sql: SerialExecutor,
        current: Settings,
        go_by: Callable[[Settings], Awaitable[None]],
    ) -> None:
        self.current = current
        self._table = table
        self._run_sql = run_sql
        self._go_by = go_by

    async def change(self, name: str, value: object) -> Settings:
        """Set one, beside whatever else was set meanwhile; all of them as they are then. Raises UsageError."""
        settings = changed(await self._run_sql(self._table.read), name, value)
        await asyncio.to_thread(check, settings, name)
        await self._run_sql(self._table.write, settings, name)
        settings = await self._run_sql(self._table.read)
        await self._take(settings)
        return settings

    async def read_again(self) -> None:
        """Go by what another process of ours may have set."""
        await self._take(await self._run_sql(self._table.read))

    async def _take(self, settings: Settings) -> None:
        if settings != self.current:
            self.current = settings
            await self._go_by(settings)
