"""The sentinel: notices when T3 Code serves a thread by another session than before, or by none, or sends a turn far less.

It keeps what it saw, so that nothing that happened while t3tray was away is missed, and nothing is told twice. It raises alarms
and changes no binding. For the thread that runs the SQL.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import compress
from operator import attrgetter, is_not, or_
from types import MappingProxyType

import msgspec

from t3tray.domain.alarm import Acknowledged, Alarm, AlarmKind, Cause, SessionContents, SwitchFacts, cause_of, is_cliff
from t3tray.domain.evidence import Found
from t3tray.domain.journal import Actor, Event
from t3tray.domain.t3code_side import NextReason
from t3tray.domain.times import from_ms
from t3tray.domain.verdict import Kind, Reason
from t3tray.errors import ServerError, SessionMissing
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.opencode.database_reader import DatabaseReader, TurnTokens
from t3tray.store.store import Store
from t3tray.system.folders import same_directory
from t3tray.threads.scan import Scan
from t3tray.threads.t3code_sides import NextMessages
from t3tray.threads.verify import Assessment

_FORK = "(fork #"
_thread_id = attrgetter("thread.id")
# What a remedy comes to its end by.
_ENDS = frozenset({Event.CONFIRMED, Event.DONE, Event.RELEASED})
_NO_SIDES: NextMessages = MappingProxyType({})


class SwitchDetector:
    """One for the app's life. `watch` after every look."""

    def __init__(self, store: Store, database: OpenCodeDatabase, now: Callable[[], datetime]) -> None:
        self._store = store
        self._database = database
        self._now = now
        self._sightings: dict[str, str | None] | None = None
        self._judged: dict[str, str] = {}
        self._watched: dict[str, Assessment] = {}
        self._standing: dict[str, tuple[Alarm, ...]] = {}
        self._newest = 0
        self._sides: NextMessages = {}
        self._told_sides: NextMessages = {}

    def detect(self, picture: Scan, sides: NextMessages = _NO_SIDES) -> tuple[Alarm, ...]:
        """The alarms that are new. `sides` say where T3 Code's next messages go. Raises StoreError; what OpenCode's database
        cannot tell is left open in the alarm."""
        self._sides = sides
        if self._sightings is None:
            self._sightings = self._store.alarms.sightings()
            self._stand_as_kept()
        known = self._sightings
        # What is the same object as at the last watch holds nothing new.
        names = [*map(_thread_id, picture.assessments)]
        is_other = map(is_not, picture.assessments, map(self._watched.get, names))
        has_other_side = map(is_not, map(self._told_sides.get, names), map(sides.get, names))
        fresh = [*compress(picture.assessments, map(or_, is_other, has_other_side))]
        if not fresh:
            return ()
        self._told_sides = sides
        if self._store.alarms.newest() != self._newest:
            # The guard raised one, or another process.
            self._stand_as_kept()
        self._put_away(fresh)
        seen = {found.thread.id: found.t3.session_id for found in fresh if found.t3}
        moved = [found for found in fresh if found.t3 and known.get(found.thread.id, "") != seen[found.thread.id]]
        turns = [found for found in fresh if self._has_new_turn(found)]
        gone = [self._gone(found) for found in fresh if self._has_gone(found)]
        gone += [self._reset(found) for found in fresh if self._is_reset(found, known)]
        raised = self._raised(moved, turns, gone, known)
        noted = {found.thread.id: seen[found.thread.id] for found in moved}
        alarms = self._store.alarms.record(noted, raised) if noted or raised else ()
        self._stand(alarms)
        known |= noted
        self._judged |= {found.thread.id: _newest(found) for found in turns}
        self._watched = dict(zip(names, picture.assessments, strict=True))
        return alarms

    def acknowledge(self, thread_id: str, fact: Acknowledged) -> None:
        """The user has seen this in the thread, and nothing else. Raises StoreError."""
        if fact is Acknowledged.REFUSAL:
            self._store.guard_answers.mark_seen(thread_id, self._now())
            return
        self._store.alarms.mark_seen(thread_id, self._now())
        if fact is Acknowledged.SIDE:
            self._leave(thread_id)

    def _leave(self, thread_id: str) -> None:
        found, side = self._watched.get(thread_id), self._sides.get(thread_id)
        if found is None or found.cursor is None or found.t3 is None or side is None:
            return
        if side.is_fault and found.verdict.kind is Kind.RESUMABLE:
            now, bound, named = self._now(), SessionContents(found.cursor.session_id), SessionContents(found.t3.session_id)
            left = Alarm(thread_id, AlarmKind.LEFT, Cause.UNKNOWN, bound, named, now, now, seen_at=now, fault=side.reason)
            self._stand(self._store.alarms.record({}, [left]))

    def _raised(
        self, moved: list[Assessment], turns: list[Assessment], gone: list[Alarm], known: dict[str, str | None]
    ) -> list[Alarm]:
        switched = [found for found in moved if found.thread.id in known]
        raised = gone
        if switched or turns:
            with _Told(self._database) as told:
                raised = [alarm for found in switched if (alarm := self._switched(found, known, told))] + raised
                raised += [alarm for found in turns if (alarm := self._cliff(found, told))]
        return raised

    def _switched(self, found: Assessment, known: dict[str, str | None], told: _Told) -> Alarm | None:
        t3 = found.t3
        before = known[found.thread.id]
        if t3 is None or self._is_our_deed(found, before):
            return None
        was_null = before is None
        if was_null:
            before = self._lost_before(found.thread.id)
        if before is None or before == t3.session_id:
            # The first session of a thread that had none.
            return None
        side = self._sides.get(found.thread.id)
        if t3.session_id is None and side is not None and side.is_fine:
            # The guard gives T3 Code the session that it has lost track of.
            return None
        facts = SwitchFacts(
            old_exists=told.exists(before),
            is_fork_of_old=told.is_fork(before, t3.session_id),
            works_elsewhere=told.works_elsewhere(t3.session_id, t3.directory),
            was_null=was_null or t3.session_id is None,
            handed_over=t3.handed_over or (t3.before_import is not None and before == t3.before_import),
        )
        seen_at = t3.runtime.last_seen_at if t3.runtime else None
        return Alarm(
            thread_id=found.thread.id,
            kind=AlarmKind.SWITCHED if t3.session_id else AlarmKind.LOST,
            cause=cause_of(facts),
            before=told.holding(before) or self._remembered(found, before),
            now=(told.holding(t3.session_id) if t3.session_id else None) or SessionContents(t3.session_id),
            at=seen_at or t3.last_activity_at,
            noticed_at=self._now(),
        )

    def _is_our_deed(self, found: Assessment, before: str | None) -> bool:
        """Whether T3 Code names what it names now because of something that was done here: by the user, or by the guard."""
        assert found.t3 is not None
        now, entries = found.t3.session_id, self._store.journal.entries(found.thread.id)
        repairs = (entry.deed.repair for entry in reversed(entries) if entry.event is Event.DONE and entry.deed)
        repair = next(filter(None, repairs), None)
        if repair is not None and (_named_in(repair.before), _named_in(repair.after)) == (before, now):
            return True
        bound = next((entry for entry in reversed(entries) if entry.event is Event.CONFIRMED), None)
        if bound is None or now is None or bound.session_id != now:
            return False
        # What was only taken over from T3 Code is no choice; what the guard made or moved was written ahead by it.
        was_made_here = bound.actor is not Actor.IMPORT or bound.intent is not None
        return was_made_here or any(alarm.before.session_id == now for alarm in self._standing.get(found.thread.id, ()))

    def _put_away(self, fresh: list[Assessment]) -> None:
        """The alarms of threads that are mended: T3 Code goes on in a session that holds the conversation, as the user chose."""
        mended = [alarm for found in fresh for alarm in self._standing.get(found.thread.id, ()) if self._is_mended(found, alarm)]
        if not mended:
            return
        self._store.alarms.put_away([alarm.id for alarm in mended if alarm.id is not None], self._now())
        for name in {alarm.thread_id for alarm in mended}:
            self._standing[name] = tuple(alarm for alarm in self._standing[name] if alarm not in mended)

    def _is_mended(self, found: Assessment, alarm: Alarm) -> bool:
        cursor, side = found.cursor, self._sides.get(found.thread.id)
        if alarm.kind is AlarmKind.CLIFF or cursor is None or found.verdict.kind is not Kind.RESUMABLE:
            return False
        if side is None or not side.is_fine:
            return False
        if alarm.kind is AlarmKind.LEFT or cursor.session_id == alarm.before.session_id:
            return True
        entries = self._store.journal.entries(found.thread.id)
        return any(entry.deed and entry.event in _ENDS and entry.at >= alarm.noticed_at for entry in entries)

    def _stand_as_kept(self) -> None:
        self._newest, self._standing = self._store.alarms.newest(), self._store.alarms.standing()

    def _stand(self, alarms: tuple[Alarm, ...]) -> None:
        """These stand from now on. A loss that led to a switch is told with the switch."""
        for alarm in alarms:
            standing = self._standing.get(alarm.thread_id, ())
            if alarm.kind is AlarmKind.SWITCHED:
                told = [
                    each.id
                    for each in standing
                    if each.kind is AlarmKind.LOST and each.before.session_id == alarm.before.session_id and each.id is not None
                ]
                if told:
                    self._store.alarms.pass_over(told, self._now())
            self._standing[alarm.thread_id] = (*standing, alarm)

    def _has_gone(self, found: Assessment) -> bool:
        """Its session was there when it was kept, T3 Code still names it, and OpenCode has it no more: told at once, and once."""
        cursor, t3 = found.cursor, found.t3
        if t3 is None or cursor is None or found.verdict.reason is not Reason.MISSING or t3.session_id != cursor.session_id:
            return False
        return cursor.session_created_ms is not None and not any(
            alarm.kind is AlarmKind.LOST and alarm.before.session_id == cursor.session_id
            for alarm in self._standing.get(found.thread.id, ())
        )

    def _gone(self, found: Assessment) -> Alarm:
        cursor = found.cursor
        assert cursor is not None
        now = self._now()
        return Alarm(
            thread_id=found.thread.id,
            kind=AlarmKind.LOST,
            cause=Cause.SESSION_DELETED,
            before=SessionContents(cursor.session_id, cursor.message_count),
            now=SessionContents(None),
            # Nobody keeps when a session was deleted.
            at=now,
            noticed_at=now,
        )

    def _is_reset(self, found: Assessment, known: dict[str, str | None]) -> bool:
        """It was set to another provider in T3 Code, which drops what it names with the next message."""
        side, cursor = self._sides.get(found.thread.id), found.cursor
        if side is None or side.reason is not NextReason.INSTANCE_CHANGED or cursor is None or found.thread.id not in known:
            return False
        standing = self._standing.get(found.thread.id, ())
        return found.verdict.kind is Kind.RESUMABLE and all(alarm.kind is AlarmKind.LEFT for alarm in standing)

    def _reset(self, found: Assessment) -> Alarm:
        cursor, now = found.cursor, self._now()
        assert cursor is not None
        before = SessionContents(cursor.session_id, cursor.message_count)
        return Alarm(found.thread.id, AlarmKind.LOST, Cause.INSTANCE_CHANGED, before, SessionContents(None), now, now)

    def _cliff(self, found: Assessment, told: _Told) -> Alarm | None:
        session = found.cursor.session_id if found.cursor else ""
        turns = told.last_turns(session)
        if len(turns) < 2:
            return None
        last, before = turns[0], turns[1]
        if last.message_id != _newest(found) or not is_cliff(
            before.input_tokens, last.input_tokens, last.compacts or before.compacts
        ):
            return None
        return Alarm(
            thread_id=found.thread.id,
            kind=AlarmKind.CLIFF,
            cause=cause_of(SwitchFacts(old_exists=True)),
            before=SessionContents(session, input_tokens=before.input_tokens),
            now=SessionContents(session, input_tokens=last.input_tokens),
            at=from_ms(last.created_ms),
            noticed_at=self._now(),
        )

    def _has_new_turn(self, found: Assessment) -> bool:
        """Its last turn is one that was not judged yet. What was there at the first look has happened before our time."""
        newest = _newest(found)
        known = self._judged.setdefault(found.thread.id, newest)
        return newest != "" and newest != known

    def _lost_before(self, thread_id: str) -> str | None:
        """The session that the thread had before T3 Code lost it."""
        lost = [alarm for alarm in self._store.alarms.all(thread_id) if alarm.kind is AlarmKind.LOST]
        return lost[-1].before.session_id if lost else None

    def _remembered(self, found: Assessment, session_id: str) -> SessionContents:
        """Of a session that is gone, what our own cursor recorded."""
        cursor = self._store.journal.binding(found.thread.id).cursor
        count = cursor.message_count if cursor and cursor.session_id == session_id else None
        return SessionContents(session_id, count)


class _Told:
    """What OpenCode's database tells, for one watch; None where it cannot be read."""

    def __init__(self, database: OpenCodeDatabase) -> None:
        self._database = database
        self._reader: DatabaseReader | None = None

    def __enter__(self) -> _Told:
        try:
            self._reader = self._database.reader()
            self._reader.check_schema()
        except ServerError:
            # No database, or one that is not understood: the alarm comes all the same, with less in it.
            self.__exit__()
        return self

    def __exit__(self, *_: object) -> None:
        if self._reader:
            self._reader.close()
            self._reader = None

    def exists(self, session_id: str) -> bool | None:
        if self._reader is None:
            return None
        try:
            self._reader.session(session_id)
        except SessionMissing:
            return False
        except ServerError:
            return None
        return True

    def holding(self, session_id: str) -> SessionContents | None:
        if self._reader is None or not self.exists(session_id):
            return None
        found = self._reader.holding(session_id)
        return SessionContents(session_id, found.messages, found.input_tokens)

    def is_fork(self, old: str, new: str | None) -> bool:
        """Whether the new session was forked from the old: OpenCode says so in its title, and copies the messages' times."""
        if self._reader is None or new is None or not self.exists(new) or not self.exists(old):
            return False
        same_beginning = self._reader.holding(new).first_ms == self._reader.holding(old).first_ms
        return same_beginning and _FORK in self._reader.session(new).title

    def works_elsewhere(self, session_id: str | None, directory: str) -> bool:
        if self._reader is None or session_id is None or not self.exists(session_id):
            return False
        return same_directory(self._reader.session(session_id).directory, directory) is False

    def last_turns(self, session_id: str) -> list[TurnTokens]:
        return self._reader.last_turns(session_id, 2) if self._reader else []


class _Cursor(msgspec.Struct):
    session_id: str = msgspec.field(name="sessionId")


def _named_in(cursor: str | None) -> str | None:
    """The session in the text of one of T3 Code's cursors."""
    try:
        return msgspec.json.decode(cursor or "", type=_Cursor).session_id
    except msgspec.DecodeError:
        return None


def _newest(found: Assessment) -> str:
    """The id of the session's last message when it ends a turn, else nothing."""
    match found.evidence.newest:
        case Found(message) if message.ends_a_turn:
            return message.id
    return ""
