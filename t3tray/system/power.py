"""Noticing that the machine slept: time has passed that this process cannot account for.

Some systems count the time of sleep into the monotonic clock and some do not, so both are judged against how long we meant to
wait. A clock that was set forward looks the same; that does no harm.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

# In seconds: how often it is looked, and what a busy machine may be late.
TICK = 10.0
SLACK = 10.0


class SleepWatch:
    """`wall` and `steady` are clocks in seconds. `woke` is called on the event loop, as soon as anybody looks after the sleep."""

    def __init__(
        self, woke: Callable[[], None], wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._woke = woke
        self._wall = wall
        self._steady = steady
        self._at = wall(), steady()

    def look(self) -> None:
        """Call it before anything that must know; a sleep is told once."""
        wall, steady = self._wall(), self._steady()
        (wall_before, steady_before), self._at = self._at, (wall, steady)
        accounted_for = min(steady - steady_before, TICK)
        if wall - wall_before - accounted_for > SLACK:
            self._woke()

    async def run(self) -> None:
        """Look every now and then, until cancelled."""
        while True:
            await asyncio.sleep(TICK)
            self.look()
