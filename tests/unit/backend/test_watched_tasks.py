"""Background tasks that fail are reported and started again, each time after a longer pause."""

from __future__ import annotations

import asyncio

from t3tray.backend.watched_tasks import FIRST_PAUSE, LONGEST_PAUSE, WatchedTasks
from t3tray.errors import StoreError


async def test_the_pause_grows_to_its_limit_and_the_trouble_is_told_once() -> None:
    pauses: list[float] = []
    changes: list[tuple[str, ...]] = []
    enough = asyncio.Event()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 12:
            enough.set()
            await asyncio.Event().wait()

    async def fail() -> None:
        raise StoreError("The disk is full.")

    tasks = WatchedTasks(lambda: changes.append(tasks.trouble), sleep)
    task = tasks.start("Keeping the guard", fail)
    async with asyncio.timeout(90):
        await enough.wait()
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE] and pauses[-1] == LONGEST_PAUSE
    assert changes == [("Keeping the guard stopped (The disk is full.). t3tray starts it again.",)]
    await tasks.stop()
    assert task.cancelled()


async def test_one_that_returns_is_done_and_its_trouble_over() -> None:
    runs: list[int] = []

    async def sleep(_seconds: float) -> None:
        pass

    async def work() -> None:
        runs.append(1)
        if len(runs) == 1:
            raise ZeroDivisionError("oops")

    tasks = WatchedTasks(lambda: None, sleep)
    await tasks.start("This", work)
    assert runs == [1, 1] and tasks.trouble == ()
