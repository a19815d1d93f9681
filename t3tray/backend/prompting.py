"""Resuming a thread and prompting in it, from a server that may have to be started first.

A prompt's text is safe as a draft before a server is started or asked; then it is sent as `MessageSender` does.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress

from t3tray.domain.thread import Thread
from t3tray.domain.verification import Verification
from t3tray.errors import BinaryNotFound, ServerError, ServerFailed, StoreError, WorldError
from t3tray.opencode.connection import Connection
from t3tray.store.store import Store
from t3tray.system.sql_thread import SqlThread
from t3tray.threads.prompt_delivery import KEPT_AS_DRAFT
from t3tray.threads.send import MessageSender, Step, Warned
from t3tray.threads.verify import NotResumable, Verifier

_UNREACHABLE = (ServerError, ServerFailed, BinaryNotFound)


class Prompting:
    """One for the process."""

    def __init__(
        self,
        store: Store,
        run_sql: SqlThread,
        sending: MessageSender,
        verifier: Verifier,
        import_t3_thread: Callable[[str], Awaitable[Thread]],
        connect: Callable[[str], Awaitable[Connection]],
        archive: Callable[[], Awaitable[object]],
    ) -> None:
        """`connect` brings a server, what was left open in the thread settled; `archive` keeps a copy of what was said."""
        self._store = store
        self._run_sql = run_sql
        self._sending = sending
        self._verifier = verifier
        self._take_in = import_t3_thread
        self._connect = connect
        self._archive = archive

    async def verify(self, thread_id: str) -> Verification:
        """Resume as far as proof goes; a server that cannot be reached is a verdict too. Raises ThreadNotFound, StoreError."""
        thread = await self._take_in(thread_id)
        try:
            connection = await self._connect(thread.id)
        except _UNREACHABLE as error:
            return await self._verifier.unreachable(thread.id, error)
        await self.look_up_sent(thread.id, connection)
        return await self._verifier.verify(thread.id, connection)

    async def look_up_sent(self, thread_id: str, connection: Connection | None) -> None:
        """What was handed over and has arrived unseen is no draft any more. What cannot be looked up now is the next time."""
        with suppress(ServerError, StoreError):
            if connection:
                await self._sending.settle(thread_id, connection)

    async def send(self, thread_id: str, text: str, despite_others: bool = False) -> Verification:
        """Verify, then hand the prompt over, until the session holds it.

        Raises NotResumable, NotTaken or a ServerError; the text is then the thread's draft.
        """
        return await self._sending.send(thread_id, text, await self._prepare(thread_id, text), despite_others)

    async def converse(self, thread_id: str, text: str, despite_others: bool = False) -> AsyncGenerator[Step, None]:
        """Send, and give the reply as it comes. Raises what `send` raises, TurnFailed and Unanswered."""
        connection = await self._prepare(thread_id, text)
        async with aclosing(self._sending.converse(thread_id, text, connection, despite_others)) as pieces:
            async for piece in pieces:
                yield piece
        try:
            await self._archive()
        except WorldError as error:
            yield Warned(f"The archive could not be brought up to date: {error.message}")

    async def _prepare(self, thread_id: str, text: str) -> Connection:
        thread = await self._take_in(thread_id)
        await self._run_sql(self._store.threads.keep_draft, thread.id, text)
        try:
            return await self._connect(thread.id)
        except _UNREACHABLE as error:
            verification = await self._verifier.unreachable(thread.id, error)
            raise NotResumable(verification, KEPT_AS_DRAFT) from error
