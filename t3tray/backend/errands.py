"""What the face asks of the engine and the desk's loop has no part in: looking at one thread, resuming it, settling a restore."""

from __future__ import annotations

import asyncio
from datetime import datetime

from t3tray.backend.engine import Engine
from t3tray.domain.alarm import Acknowledged
from t3tray.domain.restore import SettlePlan
from t3tray.domain.verdict import Kind
from t3tray.domain.verification import Opened, Verification
from t3tray.threads.snapshot import ThreadDetails


class Errands:
    """The part of a `Desk` that waits for its engine. Setting `_changed` leads to a look."""

    def __init__(self) -> None:
        self._engine: asyncio.Future[Engine] | None = None
        self._changed = asyncio.Event()

    async def details(self, thread_id: str) -> ThreadDetails:
        return await (await self._opened()).details(thread_id)

    async def resume(self, thread_id: str) -> Verification:
        """Verify, with the server started if it has to be; what is refused comes back with its verdict."""
        return await (await self._opened()).verify(thread_id)

    async def resume_in_terminal(self, thread_id: str) -> Verification:
        """Verify, and open a terminal in the session only when the verdict allows it."""
        engine = await self._opened()
        verification = await engine.verify(thread_id)
        if verification.verdict.kind is Kind.RESUMABLE and verification.session_id is not None:
            await engine.opening.terminal(verification.thread)
        return verification

    async def open_in_t3code(self, thread_id: str) -> Opened:
        """Open one of T3 Code's threads there."""
        engine = await self._opened()
        return await engine.opening.t3code(await engine.find(thread_id))

    async def acknowledge(self, thread_id: str, fact: Acknowledged) -> None:
        """The user has seen this in the thread, and nothing else."""
        await (await self._opened()).acknowledge(thread_id, fact)

    async def visit(self, thread_id: str, activity_at: datetime) -> None:
        """The user has looked at this thread, whose last activity was then."""
        await (await self._opened()).visit(thread_id, activity_at)

    async def plan_settling(self) -> SettlePlan | None:
        """What it would do to settle the restore of our own data; None where none stands."""
        return await (await self._opened()).restoring.plan()

    async def settle(self, seen: SettlePlan) -> None:
        """Do it, as it was seen. Raises Refused, StoreError."""
        await (await self._opened()).restoring.settle(seen)
        self._changed.set()

    def _opened(self) -> asyncio.Future[Engine]:
        """The engine, once `run` has opened it; what is asked before waits for it. Who waits may be cancelled alone."""
        return asyncio.shield(self._opening())

    def _opening(self) -> asyncio.Future[Engine]:
        if self._engine is None:
            self._engine = asyncio.get_running_loop().create_future()
        return self._engine
