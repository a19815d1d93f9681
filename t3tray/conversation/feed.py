"""One thread's conversation, followed: pages read from the server (or from OpenCode's database), and events in between.

Where its session has no words to show, a kept copy stands in for it. It owns when what is read and how often a picture is given;
`fold` puts pages and events together. It sends nothing and changes nothing.
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
from t3tray.domain.conversation import Conversation, SubAgent, dated_ahead_sentence, tasks_of
from t3tray.domain.evidence import SessionFacts
from t3tray.domain.transcript import Transcript
from t3tray.domain.verdict import Kind
from t3tray.errors import ServerError, SessionMissing, StoreError
from t3tray.opencode.events import Connected, ServerEvent, Signal
from t3tray.opencode.message_events import change_of
from t3tray.opencode.wire import TranscriptPage

PAGE = 40
# However many older pages were read: more is not read again at once.
MOST = 400
# In seconds: two pictures are at least this far apart, however fast the words come.
FRAME = 0.033
# In ms: until a message in an idle session is believed to have been left without an answer.
DOUBT = 5000
# In ms: what is dated later than this is dated in the future; two clocks may differ by less.
AHEAD = 5000
_RUNNING = ("pending", "running")


@dataclass(frozen=True)
class ConversationPlace:
    """Where a thread's conversation is. `is_lost`: the session is there, but holds something else by now.

    `may_be_at_work`: a turn runs in it, or may run where no event is heard from.
    """

    session_id: str
    directory: str
    is_lost: bool = False
    may_be_at_work: bool = False


class MessageSource(Protocol):
    """Who tells the messages: a server, or the database in its place. Every method raises ServerError.

    `tells_turns`: it knows what is at work, too.
    """

    tells_turns: bool

    async def transcript(self, session_id: str, limit: int, before: str | None = None) -> TranscriptPage: ...

    async def busy_in(self, directory: str) -> frozenset[str]: ...


class ConversationFeed:
    """Follows one thread while `run` runs, in its event loop; the other methods may be called in between, and never wait."""

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
        """`find_copy` gives the best kept copy, None where there is none or the thread can go on in its session."""
        self.thread_id = thread_id
        self._find_place = find_place
        self._find_teller = find_source
        self._find_copy = find_copy
        self._publish = publish
        self._now = now
        self._sleep = sleep
        self._wake = asyncio.Event()
        self._place: ConversationPlace | None = None
        self._folds: dict[str, MessageReducer] = {}
        self._copy: ArchivedPager | None = None
        self._stale = True
        self._seen: tuple[object, ...] | None = None
        self._stale_agents: set[str] = set()
        self._wants_older = False
        self._shown: Conversation | None = None
        self._unanswered: tuple[str, ...] = ()
        self._why_unanswered = ""

    async def run(self) -> None:
        """Give a picture now and after every change, until cancelled. Raises what `find_place` raises."""
        while True:
            self._wake.clear()
            shown = await self._look()
            if shown != self._shown:
                self._shown = shown
                self._publish(shown)
            await self._sleep(FRAME)
            await self._wake.wait()

    def handle(self, signal: Signal) -> None:
        """An event of the server's."""
        if isinstance(signal, Connected):
            for fold in self._folds.values():
                fold.lose()
            self.refresh()
        elif isinstance(signal, ServerEvent) and signal.session_id is not None:
            self._hear_event(signal, signal.session_id)

    def refresh(self) -> None:
        """Something else may have changed: the binding, the server, or the database by another program's hand."""
        self._stale = True
        self._stale_agents |= self._folds.keys() - self._root
        self._wake.set()

    def compare(self, session: SessionFacts | None, kind: Kind) -> None:
        """The thread as the databases have it now: its session, None where they tell of none, and what becomes of a resume.

        Outside of a turn, whose events tell more, a later change is worth a look.
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
        """Follow a sub-agent of the conversation too."""
        if session_id not in self._folds:
            self._follow(session_id)

    @property
    def _root(self) -> frozenset[str]:
        return frozenset({self._place.session_id} if self._place else ())

    def _hear_event(self, event: ServerEvent, session_id: str) -> None:
        fold = self._folds.get(session_id)
        if fold is None:
            if event.kind == "session.created" and _parent(event) in self._folds:
                self._follow(session_id)
            return
        change = change_of(event)
        if change is None:
            return
        fold.handle(change)
        if fold.is_stale or event.kind == "session.idle":
            # What a turn came to is read once at its end, whatever was heard of it.
            if session_id in self._root:
                self._stale = True
            else:
                self._stale_agents.add(session_id)
        self._wake.set()

    def _follow(self, session_id: str) -> None:
        self._folds[session_id] = MessageReducer(session_id)
        self._stale_agents.add(session_id)
        self._wake.set()

    async def _look(self) -> Conversation:
        """Read what is due; a picture of all that is known then. What could not be read is due again at the next sign of life."""
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
        # The stream broke while something was read, and what was heard was let go of: what is shown stays until the next look.
        return self._shown if self._stale and self._shown else self._picture()

    async def _read_root(self) -> None:
        place = await self._find_place()
        if place is None or self._place is None or place.session_id != self._place.session_id:
            self._folds = {place.session_id: MessageReducer(place.session_id)} if place else {}
            self._stale_agents.clear()
        self._place = place
        missed: ServerError | None = None
        if place and not place.is_lost:
            try:
                await self._read_session(place)
            except ServerError as error:
                missed = error
        self._copy = None if self._has_words(missed) else await self._read_copy()
        if self._copy is None and missed:
            raise missed
        if self._copy is None and place and place.is_lost:
            await self._read_session(place)

    async def _read_session(self, place: ConversationPlace) -> None:
        fold, teller = self._folds[place.session_id], await self._find_teller()
        await self._read(fold, teller, place.directory, min(max(PAGE, fold.count), MOST))
        is_told = teller.tells_turns and not fold.is_busy and not place.may_be_at_work
        self._look_for_unanswered(fold) if is_told else self._forget_unanswered()
        for task in tasks_of(fold.messages):
            if task.status in _RUNNING and task.child_session:
                self.show_agent(task.child_session)

    def _look_for_unanswered(self, fold: MessageReducer) -> None:
        """A message that was stored, and the model was not asked: no turn runs, and after a while none has begun.

        Messages that are dated in the future stand behind those that were written after them.
        """
        now = int(self._now().timestamp() * 1000)
        unanswered = fold.unanswered(now + AHEAD)
        if not unanswered:
            self._forget_unanswered()
        elif (young := unanswered[-1].created_ms + DOUBT - now) > 0:
            asyncio.get_running_loop().call_later(young / 1000, self.refresh)
        else:
            newest = fold.messages[-1].created_ms
            self._unanswered = tuple(each.id for each in unanswered)
            self._why_unanswered = dated_ahead_sentence(newest) if newest > now + AHEAD else ""

    def _forget_unanswered(self) -> None:
        self._unanswered, self._why_unanswered = (), ""

    def _has_words(self, missed: ServerError | None) -> bool:
        """Whether the session's own words can be shown. They stay while it cannot be read, but not when it is gone."""
        if self._place is None or self._place.is_lost or isinstance(missed, SessionMissing):
            return False
        return self._folds[self._place.session_id].count > 0

    async def _read_copy(self) -> ArchivedPager | None:
        found = await self._find_copy()
        count = len(self._copy.messages) if self._copy else 0
        return ArchivedPager(found, min(max(PAGE, count), MOST)) if found else None

    async def _read_older(self) -> None:
        self._wants_older = False
        if self._copy:
            self._copy.show_older(PAGE)
            return
        fold = self._folds.get(self._place.session_id) if self._place else None
        if fold and fold.older:
            before = fold.older
            page = await (await self._find_teller()).transcript(fold.session_id, PAGE, before)
            if fold.older == before:
                fold.read_older(page)

    async def _read_agent(self, session_id: str) -> None:
        fold = self._folds.get(session_id)
        if fold and self._place:
            with suppress(SessionMissing):
                await self._read(fold, await self._find_teller(), self._place.directory, PAGE)
        self._stale_agents.discard(session_id)

    async def _read(self, fold: MessageReducer, teller: MessageSource, directory: str, limit: int) -> None:
        fold.begin_read()
        page, busy = await asyncio.gather(teller.transcript(fold.session_id, limit), teller.busy_in(directory))
        fold.read(page, fold.session_id in busy)

    def _picture(self) -> Conversation:
        if self._copy:
            session_id = self._place.session_id if self._place else None
            copy = self._copy
            return Conversation(self.thread_id, session_id, copy.messages, copy.has_older, kept=copy.about)
        if self._place is None:
            return Conversation(self.thread_id)
        root = self._folds[self._place.session_id]
        agents = (fold for fold in self._folds.values() if fold is not root)
        return Conversation(
            thread_id=self.thread_id,
            session_id=root.session_id,
            messages=root.messages,
            has_older=root.older is not None,
            is_busy=root.is_busy,
            retrying=root.retrying,
            trouble=root.trouble,
            agents=tuple(SubAgent(fold.session_id, fold.messages) for fold in agents),
            unanswered=() if root.is_busy else self._unanswered,
            why_unanswered=self._why_unanswered,
        )


def _parent(event: ServerEvent) -> object:
    info = event.properties.get("info")
    return info.get("parentID") if isinstance(info, dict) else None
