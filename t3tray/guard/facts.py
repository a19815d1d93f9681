"""The guard's facts and records: our journal's bindings, proved at the server, and the guard's answers.

Every change is in the journal before it takes effect outside (write-ahead). Decides nothing, and creates no session.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from msgspec import structs

from t3tray.domain.alarm import Alarm, AlarmKind, Cause, SessionContents
from t3tray.domain.cursor import Cursor
from t3tray.domain.evidence import Claim, Evidence, Failure, Found
from t3tray.domain.guard import BoundSession, GuardAnswer, T3ThreadState
from t3tray.domain.journal import Actor, Entry, Event, last_change, left_sessions, put_away, returned
from t3tray.domain.thread import Source, Thread
from t3tray.domain.verdict import Reason, decide
from t3tray.errors import BinaryNotFound, ServerError, ServerFailed, SessionMissing, ThreadNotFound
from t3tray.guard.own_stores import OwnStores
from t3tray.messages.journal_reasons import ABANDONED_AS_IT_IS, HELD_OPEN, NAMED_BY_T3_CODE, SEEN_BY_GUARD, left_as_it_is
from t3tray.opencode.failures import failure_of
from t3tray.opencode.markers import Marker
from t3tray.opencode.records import SessionRecord
from t3tray.system.intent_ids import IntentIds
from t3tray.system.tasks import OwnTasks
from t3tray.threads.evidence import Surroundings, ThreadRecord, cursor_now, evidence_from_server, evidence_without_answers
from t3tray.threads.session_server import SessionServer
from t3tray.threads.verify import RENEWS, has_news, is_mid_turn

# Recovery completes a remedy that was interrupted by a crash: it was the user's choice.
_USER = frozenset({Actor.USER, Actor.RECOVERY})
# A running turn does not prevent a new proof: it was started in the session of the old one.
_PROVES = RENEWS | {Reason.BUSY}
# In seconds: T3 Code waits for the answer, and another process may be writing for longer.
TELL_LIMIT = 1.0
_log = logging.getLogger(__name__)


class GuardFacts:
    """Used from one event loop. What a decision needs is read by the stores' reader, which waits for no writer; `connect` returns
    the server, started if necessary."""

    def __init__(
        self,
        stores: OwnStores,
        now: Callable[[], datetime],
        author: IntentIds,
        surroundings: Surroundings,
        connect: Callable[[], Awaitable[SessionServer]],
        on_answer: Callable[[GuardAnswer], None],
        recover: Callable[[str], Awaitable[None]],
        claims: Callable[[str, str], tuple[Claim, ...]] = lambda _thread, _session: (),
    ) -> None:
        """`on_answer` is called with each answer, in the event loop; `recover` settles a thread's open intents. `claims(thread,
        session)` returns the sessions with our mark of a thread that is bound to this session."""
        self._stores = stores
        self._store, self._write = stores.writer, stores.write
        self._now = now
        self._author = author
        self._surroundings = surroundings
        self._connect = connect
        self._on_answer = on_answer
        self._recover = recover
        self._claims = claims
        self._recording = OwnTasks()

    async def bound(self, thread: T3ThreadState) -> BoundSession | None:
        """Return the thread's live binding with a new verdict, regardless of the session that T3 Code names."""
        cursor, entries = await self._read(thread.id)
        if cursor is None:
            return None
        evidence, marked = await self._evidence(self._thread(thread), cursor, thread.has_earlier, returned(entries))
        place = evidence.session.value.directory if isinstance(evidence.session, Found) else ""
        return BoundSession(
            session_id=cursor.session_id,
            directory=place,
            verdict=decide(cursor, evidence),
            chosen=_is_chosen(entries),
            marked=marked,
            has_messages=cursor.last_message_id is not None,
            messages=cursor.message_count,
            put_away=_left(cursor, entries),
        )

    async def has_left(self, thread_id: str, session_id: str) -> bool:
        return session_id in _left(*await self._read(thread_id))

    async def bound_session(self, thread_id: str) -> str | None:
        cursor, _ = await self._read(thread_id)
        return cursor.session_id if cursor else None

    async def last_change(self, thread_id: str) -> int:
        journal = self._stores.reader.journal
        if (await self._stores.read(journal.binding, thread_id)).pending:
            await self._recover(thread_id)
        return last_change(await self._stores.read(journal.entries, thread_id))

    @asynccontextmanager
    async def intend(self, thread: T3ThreadState, why: str, since: int) -> AsyncIterator[_Intent]:
        """Write an intent ahead; recovery ignores it until the context ends."""
        intent = _Intent(self, Marker(thread.id, self._author.open_intent(), self._store.id), why, since)
        try:
            await self._write(self._write_ahead, self._thread(thread), intent)
            yield intent
        finally:
            self._author.leave_intent(intent.marker.intent)

    async def confirm(self, marker: Marker, why: str, since: int, session: SessionRecord) -> None:
        cursor = await cursor_now(await self._connect(), session.facts, None)
        await self._write(self._bind, marker, why, cursor, since)
        self._author.close_intent(marker.intent)

    async def give_up(self, marker: Marker, session_id: str) -> None:
        """Record that a created session is not used: it can be chosen later, and is no part of the thread until then."""
        events = ((Event.PUT_AWAY, ABANDONED_AS_IT_IS), (Event.ABANDONED, left_as_it_is(session_id)))
        entries = (
            Entry(marker.thread, event, Actor.RECOVERY, why, self._now(), session_id, intent=marker.intent)
            for event, why in events
        )
        await self._write(self._store.journal.append, *entries)
        self._author.close_intent(marker.intent)

    async def seen(self, session_id: str, thread: T3ThreadState | None) -> None:
        """Renew the proof of this session's binding; a thread without a binding is bound to it. Also raises ServerError."""
        owner = await self._stores.read(self._owner, session_id)
        if owner is None:
            if thread is not None:
                await self._take_in(self._thread(thread), session_id)
            return
        kept, cursor = owner
        evidence, _ = await self._evidence(kept, cursor, cursor.last_message_id is not None)
        is_due = has_news(cursor, evidence) and not is_mid_turn(cursor, evidence)
        if is_due and decide(cursor, evidence).reason in _PROVES and isinstance(evidence.session, Found):
            now = await cursor_now(await self._connect(), evidence.session.value, cursor)
            entry = Entry(kept.id, Event.PROVEN, Actor.TURN, SEEN_BY_GUARD, self._now(), session_id, cursor=now)
            await self._write(self._store.journal.prove, entry)
        await self._write(self._store.threads.touch, kept.id, self._now())

    async def strayed(self, thread: T3ThreadState, session_id: str) -> None:
        _log.warning("T3 Code sent a message of thread %s into %s, which it is not bound to.", thread.id, session_id)
        await self._write(self._stray, thread.id, session_id)

    async def ended(self, session_id: str) -> None:
        await self._write(self._store.let_go.note_end, session_id, self._now())

    async def record_answer(self, answer: GuardAnswer) -> None:
        try:
            self._on_answer(answer)
        except Exception:
            # For example a closed standard error: this must not change the answer or its record.
            _log.warning("An answer of the guard could not be reported.", exc_info=True)
        writing = self._recording.start(self._write(self._store.guard_answers.add, answer))
        writing.add_done_callback(_log_failure)
        await asyncio.wait((writing,), timeout=TELL_LIMIT)

    async def _evidence(
        self, thread: Thread, cursor: Cursor, has_turns: bool, returned: frozenset[str] = frozenset()
    ) -> tuple[Evidence, bool]:
        """Collect the server's evidence for a cursor, and whether the session carries our marker for this thread.

        `returned`: sessions that T3 Code wrote into after they were released.
        """
        recorded = ThreadRecord(thread, cursor, has_turns, split=self._claims(thread.id, cursor.session_id))
        if not cursor.is_well_formed:
            return evidence_without_answers(recorded, Failure.UNSUPPORTED, self._surroundings), False
        try:
            server = await self._connect()
            rivals = [each for each in sorted(returned - {cursor.session_id}) if await _has(server, each)]
            if rivals and not recorded.split:
                claims = (Claim(cursor.session_id, "t3tray"), *(Claim(each, "T3 Code") for each in rivals))
                recorded = structs.replace(recorded, split=claims)
            evidence = await evidence_from_server(server, recorded, cursor, self._surroundings)
            if cursor.last_message_id is not None or not isinstance(evidence.session, Found):
                return evidence, False
            marker = (await server.session(cursor.session_id)).marker
        except SessionMissing:
            # It was deleted between two requests.
            return evidence_without_answers(recorded, Failure.SERVER_ERROR, self._surroundings), False
        except (ServerError, ServerFailed, BinaryNotFound) as error:
            failure = failure_of(error) if isinstance(error, ServerError) else Failure.SERVER_DOWN
            return evidence_without_answers(recorded, failure, self._surroundings), False
        return evidence, marker is not None and marker.thread == thread.id

    async def _take_in(self, thread: Thread, session_id: str) -> None:
        server = await self._connect()
        cursor = await cursor_now(server, (await server.session(session_id)).facts, None)
        await self._write(self._import, thread, cursor)

    def _thread(self, thread: T3ThreadState) -> Thread:
        now = self._now()
        made, asked = thread.created_at or now, thread.asked_at or now
        return Thread(thread.id, thread.title, thread.directory, Source.T3CODE, made, max(made, asked))

    async def _read(self, thread_id: str) -> tuple[Cursor | None, tuple[Entry, ...]]:
        return await self._stores.read(self._stores.reader.journal.recorded, thread_id)

    def _owner(self, session_id: str) -> tuple[Thread, Cursor] | None:
        owner = self._stores.reader.journal.owner_of(session_id)
        if owner is None:
            return None
        cursor = self._stores.reader.journal.binding(owner).cursor
        try:
            return None if cursor is None else (self._stores.reader.threads.find(owner), cursor)
        except ThreadNotFound:
            return None

    def _write_ahead(self, thread: Thread, intent: _Intent) -> None:
        self._store.threads.save(thread)
        entry = Entry(thread.id, Event.INTENDED, Actor.IMPORT, intent.why, self._now(), intent=intent.marker.intent)
        self._store.journal.append(entry, since=intent.since)

    def _bind(self, marker: Marker, why: str, cursor: Cursor, since: int) -> None:
        now = self._now()
        old = self._store.journal.binding(marker.thread).cursor
        entries = [
            Entry(marker.thread, Event.CONFIRMED, Actor.IMPORT, why, now, cursor.session_id, intent=marker.intent, cursor=cursor)
        ]
        if old is not None:
            entries.insert(0, Entry(marker.thread, Event.SUPERSEDED, Actor.IMPORT, why, now, old.session_id, cursor=old))
        self._store.journal.append(*entries, since=since)

    def _stray(self, thread_id: str, session_id: str) -> None:
        """Record an alarm, unless there is one already, and count the session as one of the thread's again."""
        bound, entries = self._store.journal.recorded(thread_id)
        if bound is None or bound.session_id == session_id:
            return
        now, is_back = self._now(), session_id in put_away(entries)
        if is_back:
            self._store.journal.append(Entry(thread_id, Event.RETURNED, Actor.IMPORT, HELD_OPEN, now, session_id))
        before, after = SessionContents(bound.session_id, bound.message_count), SessionContents(session_id)
        known = self._store.alarms.standing().get(thread_id, ())
        if is_back or not any((each.before.session_id, each.now.session_id) == (bound.session_id, session_id) for each in known):
            alarm = Alarm(thread_id, AlarmKind.SWITCHED, Cause.HELD_OPEN, before, after, now, now)
            self._store.alarms.record({}, [alarm])

    def _import(self, thread: Thread, cursor: Cursor) -> None:
        bound, entries = self._store.journal.recorded(thread.id)
        left = cursor.session_id in _left(bound, entries)
        if bound is None and not left and self._store.journal.owner_of(cursor.session_id) is None:
            self._store.threads.save(thread)
            now, session_id = self._now(), cursor.session_id
            entry = Entry(thread.id, Event.CONFIRMED, Actor.IMPORT, NAMED_BY_T3_CODE, now, session_id, cursor=cursor)
            self._store.journal.append(entry)


class _Intent:
    """A binding that was written ahead. `since`: the last change of the binding that the decision was based on."""

    def __init__(self, facts: GuardFacts, marker: Marker, why: str, since: int) -> None:
        self.marker = marker
        self.why = why
        self.since = since
        self._facts = facts

    async def confirm(self, session: SessionRecord) -> None:
        await self._facts.confirm(self.marker, self.why, self.since, session)

    async def give_up(self, session_id: str) -> None:
        await self._facts.give_up(self.marker, session_id)


async def _has(server: SessionServer, session_id: str) -> bool:
    try:
        await server.session(session_id)
    except SessionMissing:
        return False
    return True


def _log_failure(writing: asyncio.Future[None]) -> None:
    if not writing.cancelled() and (error := writing.exception()):
        _log.warning("An answer of the guard could not be recorded: %s", error)


def _is_chosen(entries: tuple[Entry, ...]) -> bool:
    """Return whether the user chose the live binding."""
    confirmed = [entry for entry in entries if entry.event is Event.CONFIRMED]
    return bool(confirmed) and (confirmed[-1].actor is Actor.USER or confirmed[-1].deed is not None)


def _left(bound: Cursor | None, entries: tuple[Entry, ...]) -> frozenset[str]:
    """Return the sessions that the user left in this thread, by choosing another or by unbinding, and has not returned to."""
    chosen_over = {bound.chosen_over} if bound and bound.chosen_over else set()
    return left_sessions(entries, _USER) | chosen_over
