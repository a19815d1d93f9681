"""Makes T3 Code release the sessions that it holds open, so that its next message is decided by the guard.

Measured with T3 Code 0.0.33: after a change of its OpenCode provider's settings it ends every session that it holds open, and any
running turn; so this is done only while nothing is running. Changes no binding.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from pathlib import Path

from t3tray.domain.t3code_side import LetGo
from t3tray.errors import T3TrayError
from t3tray.guard.credentials import CredentialStore
from t3tray.guard.t3_settings import T3Protection
from t3tray.messages.protection import (
    DATABASE_UNREAD,
    PASSWORD_UNKNOWN,
    is_working,
    may_be_working,
    not_closed,
    release_preview,
    release_unsure,
    released,
    still_held,
)
from t3tray.opencode.connection import Connection
from t3tray.store.store import Store
from t3tray.system.sql_thread import SqlThread
from t3tray.t3code.home import T3Home
from t3tray.t3code.live_query import read_now
from t3tray.t3code.state import T3Reader
from t3tray.threads.t3code_sides import HeldSession, T3Sides

# In seconds. T3 Code needs up to 3.
LIMIT = 10.0
_PAUSE = 0.1
_log = logging.getLogger(__name__)


class LettingGo:
    """One instance for a process, used from its event loop."""

    def __init__(
        self,
        store: Store,
        run_sql: SqlThread,
        keys: CredentialStore,
        sides: T3Sides,
        folder: Path,
        program: Callable[[], Path],
        join: Callable[[], Awaitable[Connection | None]],
        now: Callable[[], datetime],
    ) -> None:
        """`folder` is the guard's; `program` finds `opencode`; `join` returns a connection to the running server, if any."""
        self._store = store
        self._run_sql = run_sql
        self._keys = keys
        self._sides = sides
        self._folder = folder
        self._program = program
        self._join = join
        self._now = now
        self._alone = asyncio.Lock()

    async def learn(self) -> None:
        """Load what is recorded about releases, to judge T3 Code's side of each thread. Raises StoreError."""
        self._sides.let_go, self._sides.ends = await self._run_sql(
            lambda: (self._store.let_go.homes(), self._store.let_go.ends())
        )

    async def note_unsure(self, homes: Iterable[Path]) -> None:
        """Record that the settings of these homes were changed, after which T3 Code releases its sessions. Raises StoreError."""
        for home in homes:
            await self._run_sql(self._store.let_go.note_home, str(home), LetGo(self._now(), False))

    async def preview_release(self, thread_id: str, gives: str | None) -> tuple[str, ...]:
        held = self._other(thread_id, gives)
        if held is None:
            return ()
        if why := await self._hindrance(held):
            return (still_held(held.session_id, why),)
        return (release_preview(held.session_id),)

    async def let_go(self, thread_id: str, gives: str | None) -> tuple[str, ...]:
        held = self._other(thread_id, gives)
        if held is None:
            return ()
        try:
            async with self._alone:
                return (await self._let_go(held),)
        except T3TrayError as error:
            return (still_held(held.session_id, not_closed(error.message)),)
        except Exception as bug:
            # The chosen remedy is done already; a failure here must not undo it.
            _log.exception("T3 Code could not be made to close %s.", held.session_id)
            return (still_held(held.session_id, not_closed(type(bug).__name__)),)

    def _other(self, thread_id: str, gives: str | None) -> HeldSession | None:
        held = None if gives is None else self._sides.held(thread_id)
        return held if held and held.session_id != gives else None

    async def _let_go(self, held: HeldSession) -> str:
        if why := await self._hindrance(held):
            return still_held(held.session_id, why)
        key = await self._keys.known()
        if key is None:
            return still_held(held.session_id, PASSWORD_UNKNOWN)
        protection = T3Protection(held.home, self._folder, self._now)
        began = self._now()
        program = await asyncio.to_thread(self._program)
        await asyncio.to_thread(protection.respell_program, key.url, key.password, program)
        is_sure = await self._has_ended(held.session_id, began)
        await self._run_sql(self._store.let_go.note_home, str(held.home.base), LetGo(self._now(), is_sure))
        await self.learn()
        return (released if is_sure else release_unsure)(held.session_id)

    async def _has_ended(self, session_id: str, began: datetime) -> bool:
        """Wait until T3 Code has ended this session, which the guard (in any process) records. Return False after the limit."""
        try:
            async with asyncio.timeout(LIMIT):
                while True:
                    ended = (await self._run_sql(self._store.let_go.ends)).get(session_id)
                    if ended is not None and ended >= began:
                        return True
                    await asyncio.sleep(_PAUSE)
        except TimeoutError:
            return False

    async def _hindrance(self, held: HeldSession) -> str:
        """Return why it must not release its sessions now, a clause after "T3 Code"; empty where nothing is running."""
        titles = await asyncio.to_thread(_at_work, held.home)
        if titles is None:
            return DATABASE_UNREAD
        others = self._sides.held_in(held.home)
        try:
            connection = await self._join()
            busy = await connection.busy_sessions({each.directory for each in others}) if connection else frozenset[str]()
        except T3TrayError as error:
            return may_be_working(error.message)
        titles += [each.title for each in others if each.session_id in busy or each.agents_work]
        if titles:
            return is_working(tuple(dict.fromkeys(titles)))
        return ""


def _at_work(home: T3Home) -> list[str] | None:
    """Return the titles of threads with a running or starting turn; None where that is not known. Blocks."""
    state, now = T3Reader(home).read(), read_now([home], "")
    if state is None or now.unreadable or now.upgraded:
        return None
    working = [thread.title for thread in state.threads if thread.is_opencode and thread.is_working]
    return working + [thread.title for thread in now.threads if thread.starting or thread.pending]
