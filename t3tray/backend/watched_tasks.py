"""Background tasks: one that ends by an error is logged, reported once, and started again after a growing pause."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from t3tray.messages.bugs import cause_of
from t3tray.messages.trouble import task_stopped

# In seconds: the pause before a task is started again, doubled up to the longest; and how long it must run to count as recovered.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 300.0
WELL_AFTER = 60.0
_log = logging.getLogger(__name__)


class WatchedTasks:
    """Lives on the event loop. `changed` is called when `trouble` changes; `stop` ends all tasks."""

    def __init__(self, changed: Callable[[], None], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._changed = changed
        self._sleep = sleep
        self._tasks: set[asyncio.Task[None]] = set()
        self._trouble: dict[str, str] = {}

    @property
    def trouble(self) -> tuple[str, ...]:
        """A sentence on each task that has failed and has not recovered."""
        return tuple(self._trouble.values())

    def start(self, what: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Run `work` until it returns. `what` names it for people, as the beginning of a sentence."""
        task = asyncio.get_running_loop().create_task(self._supervise(what, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def stop(self) -> None:
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _supervise(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        loop, pause = asyncio.get_running_loop(), FIRST_PAUSE
        while True:
            began, well = loop.time(), loop.call_later(WELL_AFTER, self._note, what, "")
            try:
                await work()
            except Exception as error:
                _log.exception("%s ended by an error; it is begun again.", what)
                pause = FIRST_PAUSE if loop.time() - began >= WELL_AFTER else pause
                self._note(what, task_stopped(what, cause_of(error)))
            else:
                self._note(what, "")
                return
            finally:
                well.cancel()
            await self._sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _note(self, what: str, sentence: str) -> None:
        if self._trouble.get(what, "") != sentence:
            self._trouble = {name: trouble for name, trouble in {**self._trouble, what: sentence}.items() if trouble}
            self._changed()
