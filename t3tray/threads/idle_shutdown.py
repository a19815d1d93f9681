"""t3tray's own reaper: ends the managed server after a time without any use, and only when nothing is open in it (rule 5).

The next resume starts it again. What is not known counts as open. It changes no binding.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from t3tray.domain.idle_shutdown import IdleState, idle_sentence
from t3tray.domain.reaper import Blocker, ServerUse, blocker_of
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.verdict import Kind
from t3tray.errors import ServerError
from t3tray.opencode.connection import Connection
from t3tray.threads.scan import Scan


class IdleServer(Protocol):
    """What ends the server."""

    @property
    def started_at(self) -> datetime | None:
        """When its process was started; None where that is not known."""
        ...

    async def outlives_us(self) -> bool:
        """Whether it stays when this process leaves it."""
        ...

    async def retire(self) -> bool: ...


class IdleShutdown:
    """One for the app's life; told of every use, asked now and then.

    `now` is the wall clock, for what is said; `steady` counts the idle time, in s: a wall clock that is set is no idle time.
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
        # In ms by the wall clock, the earliest that was told: what was touched before the clock was set forward counts as well.
        self._began_ms = math.inf

    @property
    def reap_at(self) -> datetime | None:
        """When the server would be ended at the earliest; None with the reaper off."""
        return self._now() - self._idle() + self.idle_after if self.idle_after > timedelta(0) else None

    def sentence(self, rest: IdleState | None, runs: bool) -> str:
        """What came of `rest`, or what will; `runs`: the server does."""
        return idle_sentence(rest, self.idle_after, runs, self.reap_at)

    def standing(self, rest: IdleState | None, server: ServerStatus, last: Callable[[], IdleState | None]) -> str:
        """What our own reaper did or will do: by `rest`, else by the `last` one that the process wrote down which has the
        server in hand. Raises what `last` raises."""
        if server.state is ServerState.EXTERNAL:
            return ""
        runs = server.state.answers
        return self.sentence(rest, runs) if rest is not None else idle_sentence(last(), self.idle_after, runs)

    def note(self, directory: str = "") -> None:
        """Something happened: a runtime event (of this directory), a finished turn, or the user did something."""
        self._last_use = self._steady()
        if directory:
            self._directories.add(directory)

    async def look(self, connection: Connection, picture: Scan) -> IdleState:
        """End the server if nothing hinders it; a server that cannot say whether anything is open goes on."""
        if began := self._server.started_at:
            self._began_ms = min(self._began_ms, began.timestamp() * 1000)
        try:
            return IdleState(self._now(), await self._hindrance(connection, picture))
        except ServerError:
            return IdleState(self._now(), Blocker.UNTOLD)

    async def _hindrance(self, connection: Connection, picture: Scan) -> Blocker | None:
        """Why the server goes on; None once it is ended. Raises ServerError."""
        early = blocker_of(ServerUse(self._idle()), self.idle_after)
        if early:
            return early
        last_use = self._last_use
        directories = await self._used(connection)
        why = blocker_of(await self._use(connection, directories, picture), self.idle_after)
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
        """The directories in which something may be open: those that were heard of, and those of every session that was touched
        since the server began, whoever used it. Raises ServerError."""
        since_ms = self._began_ms if self._began_ms < math.inf else 0
        touched = (record.facts for record in await connection.sessions())
        return frozenset(self._directories).union(facts.directory for facts in touched if facts.updated_ms >= since_ms)

    async def _use(self, connection: Connection, directories: frozenset[str], picture: Scan) -> ServerUse:
        """What is open in the directories that this server has been used for. Raises ServerError."""
        busy, permissions, questions = await asyncio.gather(
            connection.busy_sessions(directories),
            asyncio.gather(*(connection.permissions(directory) for directory in directories)),
            asyncio.gather(*(connection.questions(directory) for directory in directories)),
        )
        stuck = [
            found
            for found in picture.assessments
            if found.verdict.kind is not Kind.RESUMABLE and found.cursor and found.cursor.directory in directories
        ]
        return ServerUse(self._idle(), len(busy), sum(map(len, permissions)), sum(map(len, questions)), len(stuck))

    def _idle(self) -> timedelta:
        """How long nothing has used the server."""
        return timedelta(seconds=self._steady() - self._last_use)
