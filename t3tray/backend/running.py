"""The tray app's life from its start to its ordered end, the same with a window and without one. It lives on the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # The window imports this module before its icon is shown, and the backend's own imports take time.
    from t3tray.backend.backend import Backend
    from t3tray.domain.notification import Click
    from t3tray.threads.snapshot import Snapshot

# Opens the backend. Until that is done, what can be shown is published by the function that it is given.
OpenBackend = Callable[["Callable[[Snapshot], None]"], Awaitable["Backend"]]
# In seconds: how long the backend may take to end everything in order. It bounds its own steps below that.
CLOSE_LIMIT = 5.0
_log = logging.getLogger(__name__)


async def live(
    open_backend: OpenBackend,
    publish: Callable[[Snapshot], None],
    clicked: Callable[[Click], None],
    stop: asyncio.Event,
    failed: Callable[[BaseException], None],
    opened: Callable[[Backend], None] = lambda backend: None,
    finish: Callable[[], Awaitable[None]] | None = None,
    stops_server: Callable[[], bool] = lambda: False,
) -> None:
    """Open the backend and run it until `stop` is set, then end it in order.

    `opened` is given the backend; `failed` an error that ends it before, and `stop` is waited for then. `finish` is awaited
    before anything is closed. Where `stops_server` says so, a server that would go on running without us ends too.
    """
    backend: Backend | None = None

    async def run() -> None:
        nonlocal backend
        backend = await open_backend(publish)
        opened(backend)
        await backend.run(publish, clicked)

    running = asyncio.create_task(run())
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
    if backend is None:
        return
    try:
        async with asyncio.timeout(CLOSE_LIMIT):
            if stops_server():
                await backend.server.stop()
            await backend.close()
    except TimeoutError:
        _log.error("t3tray did not end in order within %s seconds.", CLOSE_LIMIT)
    except Exception:
        _log.exception("t3tray did not end in order.")
