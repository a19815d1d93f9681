"""What is done in one thread's conversation: follow it, send to it, store its draft, stop its turn, answer its requests.

The messages come from the server that runs, else from OpenCode's database, else from the copy that a remedy would carry over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from t3tray.alerts.pending_requests import PendingRequests
from t3tray.backend.parts import Parts
from t3tray.backend.prompting import Prompting
from t3tray.conversation.feed import ConversationFeed, ConversationPlace, MessageSource
from t3tray.domain.conversation import Conversation
from t3tray.domain.evidence import Found
from t3tray.domain.pending_request import Answers, ApprovalRequest, QuestionRequest, Reply
from t3tray.domain.transcript import Transcript
from t3tray.domain.verdict import Kind, Reason
from t3tray.errors import Refused
from t3tray.messages.pending_requests import GONE
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.opencode.events import Connected, ServerEvent
from t3tray.opencode.wire import TranscriptPage
from t3tray.remedies.making import sources
from t3tray.server.connecting import UNREACHABLE
from t3tray.system.sql_thread import SqlThread
from t3tray.threads.scan import Scan
from t3tray.threads.verify import Assessment


class DatabaseMessages:
    """Messages from OpenCode's file. A turn that runs elsewhere is not seen there."""

    reports_turns = False

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


class Conversations:
    """One for the process, on its event loop. It starts a server only to send."""

    def __init__(self, parts: Parts, prompting: Prompting, requests: PendingRequests, note_act: Callable[[], None]) -> None:
        """`note_act`: the user did something to a thread."""
        self._tools = parts.tools
        self._store = parts.store
        self._run_sql = parts.run_sql
        self._scanner = parts.scanner
        self._threads = parts.threads
        self._servers = parts.servers
        self._from_database = DatabaseMessages(parts.database, parts.run_sql)
        self._prompting = prompting
        self._requests = requests
        self._note_act = note_act
        self._feed: ConversationFeed | None = None
        self._drafting = asyncio.Lock()

    async def follow(self, thread_id: str, publish: Callable[[Conversation], None]) -> None:
        """Publish the thread's conversation, and again after every change, until cancelled; one thread at a time.

        Raises ThreadNotFound, Refused.
        """

        async def find_place() -> ConversationPlace | None:
            return await self._run_sql(self._place, thread_id)

        async def find_copy() -> Transcript | None:
            return await self._run_sql(self._copy, thread_id)

        feed = self._feed = ConversationFeed(thread_id, find_place, self._source, find_copy, publish, self._tools.now)
        try:
            await feed.run()
        finally:
            if self._feed is feed:
                self._feed = None

    async def show_older(self) -> None:
        """Read the messages before those of the conversation that is followed."""
        if self._feed:
            self._feed.show_older()

    async def show_agent(self, session_id: str) -> None:
        """Publish what this sub-agent of the conversation does, too."""
        if self._feed:
            self._feed.show_agent(session_id)

    def handle_event(self, event: Connected | ServerEvent) -> None:
        """Take an event of the server."""
        self._requests.handle(event)
        if self._feed:
            self._feed.handle(event)

    def read_again(self) -> None:
        """Read the conversation again: there may have been a change without an event."""
        if self._feed:
            self._feed.refresh()

    def compare(self, scan: Scan) -> None:
        """Compare the conversation with a scan: another program may have written into it, without an event."""
        feed = self._feed
        found = next((found for found in scan.assessments if feed and found.thread.id == feed.thread_id), None)
        if feed and found:
            session = found.evidence.session
            feed.compare(session.value if isinstance(session, Found) else None, found.verdict.kind)

    async def send(self, thread_id: str, text: str, despite_others: bool = False) -> None:
        """Send a message; one that is refused stays in the thread's draft. Raises what `Prompting.send` raises."""
        await self._draft(thread_id, text, self._store.threads.save_draft)
        try:
            await self._prompting.send(thread_id, text, despite_others)
        finally:
            self._note_act()

    async def save_draft(self, thread_id: str, text: str) -> None:
        """Replace what was typed in the thread and not sent. Raises ThreadNotFound, StoreError."""
        await self._draft(thread_id, text, self._store.threads.set_draft)

    async def _draft(self, thread_id: str, text: str, write: Callable[[str, str], None]) -> None:
        """Write drafts one after the other, in the order in which they are asked for."""
        async with self._drafting:
            recorded = await self._run_sql(self._scanner.load_record, thread_id)
            await self._threads.import_t3_thread(recorded)
            await self._run_sql(write, recorded.thread.id, text)

    async def stop_turn(self, thread_id: str) -> None:
        """Abort the turn that runs in the thread. Raises Refused if no server runs, or a ServerError."""
        place, connection = await self._run_sql(self._place, thread_id), await self._servers.join()
        if place is None or connection is None:
            raise Refused("No server of t3tray's runs a turn in this thread.")
        await connection.abort(place.session_id, place.directory)

    async def reply(self, request: ApprovalRequest, reply: Reply) -> str:
        """Answer a tool that asks for permission; return a sentence if that came too late, else "". Raises ServerError."""
        connection = await self._servers.join()
        return self._late(connection is not None and await self._requests.reply(connection, request, reply))

    async def answer(self, request: QuestionRequest, answers: Answers | None) -> str:
        """Answer questions, or reject them with None; return a sentence if that came too late, else "". Raises ServerError."""
        connection = await self._servers.join()
        return self._late(connection is not None and await self._requests.answer(connection, request, answers))

    def _late(self, was_waited_for: bool) -> str:
        self._note_act()
        return "" if was_waited_for else GONE

    def _place(self, thread_id: str) -> ConversationPlace | None:
        found = self._assess(thread_id)
        cursor = found.cursor
        if cursor is None or not cursor.is_well_formed:
            return None
        reason = found.verdict.reason
        may_be_at_work = reason in (Reason.BUSY, Reason.OPEN_ELSEWHERE) or found.verdict.kind is Kind.UNKNOWN
        return ConversationPlace(cursor.session_id, cursor.directory, reason is Reason.HISTORY_LOST, may_be_at_work)

    def _copy(self, thread_id: str) -> Transcript | None:
        found = self._assess(thread_id)
        if found.verdict.kind is Kind.RESUMABLE:
            return None
        session_id = found.cursor.session_id if found.cursor else None
        return next(sources(self._tools, found.thread.id, session_id, found.verdict.reason), None)

    def _assess(self, thread_id: str) -> Assessment:
        return self._scanner.assess(self._scanner.load_record(thread_id))

    async def _source(self) -> MessageSource:
        try:
            return await self._servers.join() or self._from_database
        except UNREACHABLE:
            return self._from_database
