"""This process's connection to its server: opens, replaces and closes it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from t3tray.domain.evidence import Failure
from t3tray.domain.server import ServerState
from t3tray.errors import BinaryNotFound, ServerError, ServerFailed, T3TrayError, TimedOut
from t3tray.opencode.connection import Connection
from t3tray.server.manager import Endpoint, ManagedServer

# Errors that mean that no server can be reached.
UNREACHABLE = (ServerError, ServerFailed, BinaryNotFound)
_log = logging.getLogger(__name__)


class ServerConnection:
    """Used on the event loop. The connection is replaced whenever the server's process or address has changed."""

    def __init__(self, server: ManagedServer) -> None:
        self.server = server
        self._used: tuple[Endpoint, Connection] | None = None
        self._connecting = asyncio.Lock()

    async def connect(self) -> Connection:
        """Return a connection to a server, started if necessary. Raises a ServerError, ServerFailed, BinaryNotFound."""
        endpoint = await self.server.ensure_ready()
        async with self._connecting:
            if self._used is None or self._used[0] != endpoint:
                if self._used:
                    await self._used[1].aclose()
                self._used = endpoint, Connection(endpoint.url, endpoint.password, endpoint.version, endpoint.user)
            return self._used[1]

    async def join(self) -> Connection | None:
        """Return a connection to a running server, ours or external, or None; starts none. Raises the same as `connect`."""
        await self.server.sync()
        return await self.connect() if self.server.status.state.answers else None

    async def join_if_possible(self) -> Connection | None:
        """Return the result of `join`, or None if the server cannot be reached, so that reading works without it."""
        try:
            return await self.join()
        except UNREACHABLE:
            return None
        except T3TrayError as error:
            _log.warning("The running server cannot be joined: %s", error.message)
            return None

    async def busy_sessions(self, directories: Collection[str]) -> frozenset[str] | Failure:
        """Return the sessions of these directories in which a running server runs a turn; a failure if it does not respond.

        Without a running server only the database shows a turn, as one without an end.
        """
        try:
            connection = await self.join() if directories else None
            busy = await connection.busy_sessions(directories) if connection else frozenset[str]()
        except TimedOut:
            return Failure.TIMEOUT
        except T3TrayError:
            busy = frozenset()
        return Failure.TIMEOUT if self.server.status.state is ServerState.UNRESPONSIVE else busy

    @property
    def current(self) -> Connection | None:
        """The connection to the server that is used now; None if there is none, or its server does not answer."""
        return self._used[1] if self._used and self.server.status.state.answers else None

    @property
    def last(self) -> Connection | None:
        """The connection that was used last, whether or not its server answers now."""
        return self._used[1] if self._used else None

    @property
    def secrets(self) -> tuple[str, ...]:
        """The passwords that this process uses now."""
        password = self._used[0].password if self._used else None
        return (password,) if password else ()

    async def close(self) -> None:
        """Close the connection, then end the server if only this process uses it."""
        if self._used:
            await self._used[1].aclose()
        await self.server.close()
