"""A conversation feed that runs on an imitated server, and every state that it published."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from t3tray.conversation.feed import ConversationFeed, ConversationPlace, MessageSource
from t3tray.domain.conversation import Conversation
from t3tray.domain.transcript import Transcript
from t3tray.errors import ServerError, SessionMissing
from t3tray.opencode.wire import TranscriptPage, WireMessage
from tests.support.transcripts import SESSION, info, message, page, text

LIMIT = 90.0


CHILD = "ses_child"


class Server:
    """Holds messages by session and returns pages of them; records every request."""

    reports_turns = True

    def __init__(self, *messages: WireMessage) -> None:
        self.held = {SESSION: [*messages]}
        self.busy: frozenset[str] = frozenset()
        self.asked: list[tuple[str, int, str | None]] = []
        self.error: ServerError | None = None
        self.gate: asyncio.Event | None = None

    async def transcript(self, session_id: str, limit: int, before: str | None = None) -> TranscriptPage:
        self.asked.append((session_id, limit, before))
        if self.gate:
            await self.gate.wait()
        if self.error:
            raise self.error
        if session_id not in self.held:
            raise SessionMissing("Session not found.")
        every = self.held[session_id]
        end = int(before) if before else len(every)
        start = max(end - limit, 0)
        return page(*every[start:end], older=str(start) if start else None)

    async def busy_in(self, directory: str) -> frozenset[str]:
        return self.busy


class Follower:
    """A running feed with every state that it published. Its clock is set by the test."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.place: ConversationPlace | None = ConversationPlace(SESSION, "/work")
        self.copy: Transcript | None = None
        self.copies_asked = 0
        self.pictures: list[Conversation] = []
        self.slept: list[float] = []
        self.may_go_on = asyncio.Semaphore(1000)
        self._arrived = asyncio.Condition()
        self.now = datetime.fromtimestamp(600, UTC)
        self.feed = ConversationFeed(
            "thread", self._find_place, self._find_teller, self._find_copy, self._publish, lambda: self.now, self._sleep
        )

    async def _find_place(self) -> ConversationPlace | None:
        return self.place

    async def _find_teller(self) -> MessageSource:
        return self.server

    async def _find_copy(self) -> Transcript | None:
        self.copies_asked += 1
        return self.copy

    def _publish(self, shown: Conversation) -> None:
        self.pictures.append(shown)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.may_go_on.acquire()

    async def until(self, count: int) -> Conversation:
        """Wait for the published state with this number, and return it."""
        async with asyncio.timeout(LIMIT):
            while len(self.pictures) < count:
                await asyncio.sleep(0)
        return self.pictures[count - 1]

    async def until_asked(self, count: int) -> None:
        async with asyncio.timeout(LIMIT):
            while len(self.server.asked) < count:
                await asyncio.sleep(0)


@asynccontextmanager
async def following(server: Server) -> AsyncIterator[Follower]:
    follower = Follower(server)
    running = asyncio.create_task(follower.feed.run())
    try:
        yield follower
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def messages_in(shown: Conversation) -> list[str]:
    return [message.text for message in shown.messages]


ASKED = message(info(0, "user"), text(0, "what is it?"))


REPLY = message(info(1), text(1, "so"))
