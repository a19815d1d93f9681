"""The guard as it runs in a process of ours, between T3 Code and the engine's server; and T3 Code's settings that lead to it.

It owns what belongs together there: one guard, one key. It judges nothing and prints nothing.
"""

from __future__ import annotations

from functools import partial

from t3tray.core.engine import Engine, utc_now
from t3tray.core.guard.guard import Guard
from t3tray.core.services.guarding import Answers
from t3tray.core.t3code.pending import read_now


class Guardhouse:
    """One a process, in the engine's event loop; `stop` it before the engine is closed."""

    def __init__(self, engine: Engine, answers: Answers) -> None:
        self._engine = engine
        self._answers = answers
        self._guard: Guard | None = None

    async def start(self) -> str:
        """Listen; the guard's address. Raises Refused when the port is taken, StoreError."""
        key = await self._engine.guard_key()
        guarding = self._engine.guarding(self._answers)
        guard = Guard(
            port=key.port,
            password=key.password,
            endpoint=self._engine.server.ensure_ready,
            look=partial(read_now, self._engine.t3_homes),
            bindings=guarding,
            ledger=guarding,
            now=utc_now,
            in_use=self._engine.resting.note,
        )
        await guard.start()
        self._guard = guard
        self._engine.users = lambda: guard.under_way
        return guard.url

    async def stop(self) -> None:
        """End what is under way, within seconds. A second call does nothing."""
        guard, self._guard = self._guard, None
        if guard is not None:
            self._engine.users = lambda: 0
            await guard.stop()
