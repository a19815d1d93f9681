"""Which of the user's wishes are taking long, so that the window can say so and let them be stopped. No PySide6 here.

It lives in the asyncio thread. What is over soon is never told.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass

# In seconds: what takes less is seen by its result.
AFTER = 0.3


@dataclass(frozen=True)
class Work:
    """`words` say what is done, `number` is what it is stopped by."""

    number: int
    words: str


class Working:
    """`publish` is called with all that takes long now, the oldest first, whenever that changes."""

    def __init__(self, publish: Callable[[tuple[Work, ...]], None]) -> None:
        self._publish = publish
        self._numbers = itertools.count(1)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._on_stop: dict[int, Callable[[], None]] = {}
        self._shown: dict[int, Work] = {}

    def follow(self, task: asyncio.Task[None], words: str, on_stop: Callable[[], None] | None = None) -> None:
        """Tell of it once it takes long, until it is over, however it ends. `on_stop` is what stopping it means besides."""
        work = Work(next(self._numbers), words)
        if on_stop:
            self._on_stop[work.number] = on_stop
        self._tasks[work.number] = task
        timer = asyncio.get_running_loop().call_later(AFTER, self._show, work)

        def end(_task: asyncio.Task[None]) -> None:
            timer.cancel()
            del self._tasks[work.number]
            self._on_stop.pop(work.number, None)
            if self._shown.pop(work.number, None):
                self._publish(tuple(self._shown.values()))

        task.add_done_callback(end)

    def stop(self, number: int) -> Work | None:
        """End it; what it was, or None when it is over already."""
        task = self._tasks.get(number)
        if task is None or not task.cancel():
            return None
        if on_stop := self._on_stop.get(number):
            on_stop()
        return self._shown.get(number)

    def _show(self, work: Work) -> None:
        self._shown[work.number] = work
        self._publish(tuple(self._shown.values()))
