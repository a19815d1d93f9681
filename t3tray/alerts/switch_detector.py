"""The switch detector: raises an alarm when T3 Code serves a thread by another session than before, by none, or with far less
context.

It stores the session that T3 Code named for each thread, so that changes made while t3tray did not run are found, and each is
reported once. It changes no binding. Runs in the SQL thread.
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
# Events that complete a remedy.
_ENDS = frozenset({Event.CONFIRMED, Event.DONE, Event.RELEASED})
_NO_SIDES: NextMessages = MappingProxyType({})


class SwitchDetector:
    """Compares each scan with the one before. One for the app's life."""

    def __init__(self, store: Store, database: OpenCodeDatabase, now: Callable[[], datetime]) -> None:
        self._store = store
        self._database = database
        self._now = now
        self._named: dict[str, str | None] | None = None
        self._checked_turns: dict[str, str] = {}
        self._last_assessments: dict[str, Assessment] = {}
        self._open: dict[str, tuple[Alarm, ...]] = {}
        self._newest = 0
        self._sides: NextMessages = {}
        self._last_sides: NextMessages = {}

    def detect(self, scan: Scan, sides: NextMessages = _NO_SIDES) -> tuple[Alarm, ...]:
        """Return the new alarms of this scan, and store them.

        `sides` is where T3 Code's next message goes, by thread id. Raises StoreError. What OpenCode's database cannot answer is
        None in the alarm.
        """
        self._sides = sides
        if self._named is None:
            self._named = self._store.alarms.sightings()
            self._read_open_alarms()
        known = self._named
        # An assessment that is the same object as at the last call holds nothing new.
        names = [*map(_thread_id, scan.assessments)]
        is_other = map(is_not, scan.assessments, map(self._last_assessments.get, names))
        has_other_side = map(is_not, map(self._last_sides.get, names), map(sides.get, names))
        fresh = [*compress(scan.assessments, map(or_, is_other, has_other_side))]
        if not fresh:
            return ()
        self._last_sides = sides
        if self._store.alarms.newest() != self._newest:
            # The guard or another process has raised an alarm.
            self._read_open_alarms()
        self._close_repaired(fresh)
        seen = {found.thread.id: found.t3.session_id for found in fresh if found.t3}
        moved = [found for found in fresh if found.t3 and known.get(found.thread.id, "") != seen[found.thread.id]]
        turns = [found for found in fresh if self._has_new_turn(found)]
        gone = [self._gone(found) for found in fresh if self._has_gone(found)]
        gone += [self._reset(found) for found in fresh if self._is_reset(found, known)]
        raised = self._raised(moved, turns, gone, known)
        noted = {found.thread.id: seen[found.thread.id] for found in moved}
        alarms = self._store.alarms.record(noted, raised) if noted or raised else ()
        self._add_open(alarms)
        known |= noted
        self._checked_turns |= {found.thread.id: _newest(found) for found in turns}
        self._last_assessments = dict(zip(names, scan.assessments, strict=True))
        return alarms

    def acknowledge(self, thread_id: str, fact: Acknowledged) -> None:
        """Mark this kind of fact of the thread as seen by the user, and no other. Raises StoreError."""
        if fact is Acknowledged.REFUSAL:
            self._store.guard_answers.mark_seen(thread_id, self._now())
            return
        self._store.alarms.mark_seen(thread_id, self._now())
        if fact is Acknowledged.SIDE:
            self._record_left(thread_id)

    def _record_left(self, thread_id: str) -> None:
        found, side = self._last_assessments.get(thread_id), self._sides.get(thread_id)
        if found is None or found.cursor is None or found.t3 is None or side is None:
            return
        if side.is_fault and found.verdict.kind is Kind.RESUMABLE:
            now, bound, named = self._now(), SessionContents(found.cursor.session_id), SessionContents(found.t3.session_id)
            left = Alarm(thread_id, AlarmKind.LEFT, Cause.UNKNOWN, bound, named, now, now, seen_at=now, fault=side.reason)
            self._add_open(self._store.alarms.record({}, [left]))

    def _raised(
        self, moved: list[Assessment], turns: list[Assessment], gone: list[Alarm], known: dict[str, str | None]
    ) -> list[Alarm]:
        switched = [found for found in moved if found.thread.id in known]
        raised = gone
        if switched or turns:
            with _SessionQueries(self._database) as queries:
                raised = [alarm for found in switched if (alarm := self._switched(found, known, queries))] + raised
                raised += [alarm for found in turns if (alarm := self._cliff(found, queries))]
        return raised

    def _switched(self, found: Assessment, known: dict[str, str | None], queries: _SessionQueries) -> Alarm | None:
        t3 = found.t3
        before = known[found.thread.id]
        if t3 is None or self._is_our_change(found, before):
            return None
        was_null = before is None
        if was_null:
            before = self._lost_before(found.thread.id)
        if before is None or before == t3.session_id:
            # The first session of a thread that had none before.
            return None
        side = self._sides.get(found.thread.id)
        if t3.session_id is None and side is not None and side.is_fine:
            # The guard answers T3 Code with the session that T3 Code lost track of.
            return None
        facts = SwitchFacts(
            old_exists=queries.exists(before),
            is_fork_of_old=queries.is_fork(before, t3.session_id),
            works_elsewhere=queries.works_elsewhere(t3.session_id, t3.directory),
            was_null=was_null or t3.session_id is None,
            handed_over=t3.handed_over or (t3.before_import is not None and before == t3.before_import),
        )
        seen_at = t3.runtime.last_seen_at if t3.runtime else None
        return Alarm(
            thread_id=found.thread.id,
            kind=AlarmKind.SWITCHED if t3.session_id else AlarmKind.LOST,
            cause=cause_of(facts),
            before=queries.holding(before) or self._recorded_contents(found, before),
            now=(queries.holding(t3.session_id) if t3.session_id else None) or SessionContents(t3.session_id),
            at=seen_at or t3.last_activity_at,
            noticed_at=self._now(),
        )

    def _is_our_change(self, found: Assessment, before: str | None) -> bool:
        """Whether T3 Code names another session because of a remedy of the user, or because the guard gave it."""
        assert found.t3 is not None
        now, entries = found.t3.session_id, self._store.journal.entries(found.thread.id)
        repairs = (entry.deed.repair for entry in reversed(entries) if entry.event is Event.DONE and entry.deed)
        repair = next(filter(None, repairs), None)
        if repair is not None and (_named_in(repair.before), _named_in(repair.after)) == (before, now):
            return True
        bound = next((entry for entry in reversed(entries) if entry.event is Event.CONFIRMED), None)
        if bound is None or now is None or bound.session_id != now:
            return False
        # A binding that was only imported from T3 Code is not a choice; one that the guard made or moved has an intent.
        was_made_here = bound.actor is not Actor.IMPORT or bound.intent is not None
        return was_made_here or any(alarm.before.session_id == now for alarm in self._open.get(found.thread.id, ()))

    def _close_repaired(self, fresh: list[Assessment]) -> None:
        """Close the alarms of threads that are repaired: T3 Code continues in a session that holds the conversation, as the
        user chose."""
        repaired = [alarm for found in fresh for alarm in self._open.get(found.thread.id, ()) if self._is_repaired(found, alarm)]
        if not repaired:
            return
        self._store.alarms.put_away([alarm.id for alarm in repaired if alarm.id is not None], self._now())
        for name in {alarm.thread_id for alarm in repaired}:
            self._open[name] = tuple(alarm for alarm in self._open[name] if alarm not in repaired)

    def _is_repaired(self, found: Assessment, alarm: Alarm) -> bool:
        cursor, side = found.cursor, self._sides.get(found.thread.id)
        if alarm.kind is AlarmKind.CLIFF or cursor is None or found.verdict.kind is not Kind.RESUMABLE:
            return False
        if side is None or not side.is_fine:
            return False
        if alarm.kind is AlarmKind.LEFT or cursor.session_id == alarm.before.session_id:
            return True
        entries = self._store.journal.entries(found.thread.id)
        return any(entry.deed and entry.event in _ENDS and entry.at >= alarm.noticed_at for entry in entries)

    def _read_open_alarms(self) -> None:
        self._newest, self._open = self._store.alarms.newest(), self._store.alarms.standing()

    def _add_open(self, alarms: tuple[Alarm, ...]) -> None:
        """Add these to the open alarms. A LOST alarm is closed by the SWITCHED alarm of the same loss."""
        for alarm in alarms:
            standing = self._open.get(alarm.thread_id, ())
            if alarm.kind is AlarmKind.SWITCHED:
                lost_ids = [
                    each.id
                    for each in standing
                    if each.kind is AlarmKind.LOST and each.before.session_id == alarm.before.session_id and each.id is not None
                ]
                if lost_ids:
                    self._store.alarms.pass_over(lost_ids, self._now())
            self._open[alarm.thread_id] = (*standing, alarm)

    def _has_gone(self, found: Assessment) -> bool:
        """Whether the bound session existed when it was recorded, T3 Code still names it, and OpenCode no longer has it.
        Reported once."""
        cursor, t3 = found.cursor, found.t3
        if t3 is None or cursor is None or found.verdict.reason is not Reason.MISSING or t3.session_id != cursor.session_id:
            return False
        return cursor.session_created_ms is not None and not any(
            alarm.kind is AlarmKind.LOST and alarm.before.session_id == cursor.session_id
            for alarm in self._open.get(found.thread.id, ())
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
            # OpenCode does not record when a session is deleted.
            at=now,
            noticed_at=now,
        )

    def _is_reset(self, found: Assessment, known: dict[str, str | None]) -> bool:
        """Whether the thread was set to another provider in T3 Code, which drops its cursor with the next message."""
        side, cursor = self._sides.get(found.thread.id), found.cursor
        if side is None or side.reason is not NextReason.INSTANCE_CHANGED or cursor is None or found.thread.id not in known:
            return False
        standing = self._open.get(found.thread.id, ())
        return found.verdict.kind is Kind.RESUMABLE and all(alarm.kind is AlarmKind.LEFT for alarm in standing)

    def _reset(self, found: Assessment) -> Alarm:
        cursor, now = found.cursor, self._now()
        assert cursor is not None
        before = SessionContents(cursor.session_id, cursor.message_count)
        return Alarm(found.thread.id, AlarmKind.LOST, Cause.INSTANCE_CHANGED, before, SessionContents(None), now, now)

    def _cliff(self, found: Assessment, queries: _SessionQueries) -> Alarm | None:
        session = found.cursor.session_id if found.cursor else ""
        turns = queries.last_turns(session)
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
        """Whether the last turn was not checked yet. Turns that were there at the first scan are never checked."""
        newest = _newest(found)
        known = self._checked_turns.setdefault(found.thread.id, newest)
        return newest != "" and newest != known

    def _lost_before(self, thread_id: str) -> str | None:
        """Return the session that the thread had before T3 Code lost it; None if no loss is stored."""
        lost = [alarm for alarm in self._store.alarms.all(thread_id) if alarm.kind is AlarmKind.LOST]
        return lost[-1].before.session_id if lost else None

    def _recorded_contents(self, found: Assessment, session_id: str) -> SessionContents:
        """Return what our own cursor recorded of a session that no longer exists."""
        cursor = self._store.journal.binding(found.thread.id).cursor
        count = cursor.message_count if cursor and cursor.session_id == session_id else None
        return SessionContents(session_id, count)


class _SessionQueries:
    """Queries of OpenCode's database during one `detect`. Each returns None where the database cannot be read."""

    def __init__(self, database: OpenCodeDatabase) -> None:
        self._database = database
        self._reader: DatabaseReader | None = None

    def __enter__(self) -> _SessionQueries:
        try:
            self._reader = self._database.reader()
            self._reader.check_schema()
        except ServerError:
            # There is no database, or its schema is unknown: the alarm is raised with less in it.
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
        """Whether `new` was forked from `old`: OpenCode marks forks in the title, and copies the messages with their times."""
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
    """Return the session id in one of T3 Code's cursors (JSON); None if it cannot be decoded."""
    try:
        return msgspec.json.decode(cursor or "", type=_Cursor).session_id
    except msgspec.DecodeError:
        return None


def _newest(found: Assessment) -> str:
    """Return the id of the session's last message if it ends a turn, else ""."""
    match found.evidence.newest:
        case Found(message) if message.ends_a_turn:
            return message.id
    return ""
