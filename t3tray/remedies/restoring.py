"""Settle a restore: our own data was put back from a copy, or is older than what happened. Lost bindings are found again.

A thread is bound only if the journal has no binding of it, and OpenCode's session carries our mark for it.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime

from t3tray.domain.cursor import Cursor
from t3tray.domain.restore import Restore, SettlePlan
from t3tray.errors import BinaryNotFound, ServerError, ServerFailed, StoreError, ThreadNotFound
from t3tray.messages.restore import claimed_by_several, settle_plan, settling_has_changed
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
    """Runs on the event loop. `connect` brings the server, started if necessary; `is_external`: a server other than ours
    serves."""

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
        """Return sentences on our own data that hold as long as its state does. Raises StoreError."""
        return await self._run_sql(lambda: self._store.warnings)

    async def restore(self) -> Restore | None:
        """Return the restore that is not settled; None without one. Raises StoreError."""
        return await self._run_sql(self._store.restores.unsettled)

    async def plan(self) -> SettlePlan | None:
        """Return what settling would do; None without a restore. Raises StoreError."""
        return await self._run_sql(self._plan)

    def _plan(self) -> SettlePlan | None:
        scan, restore = self._scanner.scan(), self._store.restores.unsettled()
        if restore is None:
            return None
        titles = {found.thread.id: found.thread.title for found in scan.assessments}
        doubted = (name for name in titles if name in self._lost.in_doubt)
        return settle_plan(
            restore,
            [titles[name] for name in doubted],
            [titles.get(name, name) for name in self._lost.claimed()],
        )

    async def settle(self, seen: SettlePlan | None = None) -> int:
        """Settle: the user says that the restored data is right. Returns how many restores there were. Raises Refused,
        StoreError.

        `seen` is the plan that the user agreed to.
        """
        if seen is not None and await self.plan() not in (seen, None):
            raise settling_has_changed()
        await self._run_sql(self._scanner.scan)
        split = await self._run_sql(self._lost.claimed)
        if split:
            raise claimed_by_several(split)
        return await self._run_sql(self._store.restores.settle, self._now())

    async def load_record(self, prefix: str, also_deleted: bool = False) -> ThreadRecord:
        """As `Scanner.load_record`; a thread that the journal lost is first looked for in the marks of OpenCode's sessions."""
        try:
            return await self._run_sql(self._scanner.load_record, prefix, also_deleted)
        except ThreadNotFound:
            if self._lost.trouble and (self._is_external or await self.restore()):
                # Only the server knows: its sessions are compared when it is connected.
                with contextlib.suppress(*_UNREACHABLE):
                    await self.compare(await self._connect())
            elif not await self.find_lost():
                raise
            return await self._run_sql(self._scanner.load_record, prefix, also_deleted)

    def has_compared(self, server: SessionServer) -> bool:
        """Return whether `compare` has succeeded with this connection."""
        return self._compared is server

    async def compare(self, server: SessionServer) -> None:
        """Find bindings that the journal lacks in the marks of the server's sessions, if OpenCode's file is not enough.

        Once for each connection, and again at the next call if it failed; raises nothing.
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
        """Return (session, message id) of the newest messages of each of these sessions that has changed since its time (ms)."""
        newer = [each.facts.id for each in sessions if each.facts.updated_ms > asked.get(each.facts.id, each.facts.updated_ms)]
        return [(session, each.facts.id) for session in newer for each in (await server.messages(session, _NEWEST)).messages]

    async def find_lost(self) -> bool:
        """Bind threads again whose binding the journal lacks, according to OpenCode's database. Returns True if there was any."""
        try:
            await self._run_sql(self._lost.note_gap)
            return any([await self._make_again(found) for found in self._lost.unbound])
        except StoreError as error:
            # A store that cannot be written is reported elsewhere, and is no reason to show no list.
            _log.warning("A lost binding could not be recorded: %s", error.message)
            return False

    async def _make_again(self, found: MarkedSession, cursor: Cursor | None = None) -> bool:
        shown = self._scanner.shown_by_t3(found.marker.thread)
        made = await self._run_sql(self._lost.make_again, found, cursor, shown)
        if made:
            _log.warning("Thread %s was bound to %s again: the journal lacked it.", found.marker.thread, found.facts.id)
        return made
