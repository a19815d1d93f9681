"""Detects that the machine slept: more time has passed than this process meant to wait.

Some systems include sleep in the monotonic clock and some do not, so both clocks are compared with the intended wait. A clock
that was set forward looks the same, which does no harm.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

# In seconds: the interval of checks, and the tolerance for a busy machine.
TICK = 10.0
SLACK = 10.0


class SleepWatch:
    """Calls `woke` on the event loop at the first check after a sleep. `wall` and `steady` are clocks in seconds."""

    def __init__(
        self, woke: Callable[[], None], wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._woke = woke
        self._wall = wall
        self._steady = steady
        self._at = wall(), steady()

    def check(self) -> None:
        """Check now; each sleep is reported once. Call it before work that depends on it."""
        wall, steady = self._wall(), self._steady()
        (wall_before, steady_before), self._at = self._at, (wall, steady)
        accounted_for = min(steady - steady_before, TICK)
        if wall - wall_before - accounted_for > SLACK:
            self._woke()

    async def run(self) -> None:
        """Check regularly until cancelled."""
        while True:
            await asyncio.sleep(TICK)
            self.check()
