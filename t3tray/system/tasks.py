"""Owned asyncio tasks, and work that a cancellation must not interrupt.

The event loop references tasks weakly: a task without another reference may be collected while it runs, and its error is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import TypeVar

T = TypeVar("T")


class OwnTasks:
    """Tasks that are cancelled with their owner."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[object]] = set()

    def start(self, work: Coroutine[object, object, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def cancel(self) -> None:
        for task in self._running:
            task.cancel()

    async def end(self, limit: float = 0.0) -> None:
        """Wait up to `limit` seconds for running tasks, then cancel them and wait for their end."""
        if self._running and limit > 0:
            await asyncio.wait(self._running, timeout=limit)
        self.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


async def shield_until_done(work: Awaitable[T]) -> T:
    """Return the result of `work`. A cancellation of the caller takes effect after the work is done."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled() and (error := task.exception()):
            raise error from None
        raise
