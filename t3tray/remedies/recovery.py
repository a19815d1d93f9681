"""Recovery: settle the intents that a crash, a cancelled command or an error left open, beside everything else.

An intent that cannot be settled blocks neither another one nor a command: it stays open, and is reported. Intents that a living
process works on are left to it, and so are those of another machine, until the user says that it is gone for good.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from t3tray.domain.journal import Entry
from t3tray.errors import T3TrayError
from t3tray.messages.bugs import UNEXPECTED, cause_of
from t3tray.messages.journal_reasons import begun_elsewhere, unsettled
from t3tray.store.journal import Journal
from t3tray.system.intent_ids import IntentIds, is_elsewhere
from t3tray.system.sql_thread import SqlThread
from t3tray.threads.session_server import SessionServer

# How many threads are settled at once; after how many seconds open ones are tried again.
_AT_ONCE, AGAIN_AFTER = 4, 30.0
# In s: how long a command on this thread waits for it, and how long closing waits for all.
WAIT, CLOSE_LIMIT = 20.0, 3.0
_log = logging.getLogger(__name__)

Settle = Callable[[Entry, SessionServer], Awaitable[None]]


@dataclass(frozen=True)
class Settlers:
    """The functions that settle an intent: of a new thread's session, or of a remedy."""

    thread: Settle
    remedy: Settle


class Recovery:
    """Runs on the event loop. `begin` never waits and never raises."""

    def __init__(self, journal: Journal, run_sql: SqlThread, author: IntentIds, settlers: Settlers) -> None:
        self._journal = journal
        self._run_sql = run_sql
        self._author = author
        self._settlers = settlers
        self._round: asyncio.Task[None] | None = None
        self._listed = asyncio.Event()
        self._by_thread: dict[str, asyncio.Task[None]] = {}
        self._troubles: dict[str, str] = {}
        self._again_at: float | None = None
        self._leaves_elsewhere = True

    @property
    def troubles(self) -> tuple[str, ...]:
        """A sentence on each intent that could not be settled."""
        return tuple(self._troubles.values())

    def begin(self, server: SessionServer, fresh: bool = False) -> None:
        """Settle what is open, if there may be anything. `fresh`: this server was not asked yet."""
        is_due = self._again_at is not None and asyncio.get_running_loop().time() >= self._again_at
        if not (fresh or is_due or self._author.left_open) or (self._round is not None and not fresh):
            return  # a running round looks once more before it ends
        before = self._round
        if before is not None:
            before.cancel()
        self._listed.clear()
        # This round will list what is open by now: who waits for one thread need not wait for the whole round.
        self._author.left_open = False
        self._round = asyncio.create_task(self._settle_all(server, before))

    async def settled(self, thread_id: str, limit: float = WAIT) -> None:
        """Wait until this thread has no intent under recovery, up to the limit (s)."""
        try:
            async with asyncio.timeout(limit):
                while (current := self._round) is not None and not current.done():
                    if self._author.left_open:  # listed by the end of this round only
                        await asyncio.wait([current])
                        continue
                    await self._listed.wait()
                    if task := self._by_thread.get(thread_id):
                        await asyncio.wait([task])
                    if self._round is current:
                        break  # else a round for another connection has replaced it
        except TimeoutError:
            _log.warning("What was left open in thread %s is not settled after %g s.", thread_id, limit)

    async def all_settled(self, limit: float = WAIT) -> None:
        """Wait for every thread."""
        if self._round is not None:
            await asyncio.wait([self._round], timeout=limit)

    async def close(self) -> None:
        """Give the running round a moment, then cancel it: it may be cancelled anywhere."""
        if self._round is None:
            return
        await self.all_settled(CLOSE_LIMIT)
        if self._round is not None:
            self._round.cancel()
            await asyncio.wait([self._round])

    async def settle_all(self, server: SessionServer) -> None:
        """Run one round and wait for it."""
        self.begin(server, fresh=True)
        if self._round is not None:
            await self._round

    async def forget_elsewhere(self, connect: Callable[[], Awaitable[object]]) -> bool:
        """Also settle what another machine began; the user says that it is gone for good. Returns False if there is nothing of
        the kind.

        `connect` brings a server, and begins a round. Raises what it raises, and StoreError.
        """
        if not any(is_elsewhere(entry.intent or "") for entry in await self._run_sql(self._journal.pending)):
            return False
        self._leaves_elsewhere = False
        await connect()
        await self.all_settled()
        return True

    async def _settle_all(self, server: SessionServer, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        try:
            await self._one_round(server)
            while self._author.left_open:
                await self._one_round(server)
        finally:
            if self._round is asyncio.current_task():
                self._round = None
                self._by_thread = {}
                self._listed.set()

    async def _one_round(self, server: SessionServer) -> None:
        self._listed.clear()
        self._author.left_open = False
        try:
            pending = await self._run_sql(self._journal.pending)
        except T3TrayError as error:
            self._again_at = asyncio.get_running_loop().time() + AGAIN_AFTER
            _log.warning("What was left open could not be looked for: %s", error.message)
            return
        still_open = {entry.intent for entry in pending}
        self._troubles = {intent: sentence for intent, sentence in self._troubles.items() if intent in still_open}
        open_in: dict[str, list[Entry]] = {}
        for entry in pending:
            is_theirs = is_elsewhere(entry.intent or "")
            if is_theirs and self._leaves_elsewhere:
                self._report(entry, begun_elsewhere(entry))
            elif is_theirs or not self._author.is_at_work(entry.intent or ""):
                open_in.setdefault(entry.thread_id, []).append(entry)
        gate = asyncio.Semaphore(_AT_ONCE)
        self._by_thread = {
            name: asyncio.create_task(self._settle_thread(intents, server, gate)) for name, intents in open_in.items()
        }
        self._listed.set()
        await asyncio.gather(*self._by_thread.values())
        self._again_at = asyncio.get_running_loop().time() + AGAIN_AFTER if self._troubles else None

    async def _settle_thread(self, intents: list[Entry], server: SessionServer, gate: asyncio.Semaphore) -> None:
        async with gate:
            for intent in intents:
                try:
                    await (self._settlers.thread if intent.deed is None else self._settlers.remedy)(intent, server)
                    self._troubles.pop(intent.intent or "", None)
                except T3TrayError as error:
                    await self._note(intent, f"{error.message} {error.hint or ''}".rstrip())
                except Exception as bug:
                    _log.exception(UNEXPECTED)
                    await self._note(intent, f"{cause_of(bug)}.")

    async def _note(self, intent: Entry, why: str) -> None:
        """Report it once, unless another process has settled it meanwhile."""
        try:
            if all(each.intent != intent.intent for each in await self._run_sql(self._journal.pending)):
                return
        except T3TrayError:
            pass  # it counts as open
        self._report(intent, unsettled(intent, why))

    def _report(self, intent: Entry, sentence: str) -> None:
        if self._troubles.get(intent.intent or "") != sentence:
            _log.warning("%s", sentence)
        self._troubles[intent.intent or ""] = sentence
