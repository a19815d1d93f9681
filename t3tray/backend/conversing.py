"""What the face does in one thread's conversation: follow it, keep its draft, break off its turn, answer what it asks.

It owns where the messages come from: the server that runs, else OpenCode's database, else the copy that a remedy would carry
over. It starts no server and sends no prompt.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from t3tray.alerts.pending_requests import PendingRequests
from t3tray.conversation.feed import ConversationFeed, ConversationPlace, MessageSource
from t3tray.domain.conversation import Conversation
from t3tray.domain.pending_request import Answers, ApprovalRequest, PendingRequest, QuestionRequest, Reply
from t3tray.domain.thread import Source, Thread
from t3tray.domain.transcript import Transcript
from t3tray.domain.verdict import Kind, Reason
from t3tray.errors import BinaryNotFound, Refused, ServerError, ServerFailed
from t3tray.opencode.connection import Connection
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.opencode.wire import TranscriptPage
from t3tray.remedies.making import sources
from t3tray.remedies.plan import Tools
from t3tray.system.sql_thread import SqlThread
from t3tray.threads.creation import Threads
from t3tray.threads.scan import Scan, Scanner
from t3tray.threads.verify import Assessment


class DatabaseMessages:
    """Tells the messages from OpenCode's file. A turn that runs elsewhere is not seen there."""

    tells_turns = False

    def __init__(self, database: OpenCodeDatabase, run_sql: SqlThread) -> None:
        self._database = database
        self._run_sql = run_sql

    async def transcript(self, session_id: str, limit: int, before: str | None = None) -> TranscriptPage:
        return await self._run_sql(self._read, session_id, limit, before)

    async def busy_in(self, directory: str) -> frozenset[str]:
        return frozenset()

    def _read(self, session_id: str, limit: int, before: str | None) -> TranscriptPage:
        with self._database.reading() as reader:
            return reader.transcript(session_id, limit, before)


class Conversing:
    """One for the process. `join` gives the connection to a server that runs, or None."""

    def __init__(
        self,
        tools: Tools,
        scanner: Scanner,
        threads: Threads,
        database: OpenCodeDatabase,
        join: Callable[[], Awaitable[Connection | None]],
    ) -> None:
        self.pending_requests = PendingRequests()
        self._tools = tools
        self._run_sql = tools.run_sql
        self._scanner = scanner
        self._threads = threads
        self._from_database = DatabaseMessages(database, tools.run_sql)
        self._join = join

    def feed(self, thread_id: str, publish: Callable[[Conversation], None]) -> ConversationFeed:
        """Follows a thread once it is run. Its `run` raises ThreadNotFound, Refused."""

        async def find_place() -> ConversationPlace | None:
            return await self._run_sql(self._place, thread_id)

        async def find_copy() -> Transcript | None:
            return await self._run_sql(self._copy, thread_id)

        return ConversationFeed(thread_id, find_place, self._teller, find_copy, publish, self._tools.now)

    async def stop_turn(self, thread_id: str) -> None:
        """Break off the turn that runs in the thread. Raises Refused when no server runs, or a ServerError."""
        place, connection = await self._run_sql(self._place, thread_id), await self._join()
        if place is None or connection is None:
            raise Refused("No server of t3tray's runs a turn in this thread.")
        await connection.abort(place.session_id, place.directory)

    async def keep_draft(self, thread_id: str, text: str) -> None:
        """Replace what was typed in the thread and not sent. Raises ThreadNotFound, StoreError."""
        recorded = await self._run_sql(self._scanner.load_record, thread_id)
        await self._threads.import_t3_thread(recorded)
        await self._run_sql(self._tools.store.threads.set_draft, recorded.thread.id, text)

    async def add_to_draft(self, thread_id: str, text: str) -> None:
        """Keep this too, in the thread's draft. Raises ThreadNotFound, StoreError."""
        recorded = await self._run_sql(self._scanner.load_record, thread_id)
        await self._threads.import_t3_thread(recorded)
        await self._run_sql(self._tools.store.threads.keep_draft, recorded.thread.id, text)

    async def open_asks(self, picture: Scan, connection: Connection | None) -> tuple[PendingRequest, ...]:
        """What waits for the user on the running server. Raises nothing: what cannot be learnt stays as it was known."""
        return await self.pending_requests.read(connection, picture.busy_in, partial(_owners, picture))

    async def reply(self, ask: ApprovalRequest, reply: Reply) -> bool:
        """Answer a tool. False when nobody waits for it any more. Raises ServerError."""
        connection = await self._join()
        return connection is not None and await self.pending_requests.reply(connection, ask, reply)

    async def answer(self, ask: QuestionRequest, answers: Answers | None) -> bool:
        """Answer questions, or with None leave them. False when nobody waits for it any more. Raises ServerError."""
        connection = await self._join()
        return connection is not None and await self.pending_requests.answer(connection, ask, answers)

    def _place(self, thread_id: str) -> ConversationPlace | None:
        found = self._examine(thread_id)
        cursor = found.cursor
        if cursor is None or not cursor.is_well_formed:
            return None
        reason = found.verdict.reason
        may_be_at_work = reason in (Reason.BUSY, Reason.OPEN_ELSEWHERE) or found.verdict.kind is Kind.UNKNOWN
        return ConversationPlace(cursor.session_id, cursor.directory, reason is Reason.HISTORY_LOST, may_be_at_work)

    def _copy(self, thread_id: str) -> Transcript | None:
        found = self._examine(thread_id)
        if found.verdict.kind is Kind.RESUMABLE:
            return None
        session_id = found.cursor.session_id if found.cursor else None
        return next(sources(self._tools, found.thread.id, session_id, found.verdict.reason), None)

    def _examine(self, thread_id: str) -> Assessment:
        return self._scanner.assess(self._scanner.load_record(thread_id))

    async def _teller(self) -> MessageSource:
        try:
            return await self._join() or self._from_database
        except (ServerError, ServerFailed, BinaryNotFound):
            return self._from_database


def _owners(picture: Scan) -> dict[str, Thread]:
    """The threads by their sessions: one that is archived gives way to one that is not, one of ours to T3 Code's."""
    shown = [(found.thread, found.cursor.session_id) for found in picture.assessments if found.cursor]
    shown.sort(key=lambda pair: (pair[0].archived_at is None, pair[0].source is Source.T3CODE))
    return {session_id: thread for thread, session_id in shown}
