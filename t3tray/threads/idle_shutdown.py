"""t3tray's own reaper: stops the managed server after a time without use, and only if nothing is open in it (rule 5).

The next resume starts it again. What is unknown counts as open. Changes no binding.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from t3tray.domain.reaper import Blocker, IdleState, ServerUse, blocker_of
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.verdict import Kind
from t3tray.errors import ServerError
from t3tray.messages.idle_shutdown import idle_sentence
from t3tray.opencode.connection import Connection
from t3tray.threads.scan import Scan


class IdleServer(Protocol):
    """The server that is stopped."""

    @property
    def started_at(self) -> datetime | None:
        """When its process was started; None if unknown."""
        ...

    async def outlives_us(self) -> bool:
        """Whether it stays when this process leaves it."""
        ...

    async def retire(self) -> bool: ...


class IdleShutdown:
    """Notes every use of the server, and stops it when it is due. One for the app's life.

    `now` is the wall clock, for sentences; `steady` measures the idle time in s, because a wall clock that is set is no idle
    time.
    """

    def __init__(
        self,
        server: IdleServer,
        idle_after: timedelta,
        now: Callable[[], datetime],
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.idle_after = idle_after
        self._server = server
        self._now = now
        self._steady = steady
        self._last_use = steady()
        self._directories: set[str] = set()
        # In ms by the wall clock, the earliest known: what was touched before the clock was set forward counts as well.
        self._began_ms = math.inf

    @property
    def reap_at(self) -> datetime | None:
        """The earliest time at which the server would be stopped; None with the reaper off."""
        return self._now() - self._idle() + self.idle_after if self.idle_after > timedelta(0) else None

    def sentence(self, result: IdleState | None, runs: bool) -> str:
        """Return the sentence on this result, or on what will happen. `runs`: the server runs."""
        return idle_sentence(result, self.idle_after, runs, self.reap_at)

    def standing(self, result: IdleState | None, server: ServerStatus, last: Callable[[], IdleState | None]) -> str:
        """Return what our own reaper did or will do: by `result`, else by the `last` result that the process which owns the
        server has stored. Raises what `last` raises."""
        if server.state is ServerState.EXTERNAL:
            return ""
        runs = server.state.answers
        return self.sentence(result, runs) if result is not None else idle_sentence(last(), self.idle_after, runs)

    def note(self, directory: str = "") -> None:
        """Note a use: a runtime event (in this directory), a finished turn, or an action of the user."""
        self._last_use = self._steady()
        if directory:
            self._directories.add(directory)

    async def check(self, connection: Connection, scan: Scan) -> IdleState:
        """Stop the server if nothing prevents it; if the server cannot say whether anything is open, it goes on."""
        if began := self._server.started_at:
            self._began_ms = min(self._began_ms, began.timestamp() * 1000)
        try:
            return IdleState(self._now(), await self._blocker(connection, scan))
        except ServerError:
            return IdleState(self._now(), Blocker.UNTOLD)

    async def _blocker(self, connection: Connection, scan: Scan) -> Blocker | None:
        """Return why the server goes on; None once it is stopped. Raises ServerError."""
        early = blocker_of(ServerUse(self._idle()), self.idle_after)
        if early:
            return early
        last_use = self._last_use
        directories = await self._used(connection)
        why = blocker_of(await self._use(connection, directories, scan), self.idle_after)
        if why or self._last_use != last_use:
            return why or Blocker.RECENT
        if await self._server.outlives_us():
            return Blocker.SHARED
        for directory in directories:
            await connection.dispose(directory)
        self._directories.clear()
        self._began_ms = math.inf
        return None if await self._server.retire() else Blocker.SHARED

    async def _used(self, connection: Connection) -> frozenset[str]:
        """Return the directories in which something may be open: those with events, and those of every session that was
        touched since the server started, whoever used it. Raises ServerError."""
        since_ms = self._began_ms if self._began_ms < math.inf else 0
        touched = (record.facts for record in await connection.sessions())
        return frozenset(self._directories).union(facts.directory for facts in touched if facts.updated_ms >= since_ms)

    async def _use(self, connection: Connection, directories: frozenset[str], scan: Scan) -> ServerUse:
        """Return what is open in the directories that this server was used for. Raises ServerError."""
        busy, permissions, questions = await asyncio.gather(
            connection.busy_sessions(directories),
            asyncio.gather(*(connection.permissions(directory) for directory in directories)),
            asyncio.gather(*(connection.questions(directory) for directory in directories)),
        )
        stuck = [
            found
            for found in scan.assessments
            if found.verdict.kind is not Kind.RESUMABLE and found.cursor and found.cursor.directory in directories
        ]
        return ServerUse(self._idle(), len(busy), sum(map(len, permissions)), sum(map(len, questions)), len(stuck))

    def _idle(self) -> timedelta:
        """Return how long nothing has used the server."""
        return timedelta(seconds=self._steady() - self._last_use)
