"""Settles, on a server, what a crash left open in a binding and what our own data has lost.

It is asked for by name: by the tray app's loop, by commands that change something, and before anything is done with one thread.
Opening a connection settles nothing.
"""

from __future__ import annotations

import asyncio

from t3tray.opencode.connection import Connection
from t3tray.remedies.recovery import Recovery
from t3tray.remedies.restoring import Restoring
from t3tray.server.connecting import ServerConnection
from t3tray.threads.session_source import SessionSource


class Settlement:
    """One for the process, on its event loop."""

    def __init__(self, servers: ServerConnection, source: SessionSource, restoring: Restoring, recovery: Recovery) -> None:
        self._servers = servers
        self._source = source
        self._restoring = restoring
        self._recovery = recovery
        self._asked: Connection | None = None
        self._alone = asyncio.Lock()

    async def begin(self, connection: Connection) -> None:
        """Compare this server's sessions with our data, once, and begin to settle what is open, beside everything else.

        Costs nothing where nothing is open. It raises nothing of the server's.
        """
        async with self._alone:
            is_new, self._asked = connection is not self._asked, connection
            if is_new and self._source.is_external:
                # Without it the database does not show into which other sessions a thread may be split.
                await self._source.compare(connection)
            self._recovery.begin(connection, is_new)
            # Before anything is sent: a binding that the journal lacks may be the thread's latest.
            await self._restoring.compare(connection)

    async def connect(self) -> Connection:
        """Return a connection to a server, started if necessary, on which settling has begun. Raises as `ServerConnection`."""
        connection = await self._servers.connect()
        await self.begin(connection)
        return connection

    async def prepare(self) -> bool:
        """Begin settling as `connect` does; return whether the server's sessions could be compared with our data."""
        return self._restoring.has_compared(await self.connect())

    async def join(self) -> Connection | None:
        """The same with a server that runs already; None if none does. Raises what `connect` raises."""
        connection = await self._servers.join()
        if connection:
            await self.begin(connection)
        return connection

    async def join_if_possible(self) -> Connection | None:
        """The same; None as well if the server that runs cannot be reached."""
        connection = await self._servers.join_if_possible()
        if connection:
            await self.begin(connection)
        return connection

    async def connect_for(self, thread_id: str) -> Connection:
        """Return a connection on which this thread's open changes are settled, as far as they can be now. Raises as `connect`."""
        connection = await self.connect()
        if self._source.is_unproved:  # the thread's other sessions are in the database only
            await self._source.compare(connection)
        await self._recovery.settled(thread_id)
        return connection

    async def settle(self, thread_id: str) -> None:
        """Wait until this thread's open changes are settled, if a server runs."""
        if await self.join_if_possible():
            await self._recovery.settled(thread_id)

    async def settle_all(self) -> Connection | None:
        """The same for all threads; return the connection to the server that runs."""
        connection = await self.join_if_possible()
        if connection:
            await self._recovery.all_settled()
        return connection
