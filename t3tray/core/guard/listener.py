"""Listening on loopback inside an event loop that is there already: no signal is taken over, and nothing ticks.

uvicorn's own `serve` does both, so its start and its end are called one by one.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import uvicorn
from uvicorn.lifespan.off import LifespanOff

from t3tray.core.errors import Refused
from t3tray.core.guard.connections import HEAD_LIMIT, Connection
from t3tray.core.guard.exchange import Receive, Scope, Send
from t3tray.core.opencode.port import HOST
from t3tray.core.system.descriptors import raise_descriptor_limit

# In seconds. T3 Code closes its idle connections after 4; the guard never does so first.
_KEEP_IDLE = 120
_STOP_LIMIT = 2


class Listener:
    """One port on loopback. `app` is an ASGI application; `head_limit` in seconds, for all of a request but its body."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]], port: int, head_limit: float = HEAD_LIMIT) -> None:
        self._port = port
        # uvicorn calls it as the class that it takes it for.
        protocol: Any = partial(Connection, strangers={}, head_limit=head_limit)
        config = uvicorn.Config(
            app,
            http=protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            # Whatever goes wrong is told by us: what uvicorn logs of it may hold a request's path.
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=_KEEP_IDLE,
            timeout_graceful_shutdown=_STOP_LIMIT,
        )
        config.load()
        self._server = uvicorn.Server(config)
        self._server.lifespan = LifespanOff(config)
        self._socket: socket.socket | None = None

    @property
    def listens(self) -> bool:
        return self._socket is not None and any(server.is_serving() for server in self._server.servers)

    async def start(self) -> None:
        """Raises Refused when another program has the port."""
        raise_descriptor_limit()
        self._socket = _bound(self._port)
        await self._server.startup(sockets=[self._socket])

    async def stop(self) -> None:
        """Take no more requests and end those under way, within seconds. A second call does nothing."""
        listening, self._socket = self._socket, None
        if listening is None:
            return
        for task in list(self._server.server_state.tasks):
            task.cancel()
        await self._server.shutdown(sockets=[listening])


def _bound(port: int) -> socket.socket:
    # With the protocol named, asyncio turns off the delay that gathers small answers: without it each takes 40 ms.
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":
            # As servers do: a port whose old connections only wait to be forgotten is free.
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((HOST, port))
        made.setblocking(False)
    except OSError as error:
        made.close()
        raise Refused(
            f"Another program listens on port {port}, where T3 Code expects the guard.",
            "If it is t3tray itself, the guard runs already; else end that program and try again.",
        ) from error
    return made
