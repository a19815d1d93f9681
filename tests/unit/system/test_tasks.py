"""Tasks with an owner, and work that no cancellation interrupts."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from t3tray.system.tasks import OwnTasks, shield_until_done


async def test_a_task_is_held_until_it_ends_and_no_longer() -> None:
    tasks, free = OwnTasks(), asyncio.Event()
    task = tasks.start(free.wait())
    running = weakref.ref(task)
    del task
    gc.collect()
    held = running()
    assert held is not None
    free.set()
    assert await held is True
    del held
    await asyncio.sleep(0)
    gc.collect()
    assert running() is None


async def test_the_end_waits_for_what_is_under_way_and_cancels_what_takes_longer() -> None:
    tasks, free = OwnTasks(), asyncio.Event()
    ready, hangs = tasks.start(asyncio.sleep(0, "done")), tasks.start(free.wait())
    await tasks.end(0.01)
    assert ready.result() == "done" and hangs.cancelled()
    await tasks.end()


async def test_an_error_reaches_who_awaits_and_does_not_keep_the_end_from_coming() -> None:
    async def fail() -> None:
        raise ValueError("odd")

    tasks = OwnTasks()
    with pytest.raises(ValueError, match="odd"):
        await tasks.start(fail())
    tasks.start(fail())
    await tasks.end(90)


@pytest.mark.parametrize("fails", [False, True])
async def test_shielded_work_is_done_before_its_cancellation_counts(fails: bool) -> None:
    begun, free, done = asyncio.Event(), asyncio.Event(), []

    async def work() -> None:
        begun.set()
        await free.wait()
        done.append(1)
        if fails:
            raise ValueError("odd")

    task = asyncio.ensure_future(shield_until_done(work()))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    free.set()
    with pytest.raises(ValueError if fails else asyncio.CancelledError):
        await task
    assert done == [1]
