"""Sleep is noticed on systems whose steady clock stops meanwhile, and on those whose clock continues."""

from __future__ import annotations

import asyncio

import pytest

from t3tray.system import power
from t3tray.system.power import SleepWatch


class Clocks:
    def __init__(self) -> None:
        self.wall = self.steady = 1000.0
        self.woke: list[float] = []
        self.watch = SleepWatch(lambda: self.woke.append(self.wall), lambda: self.wall, lambda: self.steady)

    def go_on(self, wall: float, steady: float) -> bool:
        """Return whether a check after that much time reports a sleep."""
        self.wall += wall
        self.steady += steady
        self.woke.clear()
        self.watch.check()
        return bool(self.woke)


@pytest.mark.parametrize("steady", [0.5, 3600.5])
def test_a_sleep_is_told_once(steady: float) -> None:
    clocks = Clocks()
    assert clocks.go_on(3600.5, steady)
    assert not clocks.go_on(0.1, 0.1)


def test_time_that_passes_is_no_sleep() -> None:
    clocks = Clocks()
    assert not any(clocks.go_on(power.TICK, power.TICK) for _ in range(100))
    assert not clocks.go_on(power.TICK + 5, power.TICK + 5)


def test_a_clock_that_is_set_back_is_no_sleep() -> None:
    clocks = Clocks()
    assert not clocks.go_on(-3600, 1)
    assert not clocks.go_on(1, 1)


async def test_it_looks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power, "TICK", 0.01)
    woke, wall = asyncio.Event(), [1000.0]
    watch = SleepWatch(woke.set, lambda: wall[0], lambda: 0.0)
    running = asyncio.create_task(watch.run())
    wall[0] += 3600
    async with asyncio.timeout(90):
        await woke.wait()
    running.cancel()
