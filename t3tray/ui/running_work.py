"""Long-running operations that the user started, so that the window can show them and offer to stop them. No PySide6 here.

Runs in the asyncio thread. Operations that end within `AFTER` seconds are never published.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass

# In seconds.
AFTER = 0.3


@dataclass(frozen=True)
class Work:
    """A long-running operation. `words` describes it for the user, `number` identifies it for `Working.stop`."""

    number: int
    words: str


class Working:
    """Tracks long-running operations. `publish` is called with all of them, the oldest first, whenever the set changes."""

    def __init__(self, publish: Callable[[tuple[Work, ...]], None]) -> None:
        self._publish = publish
        self._numbers = itertools.count(1)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._on_stop: dict[int, Callable[[], None]] = {}
        self._shown: dict[int, Work] = {}

    def follow(self, task: asyncio.Task[None], words: str, on_stop: Callable[[], None] | None = None) -> None:
        """Publish this task from `AFTER` seconds on until it ends, however it ends. `on_stop` is called if the user stops it."""
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
        """Cancel an operation. Return it, or None if it was already over or never published."""
        task = self._tasks.get(number)
        if task is None or not task.cancel():
            return None
        if on_stop := self._on_stop.get(number):
            on_stop()
        return self._shown.get(number)

    def _show(self, work: Work) -> None:
        self._shown[work.number] = work
        self._publish(tuple(self._shown.values()))
