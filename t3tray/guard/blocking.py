"""The guard's own threads for blocking calls: T3 Code's database, and folders, which may be on a dead mount.

The event loop's default executor is shared with everything else, whose calls may hang there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# A call that hangs keeps its thread; session requests and folders have time limits of their own.
_THREADS = 4


class BlockingCalls:
    """Call it with a function and its arguments; awaits the result."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, "t3tray-guard-reads")

    async def __call__(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: function(*args, **kwargs))

    def close(self) -> None:
        """Start no more calls. A call that hangs is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
