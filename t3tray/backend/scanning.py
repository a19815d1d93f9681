"""A scan of all threads with their verdicts, of the database that OpenCode uses, with what a running server says it works in."""

from __future__ import annotations

from t3tray.backend.parts import Parts
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.thread import Thread
from t3tray.threads.scan import Scan


class Scanning:
    """One for the process, on its event loop. The reading is done in the SQL's thread."""

    def __init__(self, parts: Parts) -> None:
        self._run_sql = parts.run_sql
        self._scanner = parts.scanner
        self._source = parts.source
        self._servers = parts.servers
        self._settlement = parts.settlement
        self._restoring = parts.restoring
        self._letting_go = parts.letting_go

    async def scan(self, whole: bool = False) -> Scan:
        """Return all threads with their verdicts. Raises StoreError.

        `whole`: with every answer of every thread, which takes longer for thousands of threads.
        """
        await self._servers.server.sight()  # so that our own server is known as ours
        await self._letting_go.learn()
        if self._source.is_external:
            await self._source.check()
            if connection := self._servers.current:
                # Which bindings the journal lacks is found in its sessions.
                await self._settlement.begin(connection)
        scan = await self._source.read(self._scanner.scan)
        if await self._restoring.find_lost():
            scan = await self._run_sql(self._scanner.scan)
        while whole and scan.half_read:
            scan = await self._run_sql(self._scanner.scan)
        folders = {found.cursor.directory for found in scan.unfinished if found.cursor}
        return scan.with_busy(await self._servers.busy_sessions(folders))

    async def find(self, prefix: str) -> Thread:
        """Return the thread of this id, or of an id that begins so. Raises ThreadNotFound, UsageError, StoreError."""
        return (await self._restoring.load_record(prefix, True)).thread

    async def server_status(self) -> ServerStatus:
        """Return the state of the server now; none is started."""
        known = self._servers.server.status
        return await self._servers.server.read_status() if known.state is ServerState.STOPPED else known
