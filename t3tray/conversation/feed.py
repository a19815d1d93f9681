"""Follow one thread's conversation: pages read from the server (or from OpenCode's database), and events in between.

Where the session has no messages to show, an archived copy is shown instead. The feed decides what is read when and how often it
publishes; `reducer` merges pages and events. It sends nothing and changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from t3tray.conversation.archived_pager import ArchivedPager
from t3tray.conversation.reducer import MessageReducer
from t3tray.domain.conversation import Conversation, SubAgent, tasks_of
from t3tray.domain.evidence import SessionFacts
from t3tray.domain.transcript import Transcript
from t3tray.domain.verdict import Kind
from t3tray.errors import ServerError, SessionMissing, StoreError
from t3tray.messages.conversation import dated_ahead_sentence
from t3tray.opencode.events import Connected, ServerEvent, Signal
from t3tray.opencode.message_events import change_of
from t3tray.opencode.wire import TranscriptPage

PAGE = 40
# Upper limit of messages that are read again at once, however many older pages were shown.
MOST = 400
# In seconds: the shortest time between two published conversations, however fast the text arrives.
FRAME = 0.033
# In ms: how long a message in an idle session may be without an answer before it counts as unanswered.
DOUBT = 5000
# In ms: a message dated later than this from now counts as dated in the future; two clocks may differ by less.
AHEAD = 5000
_RUNNING = ("pending", "running")


@dataclass(frozen=True)
class ConversationPlace:
    """Where a thread's conversation is stored.

    `is_lost`: the session exists but no longer holds this conversation. `may_be_at_work`: a turn runs in it, or may run in a
    process whose events are not received.
    """

    session_id: str
    directory: str
    is_lost: bool = False
    may_be_at_work: bool = False


class MessageSource(Protocol):
    """Source of message pages: a server, or the database in its place. Every method raises ServerError.

    `reports_turns`: it also knows which sessions are busy.
    """

    reports_turns: bool

    async def transcript(self, session_id: str, limit: int, before: str | None = None) -> TranscriptPage: ...

    async def busy_in(self, directory: str) -> frozenset[str]: ...


class ConversationFeed:
    """Follows one thread while `run` runs on the event loop. The other methods may be called meanwhile and do not block."""

    def __init__(
        self,
        thread_id: str,
        find_place: Callable[[], Awaitable[ConversationPlace | None]],
        find_source: Callable[[], Awaitable[MessageSource]],
        find_copy: Callable[[], Awaitable[Transcript | None]],
        publish: Callable[[Conversation], None],
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`find_copy` returns the best archived copy, or None if there is none or the thread can continue in its session."""
        self.thread_id = thread_id
        self._find_place = find_place
        self._find_source = find_source
        self._find_copy = find_copy
        self._publish = publish
        self._now = now
        self._sleep = sleep
        self._wake = asyncio.Event()
        self._place: ConversationPlace | None = None
        self._reducers: dict[str, MessageReducer] = {}
        self._copy: ArchivedPager | None = None
        self._stale = True
        self._seen: tuple[object, ...] | None = None
        self._stale_agents: set[str] = set()
        self._wants_older = False
        self._shown: Conversation | None = None
        self._unanswered: tuple[str, ...] = ()
        self._why_unanswered = ""

    async def run(self) -> None:
        """Publish the conversation now and after every change, until cancelled. Raises what `find_place` raises."""
        while True:
            self._wake.clear()
            shown = await self._update()
            if shown != self._shown:
                self._shown = shown
                self._publish(shown)
            await self._sleep(FRAME)
            await self._wake.wait()

    def handle(self, signal: Signal) -> None:
        """Apply an event of the server."""
        if isinstance(signal, Connected):
            for reducer in self._reducers.values():
                reducer.lose()
            self.refresh()
        elif isinstance(signal, ServerEvent) and signal.session_id is not None:
            self._handle_event(signal, signal.session_id)

    def refresh(self) -> None:
        """Read again: the binding, the server, or (by another program) the database may have changed."""
        self._stale = True
        self._stale_agents |= self._reducers.keys() - self._root
        self._wake.set()

    def compare(self, session: SessionFacts | None, kind: Kind) -> None:
        """Read again if the thread has changed according to the last scan.

        `session` is None if the databases show none; `kind` is the verdict's. While a turn runs its events are more current, and
        nothing is read again.
        """
        seen = (session.id, session.updated_ms, kind) if session else (kind,)
        is_new = seen != self._seen or (session is not None and session.id not in self._root)
        self._seen = seen
        if is_new and not (self._shown and self._shown.is_busy):
            self.refresh()

    def show_older(self) -> None:
        self._wants_older = True
        self._wake.set()

    def show_agent(self, session_id: str) -> None:
        """Also follow this sub-agent's session."""
        if session_id not in self._reducers:
            self._follow(session_id)

    @property
    def _root(self) -> frozenset[str]:
        return frozenset({self._place.session_id} if self._place else ())

    def _handle_event(self, event: ServerEvent, session_id: str) -> None:
        reducer = self._reducers.get(session_id)
        if reducer is None:
            if event.kind == "session.created" and _parent(event) in self._reducers:
                self._follow(session_id)
            return
        change = change_of(event)
        if change is None:
            return
        reducer.handle(change)
        if reducer.is_stale or event.kind == "session.idle":
            # At its end each turn is read once, whatever events were received.
            if session_id in self._root:
                self._stale = True
            else:
                self._stale_agents.add(session_id)
        self._wake.set()

    def _follow(self, session_id: str) -> None:
        self._reducers[session_id] = MessageReducer(session_id)
        self._stale_agents.add(session_id)
        self._wake.set()

    async def _update(self) -> Conversation:
        """Read what is due and return the conversation as known then. What could not be read is due again at the next event or
        `refresh`."""
        try:
            if self._stale:
                self._stale = False
                await self._read_root()
            if self._wants_older:
                await self._read_older()
            for session_id in [*self._stale_agents]:
                await self._read_agent(session_id)
        except (ServerError, StoreError) as error:
            self._stale = True
            before = self._shown or Conversation(self.thread_id, self._place.session_id if self._place else None)
            return replace(before, notice=error.message)
        # The event stream broke during the read and the reducer was reset: keep what is shown until the next read.
        return self._shown if self._stale and self._shown else self._assemble()

    async def _read_root(self) -> None:
        place = await self._find_place()
        if place is None or self._place is None or place.session_id != self._place.session_id:
            self._reducers = {place.session_id: MessageReducer(place.session_id)} if place else {}
            self._stale_agents.clear()
        self._place = place
        missed: ServerError | None = None
        if place and not place.is_lost:
            try:
                await self._read_session(place)
            except ServerError as error:
                missed = error
        self._copy = None if self._has_messages(missed) else await self._read_copy()
        if self._copy is None and missed:
            raise missed
        if self._copy is None and place and place.is_lost:
            await self._read_session(place)

    async def _read_session(self, place: ConversationPlace) -> None:
        reducer, source = self._reducers[place.session_id], await self._find_source()
        await self._read(reducer, source, place.directory, min(max(PAGE, reducer.count), MOST))
        is_sure = source.reports_turns and not reducer.is_busy and not place.may_be_at_work
        self._look_for_unanswered(reducer) if is_sure else self._forget_unanswered()
        for task in tasks_of(reducer.messages):
            if task.status in _RUNNING and task.child_session:
                self.show_agent(task.child_session)

    def _look_for_unanswered(self, reducer: MessageReducer) -> None:
        """Find the user's messages that were stored without the model being asked: no turn runs, and none has begun for `DOUBT`
        ms.

        Messages dated in the future are sorted after those that were written later.
        """
        now = int(self._now().timestamp() * 1000)
        unanswered = reducer.unanswered(now + AHEAD)
        if not unanswered:
            self._forget_unanswered()
        elif (young := unanswered[-1].created_ms + DOUBT - now) > 0:
            asyncio.get_running_loop().call_later(young / 1000, self.refresh)
        else:
            newest = reducer.messages[-1].created_ms
            self._unanswered = tuple(each.id for each in unanswered)
            self._why_unanswered = dated_ahead_sentence(newest) if newest > now + AHEAD else ""

    def _forget_unanswered(self) -> None:
        self._unanswered, self._why_unanswered = (), ""

    def _has_messages(self, missed: ServerError | None) -> bool:
        """Whether the session's own messages can be shown. They stay while the session cannot be read, but not if it does not
        exist."""
        if self._place is None or self._place.is_lost or isinstance(missed, SessionMissing):
            return False
        return self._reducers[self._place.session_id].count > 0

    async def _read_copy(self) -> ArchivedPager | None:
        found = await self._find_copy()
        count = len(self._copy.messages) if self._copy else 0
        return ArchivedPager(found, min(max(PAGE, count), MOST)) if found else None

    async def _read_older(self) -> None:
        self._wants_older = False
        if self._copy:
            self._copy.show_older(PAGE)
            return
        reducer = self._reducers.get(self._place.session_id) if self._place else None
        if reducer and reducer.older:
            before = reducer.older
            page = await (await self._find_source()).transcript(reducer.session_id, PAGE, before)
            if reducer.older == before:
                reducer.read_older(page)

    async def _read_agent(self, session_id: str) -> None:
        reducer = self._reducers.get(session_id)
        if reducer and self._place:
            with suppress(SessionMissing):
                await self._read(reducer, await self._find_source(), self._place.directory, PAGE)
        self._stale_agents.discard(session_id)

    async def _read(self, reducer: MessageReducer, source: MessageSource, directory: str, limit: int) -> None:
        reducer.begin_read()
        page, busy = await asyncio.gather(source.transcript(reducer.session_id, limit), source.busy_in(directory))
        reducer.read(page, reducer.session_id in busy)

    def _assemble(self) -> Conversation:
        if self._copy:
            session_id = self._place.session_id if self._place else None
            copy = self._copy
            return Conversation(self.thread_id, session_id, copy.messages, copy.has_older, kept=copy.about)
        if self._place is None:
            return Conversation(self.thread_id)
        root = self._reducers[self._place.session_id]
        agents = (reducer for reducer in self._reducers.values() if reducer is not root)
        return Conversation(
            thread_id=self.thread_id,
            session_id=root.session_id,
            messages=root.messages,
            has_older=root.older is not None,
            is_busy=root.is_busy,
            retrying=root.retrying,
            trouble=root.trouble,
            agents=tuple(SubAgent(reducer.session_id, reducer.messages) for reducer in agents),
            unanswered=() if root.is_busy else self._unanswered,
            why_unanswered=self._why_unanswered,
        )


def _parent(event: ServerEvent) -> object:
    info = event.properties.get("info")
    return info.get("parentID") if isinstance(info, dict) else None
