"""A desk's life from its start to its ordered end, the same with a window and without one. It lives on the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from t3tray.threads.snapshot import Snapshot

# In seconds: how long a desk may take to end everything in order. It bounds its own steps below that.
CLOSE_LIMIT = 5.0
_log = logging.getLogger(__name__)


class RunningBackend(Protocol):
    async def run(self, publish: Callable[[Snapshot], None]) -> None:
        """Publish what is true, and again after every change, until cancelled."""
        ...

    async def stop_server(self) -> None: ...

    async def close(self) -> None:
        """End everything in order."""
        ...


async def live(
    desk: RunningBackend,
    publish: Callable[[Snapshot], None],
    stop: asyncio.Event,
    failed: Callable[[BaseException], None],
    finish: Callable[[], Awaitable[None]] | None = None,
    stops_server: Callable[[], bool] = lambda: False,
) -> None:
    """Run the desk until `stop` is set, then end it in order.

    `failed` is told an error that ends it before; it waits for `stop` then. `finish` is awaited before anything is closed.
    Where `stops_server` says so, a server that would go on running without us ends too.
    """
    running = asyncio.create_task(desk.run(publish))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((running, stopping), return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        if error := running.exception():
            failed(error)
        await stopping
    if finish:
        await finish()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    try:
        async with asyncio.timeout(CLOSE_LIMIT):
            if stops_server():
                await desk.stop_server()
            await desk.close()
    except TimeoutError:
        _log.error("t3tray did not end in order within %s seconds.", CLOSE_LIMIT)
    except Exception:
        _log.exception("t3tray did not end in order.")
