"""Our own data was put back from a copy, or is older than what happened: what was lost is found again, and the user settles it.

It binds a thread only where the journal knows no binding of it, and OpenCode's session carries our mark for it.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime

from t3tray.domain.cursor import Cursor
from t3tray.domain.restore import Restore, SettlePlan, settle_plan
from t3tray.errors import BinaryNotFound, Refused, ServerError, ServerFailed, StoreError, ThreadNotFound
from t3tray.opencode.marked_sessions import MarkedSession, marked_of
from t3tray.opencode.records import SessionRecord
from t3tray.store.store import Store
from t3tray.system.sql_thread import SqlThread
from t3tray.threads.evidence import ThreadRecord, cursor_now
from t3tray.threads.scan import Scanner
from t3tray.threads.session_server import SessionServer

_UNREACHABLE = (ServerError, ServerFailed, BinaryNotFound)
# How many messages of a session a server is asked for.
_NEWEST = 100
_log = logging.getLogger(__name__)


class Restoring:
    """Lives on the event loop. `connect` brings the server, started if it has to be;
    `is_external`: another one than ours serves."""

    def __init__(
        self,
        scanner: Scanner,
        store: Store,
        run_sql: SqlThread,
        connect: Callable[[], Awaitable[SessionServer]],
        now: Callable[[], datetime],
        is_external: bool,
    ) -> None:
        self._scanner = scanner
        self._lost = scanner.lost_bindings
        self._store = store
        self._run_sql = run_sql
        self._connect = connect
        self._now = now
        self._is_external = is_external
        self._compared: SessionServer | None = None

    async def warnings(self) -> tuple[str, ...]:
        """What has to be told of our own data as long as it is so, in sentences. Raises StoreError."""
        return await self._run_sql(lambda: self._store.warnings)

    async def restore(self) -> Restore | None:
        """The restore that is not settled. Raises StoreError."""
        return await self._run_sql(self._store.restores.unsettled)

    async def plan(self) -> SettlePlan | None:
        """What settling would do; None where no restore stands. Raises StoreError."""
        return await self._run_sql(self._plan)

    def _plan(self) -> SettlePlan | None:
        picture, restore = self._scanner.scan(), self._store.restores.unsettled()
        if restore is None:
            return None
        titles = {found.thread.id: found.thread.title for found in picture.assessments}
        doubted = (name for name in titles if name in self._lost.in_doubt)
        return settle_plan(
            restore,
            [titles[name] for name in doubted],
            [titles.get(name, name) for name in self._lost.claimed()],
        )

    async def settle(self, seen: SettlePlan | None = None) -> int:
        """The user says that what was put back is as it should be; how many restores stood. Raises Refused, StoreError.

        `seen` is what settling would do, as the user agreed to it.
        """
        if seen is not None and await self.plan() not in (seen, None):
            raise Refused("What settling would do has changed meanwhile; nothing was settled.", "Look at it again.")
        await self._run_sql(self._scanner.scan)
        split = await self._run_sql(self._lost.claimed)
        if split:
            raise Refused(
                f"Several sessions claim these threads: {', '.join(split)}.",
                "Choose one for each first: `t3tray remedy THREAD bind --session SESSION`.",
            )
        return await self._run_sql(self._store.restores.settle, self._now())

    async def load_record(self, prefix: str, also_deleted: bool = False) -> ThreadRecord:
        """`Scanner.recall`; a thread that the journal lost is looked for in the marks of OpenCode's sessions first."""
        try:
            return await self._run_sql(self._scanner.load_record, prefix, also_deleted)
        except ThreadNotFound:
            if self._lost.trouble and (self._is_external or await self.restore()):
                # Only the server can tell: its sessions are compared when it is connected to.
                with contextlib.suppress(*_UNREACHABLE):
                    await self.compare(await self._connect())
            elif not await self.find_lost():
                raise
            return await self._run_sql(self._scanner.load_record, prefix, also_deleted)

    async def compare(self, server: SessionServer) -> None:
        """Find bindings that the journal lacks in the marks of the server's sessions, where OpenCode's file is not enough.

        Once a connection, and again at the next call where it failed; it raises nothing.
        """
        if self._compared is server:
            return
        try:
            if self._is_external or await self._run_sql(lambda: self._lost.needs_server):
                sessions = await server.sessions()
                marked = marked_of(sessions)
                messages = await self._newest_of(server, sessions, await self._run_sql(self._lost.asked_of, marked))
                await self._run_sql(self._lost.told_by_server, marked, messages)
                await self._run_sql(self._lost.read)
                await self._run_sql(self._lost.note_gap)
                for found in self._lost.unbound:
                    await self._make_again(found, await cursor_now(server, found.facts, None))
        except (ServerError, StoreError) as error:
            _log.warning("The server's sessions could not be compared with the journal: %s", error.message)
        else:
            self._compared = server

    async def _newest_of(
        self, server: SessionServer, sessions: Iterable[SessionRecord], asked: Mapping[str, int]
    ) -> list[tuple[str, str]]:
        """Session and id of the newest messages of each of these sessions that has gone on since its time (ms)."""
        newer = [each.facts.id for each in sessions if each.facts.updated_ms > asked.get(each.facts.id, each.facts.updated_ms)]
        return [(session, each.facts.id) for session in newer for each in (await server.messages(session, _NEWEST)).messages]

    async def find_lost(self) -> bool:
        """Bind threads again whose binding the journal lacks, as the last look at OpenCode's database told; True when any was."""
        try:
            await self._run_sql(self._lost.note_gap)
            return any([await self._make_again(found) for found in self._lost.unbound])
        except StoreError as error:
            # A store that cannot be written is told elsewhere, and is no reason to show no list.
            _log.warning("A lost binding could not be recorded: %s", error.message)
            return False

    async def _make_again(self, found: MarkedSession, cursor: Cursor | None = None) -> bool:
        shown = self._scanner.shown_by_t3(found.marker.thread)
        made = await self._run_sql(self._lost.make_again, found, cursor, shown)
        if made:
            _log.warning("Thread %s was bound to %s again: the journal lacked it.", found.marker.thread, found.facts.id)
        return made
