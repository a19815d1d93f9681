"""Previews a remedy and applies it, on what is found out about its thread at that moment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from t3tray.backend.parts import Parts
from t3tray.backend.scanning import Scanning
from t3tray.backend.thread_details import DetailsReader
from t3tray.domain.remedy import Choice, Preview
from t3tray.domain.thread import Thread
from t3tray.errors import T3TrayError
from t3tray.remedies.proving import REPLACES


class RemedyService:
    """One for the process, on its event loop. Both methods raise ThreadNotFound, Refused, UsageError, and errors of the world."""

    def __init__(
        self,
        parts: Parts,
        scanning: Scanning,
        details: DetailsReader,
        import_t3_thread: Callable[[str], Awaitable[Thread]],
        note_act: Callable[[], None],
    ) -> None:
        """`import_t3_thread` finds a thread and stores one of T3 Code's as one that is worked with; `note_act`: the user did
        something to a thread."""
        self._store = parts.store
        self._run_sql = parts.run_sql
        self._settlement = parts.settlement
        self._remedies = parts.remedy_registry
        self._scanning = scanning
        self._details = details
        self._import_t3_thread = import_t3_thread
        self._note_act = note_act

    async def preview(self, thread_id: str, choice: Choice) -> Preview:
        """Return what a remedy would do; nothing is changed."""
        await self._settlement.settle((await self._scanning.find(thread_id)).id)
        return await self._remedies.preview(await self._details.read_now(thread_id), choice)

    async def apply(self, thread_id: str, choice: Choice, seen: Preview | None = None) -> Preview:
        """Do what the user chose and, if given, agreed to as it was `seen`. Cancelled, the thread is as before, or it is done."""
        try:
            thread = await self._import_t3_thread(thread_id)
            await self._settlement.settle(thread.id)
            if choice.remedy in REPLACES and (await self._run_sql(self._store.journal.binding, thread.id)).pending:
                await self._settlement.connect_for(thread.id)
            details = await self._details.read_now(thread.id)
            try:
                return await self._remedies.apply(details, choice, seen)
            except T3TrayError:  # cancelled, it is settled as after a crash
                await self._settlement.settle(thread.id)
                raise
        finally:
            self._note_act()  # settling alone may have changed the binding
