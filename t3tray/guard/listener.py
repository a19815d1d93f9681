"""A listening port on loopback, inside a running event loop."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

from t3tray.errors import Refused
from t3tray.guard.connections import HEAD_LIMIT, Connections
from t3tray.guard.exchange import Exchange
from t3tray.server.port import HOST

_STOP_LIMIT = 2.0
# Limit of open files and connections. macOS allows an app 256, shared by the tray's files and these connections.
_WANTED_DESCRIPTORS = 4096


class Listener:
    """One port on loopback. `serve` answers a request; `head_limit` in seconds, for all of a request but its body."""

    def __init__(self, serve: Callable[[Exchange], Awaitable[None]], port: int, head_limit: float = HEAD_LIMIT) -> None:
        self._port = port
        self._connections = Connections(serve, head_limit)
        self._server: asyncio.Server | None = None

    @property
    def listens(self) -> bool:
        return self._server is not None and self._server.is_serving()

    async def start(self) -> None:
        """Start listening. Raises Refused when another program uses the port."""
        raise_descriptor_limit()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connections.new, sock=_bound(self._port))

    async def stop(self) -> None:
        """Accept no more requests and end those under way, within seconds. Idempotent."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        await self._connections.end(_STOP_LIMIT)
        await server.wait_closed()


def _bound(port: int) -> socket.socket:
    # With the protocol given, asyncio sets TCP_NODELAY; otherwise each small answer is delayed by 40 ms.
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":
            # Like servers: a port with connections in TIME_WAIT only is free.
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((HOST, port))
        made.setblocking(False)
    except OSError as error:
        made.close()
        raise Refused(
            f"Another program listens on port {port}, where T3 Code expects the guard.",
            "If it is t3tray, the guard is running already; otherwise stop that program and try again.",
        ) from error
    return made


def raise_descriptor_limit() -> None:
    """Raise the limit of open files as far as the system permits. Programs started later inherit it."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_WANTED_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
