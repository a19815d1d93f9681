"""Verifying a thread and sending to it, on a server that may have to be started first.

A message's text is safe as the thread's draft before a server is started or asked.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from functools import partial

from t3tray.backend.parts import Parts
from t3tray.domain.thread import Source, Thread
from t3tray.domain.verification import Verification
from t3tray.errors import ServerError, StoreError, WorldError
from t3tray.messages.sending import KEPT_AS_DRAFT, archive_behind
from t3tray.opencode.connection import Connection
from t3tray.server.connecting import UNREACHABLE
from t3tray.threads.send import MessageSender, Step, Warned
from t3tray.threads.verify import NotResumable


class Prompting:
    """One for the process, on its event loop."""

    def __init__(
        self,
        parts: Parts,
        import_t3_thread: Callable[[str], Awaitable[Thread]],
        archive: Callable[[], Awaitable[object]],
        note_act: Callable[[], None],
    ) -> None:
        """`import_t3_thread` finds a thread and stores it as one that is worked with; `archive` copies what was said meanwhile;
        `note_act`: the user did something to a thread."""
        self._store = parts.store
        self._run_sql = parts.run_sql
        self._verifier = parts.verifier
        self._settlement = parts.settlement
        self._source = parts.source
        self._scanner = parts.scanner
        self._letting_go = parts.letting_go
        self._t3_sides = parts.t3_sides
        self._now = parts.now
        self._sending = MessageSender(parts.store, parts.run_sql, parts.verifier, parts.now, parts.author)
        self._import_t3_thread = import_t3_thread
        self._archive = archive
        self._note_act = note_act

    async def verify(self, thread_id: str) -> Verification:
        """Verify a thread; a server that cannot be reached makes a verdict, too. Raises ThreadNotFound, StoreError."""
        thread = await self._import_t3_thread(thread_id)
        try:
            connection = await self._settlement.connect_for(thread.id)
        except UNREACHABLE as error:
            found = await self._verifier.unreachable(thread.id, error)
        else:
            await self.settle_sent(thread.id, connection)
            found = await self._verifier.verify(thread.id, connection)
        self._note_act()
        if found.thread.source is not Source.T3CODE:
            return found  # no other program sends to it
        await self._letting_go.learn()
        scan = await self._source.read(partial(self._scanner.scan_thread, thread.id))
        return self._t3_sides.added(found, scan, self._now())

    async def settle_sent(self, thread_id: str, connection: Connection | None) -> None:
        """Take out of the draft what was sent and has arrived unseen. What cannot be looked up now is looked up the next time."""
        with suppress(ServerError, StoreError):
            if connection:
                await self._sending.settle(thread_id, connection)

    async def send(self, thread_id: str, text: str, despite_others: bool = False) -> Verification:
        """Verify the thread, then send the message and wait until the session holds it.

        Raises NotResumable, NotTaken or a ServerError; the text is then the thread's draft.
        """
        return await self._sending.send(thread_id, text, await self._prepare(thread_id, text), despite_others)

    async def converse(self, thread_id: str, text: str, despite_others: bool = False) -> AsyncGenerator[Step, None]:
        """Send, and yield the reply as it comes. Raises what `send` raises, TurnFailed and Unanswered."""
        connection = await self._prepare(thread_id, text)
        async with aclosing(self._sending.converse(thread_id, text, connection, despite_others)) as pieces:
            async for piece in pieces:
                yield piece
        try:
            await self._archive()
        except WorldError as error:
            yield Warned(archive_behind(error.message))

    async def _prepare(self, thread_id: str, text: str) -> Connection:
        thread = await self._import_t3_thread(thread_id)
        await self._run_sql(self._store.threads.save_draft, thread.id, text)
        try:
            return await self._settlement.connect_for(thread.id)
        except UNREACHABLE as error:
            verification = await self._verifier.unreachable(thread.id, error)
            raise NotResumable(verification, KEPT_AS_DRAFT) from error
