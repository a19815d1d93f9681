"""Scan all threads and assess each from the databases alone: our own, T3 Code's, OpenCode's. What was read and assessed is
cached, so that after a change only that is read again.

A verification never relies on a scan: it asks the server. Changes nothing. Runs in the SQL thread.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from msgspec import structs

from t3tray.domain.evidence import Evidence, Failure, Found
from t3tray.domain.journal import Entry, put_away
from t3tray.domain.split import Candidate, Served, split_of
from t3tray.domain.t3code_thread import Shape, T3Thread
from t3tray.domain.thread import Thread
from t3tray.domain.transcript import Transcript
from t3tray.domain.verdict import KIND_OF, Kind, Reason
from t3tray.errors import ServerError
from t3tray.messages.databases import session_not_in_use
from t3tray.messages.unread import DATABASE, LOGS_AND_MESSAGES, MANY_THREADS, SESSION_OR_FOLDER, could_not_be_read
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.opencode.database_reader import Trust
from t3tray.opencode.failures import failure_of
from t3tray.opencode.index import SessionIndex
from t3tray.store.store import Store
from t3tray.t3code.duplicate_homes import DuplicateHomes
from t3tray.t3code.home import T3Home
from t3tray.t3code.state import T3Reader, T3State
from t3tray.threads.answering_sessions import AnsweringSessions
from t3tray.threads.candidates import SourceMemory, candidates_of
from t3tray.threads.evidence import Surroundings, ThreadRecord, evidence_without_answers
from t3tray.threads.file_evidence import agents_work, evidence_from_database
from t3tray.threads.folder_stamps import FolderStamps
from t3tray.threads.lost_bindings import LostBindings
from t3tray.threads.records import Records
from t3tray.threads.t3code_record import t3_thread
from t3tray.threads.t3code_sessions import T3NamedSessions, in_doubt_of_others, sessions_of
from t3tray.threads.t3code_sources import T3Sources
from t3tray.threads.unreadable import UnreadThreads, error_text, unreadable_assessment
from t3tray.threads.verify import Assessment, assessment_of

_THOUSANDS = 2_000
# Unknown, and therefore assessed again in each scan until something else changes.
_OPEN = {reason for reason, kind in KIND_OF.items() if kind is Kind.UNKNOWN} - {Reason.UNSUPPORTED, Reason.OTHER_DATABASE}


@dataclass(frozen=True)
class Scan:
    """One scan of everything. `foreign` are T3 Code's threads of other providers, for which no verdict is possible.

    `half_read`: number of threads of which only the first and the last answer were read; another session may have given one in
    the middle. `duplicate_homes`: threads that are in two homes of T3 Code are shown as the live one has them. `trouble`:
    sentences on what could not be read. `in_doubt`: more would be known if it were known which database OpenCode uses.
    `unfinished`: assessments of the threads whose last turn has no end yet. `busy_in`: directories in which a server says that a
    turn runs.
    """

    assessments: tuple[Assessment, ...]
    states: tuple[T3State, ...] = ()
    foreign: tuple[T3Thread, ...] = ()
    half_read: int = 0
    duplicate_homes: tuple[DuplicateHomes, ...] = ()
    trouble: tuple[str, ...] = ()
    in_doubt: bool = False
    unfinished: tuple[Assessment, ...] = ()
    busy_in: frozenset[str] = frozenset()

    def with_busy(self, sessions: Collection[str] | Failure) -> Scan:
        """Return the scan with these sessions busy, according to a server. A failure: a server runs and does not answer, so
        that it may be at work in every turn without an end."""
        if not sessions:
            return self
        if isinstance(sessions, Failure):
            open_ones = {found.thread.id for found in self.unfinished}
            assessments = (found.with_activity(sessions) if found.thread.id in open_ones else found for found in self.assessments)
            return replace(self, assessments=tuple(assessments))
        now = tuple([found.at_work() if found.is_among(sessions) else found for found in self.assessments])
        busy = (found for found in now if found.verdict.reason is Reason.BUSY)
        return replace(self, assessments=now, busy_in=frozenset(found.cursor.directory for found in busy if found.cursor))


class Scanner:
    """Scans repeatedly; each scan costs what has changed since the one before."""

    def __init__(self, store: Store, database: OpenCodeDatabase, surroundings: Surroundings, readers: Iterable[T3Reader]) -> None:
        self._store = store
        self._surroundings = surroundings
        self._database = database
        self._unread = UnreadThreads()
        self._sources = T3Sources(readers, self._unread)
        self._index = SessionIndex(database)
        self.lost_bindings = LostBindings(store, database, surroundings.now)
        self._records = Records(store, database, self._sources, self.lost_bindings)
        self._pending: set[str] = set()
        self._unfinished: set[str] = set()
        self._results: dict[str, Assessment] = {}
        self._failure: Failure | None = None
        self._trust: Trust | None = None
        self._folders = FolderStamps()
        self._bound_to: dict[str, tuple[str, ...]] = {}
        self._named = T3NamedSessions(store)
        self._answering = AnsweringSessions(self._sources, self._named)

    def read_from(self, readers: Iterable[T3Reader]) -> None:
        """Use these homes of T3 Code from the next scan on. One that is known already keeps what was read of it."""
        self._sources.read_from(readers)

    def scan(self) -> Scan:
        """Scan everything. Raises StoreError; errors of other programs' files are in the verdicts and states."""
        with _many_objects():
            states = self._read_recorded()
            changed, self._pending = self._pending, set()
            surroundings = self._surroundings.at_once()
            failure, sessions = self._read_sessions()
            try:
                changed |= self._touched(sessions, failure, surroundings)
                if failure is None:
                    changed |= self._answering.read_middles(self._index, self._database.trust.absence_counts)
                self._assess_changed(changed, surroundings)
            finally:
                self._index.release()
            if len(changed) > _THOUSANDS:
                # The new objects live long: the garbage collector need not traverse them again.
                gc.freeze()
        half_read = 0 if self._failure else self._answering.half_read
        sources = self._sources
        return Scan(
            assessments=tuple(self._results.values()),
            states=states,
            foreign=self._records.foreign,
            half_read=half_read,
            duplicate_homes=sources.duplicate_homes,
            trouble=sources.trouble,
            in_doubt=self._named.in_doubt,
            unfinished=tuple(found for name in self._unfinished if (found := self._results[name]).is_unfinished),
        )

    def load_record(self, prefix: str, also_deleted: bool = False) -> ThreadRecord:
        """Return the record of one thread, read anew, with the sessions that contain other parts of it; no server is asked.

        `also_deleted` includes threads that T3 Code has deleted. Raises ThreadNotFound, UsageError, Refused, StoreError.
        """
        self._read_recorded()
        recorded = self._records.named(prefix, also_deleted)
        return self._with_parts_elsewhere(recorded) if recorded.t3 else recorded

    def scan_thread(self, thread_id: str) -> Scan:
        """Scan this thread alone; empty if no full scan would show it. Raises StoreError."""
        states = self._read_recorded()
        recorded = self._records.of(thread_id)
        found = () if recorded is None else (self.assess(recorded),)
        return Scan(found, states, in_doubt=self._named.in_doubt)

    def assess(self, recorded: ThreadRecord) -> Assessment:
        """Return the assessment of one thread, even if no scan shows it."""
        surroundings = self._surroundings.at_once()
        failure, sessions = self._read_sessions()
        try:
            # More may be known of it now than when it was assessed.
            self._pending |= self._touched(sessions, failure, surroundings) | {recorded.thread.id}
            self._read_ahead([recorded])
            return self._assess(recorded, surroundings)
        finally:
            self._index.release()

    def _with_parts_elsewhere(self, recorded: ThreadRecord) -> ThreadRecord:
        failure, sessions = self._read_sessions()
        try:
            self._pending |= self._touched(sessions, failure, self._surroundings.at_once())
            if failure is not None:
                entries = self._store.journal.entries(recorded.thread.id)
                return in_doubt_of_others(recorded, self.memory(recorded.thread.id, entries))
            self._pending |= self._answering.read([recorded.thread.id], self._index, self._database.trust.absence_counts)
            return self._with_others(self._named.lacking(recorded, self._index))
        finally:
            self._index.release()

    def _read_recorded(self) -> tuple[T3State, ...]:
        """Read everything but OpenCode's data, which costs less than a scan: threads that have changed are assessed in the
        next one."""
        try:
            return self._records.read()
        finally:
            self._pending |= self._records.take_changed()

    def _read_sessions(self) -> tuple[Failure | None, frozenset[str]]:
        if self._index.path != self._database.path:
            # It is known by now that OpenCode uses another file.
            self._index, self._trust = SessionIndex(self._database), None
        if self._database.trust.failure is not None:
            return self._database.trust.failure, frozenset()
        try:
            changed = self._index.refresh()
            return None, changed | self._index.parents_of(changed)
        except ServerError as error:
            return failure_of(error), frozenset()
        except Exception as error:
            self._unread.log(str(self._database.path), could_not_be_read(DATABASE, error_text(error)), error)
            return Failure.SERVER_ERROR, frozenset()

    def _touched(self, sessions: Collection[str], failure: Failure | None, surroundings: Surroundings) -> set[str]:
        """Return the threads with a changed session or folder, or all if OpenCode's database became readable or unreadable."""
        everything = failure is not self._failure or self._trust != self._database.trust
        self._failure, self._trust = failure, self._database.trust
        moved = self._folders.changed(surroundings)
        if not (everything or sessions or moved):
            return set(self._unfinished)
        touched = set(self._unfinished)
        touched.update(*(self._bound_to.get(session, ()) for session in sessions))
        if everything or moved:
            touched |= {name for name, result in self._results.items() if everything or result.thread.directory in moved}
        return touched

    def _assess_changed(self, changed: set[str], surroundings: Surroundings) -> None:
        recorded = [found for name in changed if (found := self._records.of(name)) is not None]
        for name in changed - {found.thread.id for found in recorded}:
            self._forget(name)
        self._sources.list_logs_again()
        self._read_ahead(recorded)
        for found in recorded:
            result = self._assess(found, surroundings)
            self._take(result)
            self._folders.note(result, surroundings)

    def _read_ahead(self, recorded: Collection[ThreadRecord]) -> None:
        """Read what these threads need of OpenCode's database at once."""
        if self._failure is not None:
            return
        try:
            self._index.prefetch([found.cursor.session_id for found in recorded if found.cursor])
            names = [found.thread.id for found in recorded if found.t3]
            self._answering.read(names, self._index, self._database.trust.absence_counts)
        except ServerError as error:
            # It has become unreadable: unknown, and everything anew in the next scan.
            self._failure = failure_of(error)
            self._index.doubt()
        except Exception as error:
            # This only saves time: each thread is read by itself.
            self._unread.log(str(self._database.path), could_not_be_read(MANY_THREADS, error_text(error)), error)

    def _take(self, result: Assessment) -> None:
        name = result.thread.id
        self._let_go(name)
        for session in sessions_of(result):
            self._bound_to[session] = (*self._bound_to.get(session, ()), name)
        self._results[name] = result
        # Threads to read again next time: those whose own session could not be read, except unsupported formats.
        is_open = self._failure is None and result.verdict.reason in _OPEN
        is_moving = is_open or result.is_unfinished or result.agents_work
        (self._unfinished.add if is_moving else self._unfinished.discard)(name)

    def _forget(self, name: str) -> None:
        self._let_go(name)
        self._results.pop(name, None)
        self._unfinished.discard(name)

    def _let_go(self, name: str) -> None:
        former = self._results.get(name)
        for session in sessions_of(former) if former else ():
            self._bound_to[session] = tuple(other for other in self._bound_to[session] if other != name)

    def home_of(self, thread_id: str) -> T3Home | None:
        """Return the home of T3 Code that shows this thread."""
        return self._sources.home_of(thread_id)

    def shape_of(self, thread_id: str) -> Shape | None:
        """Return the form of the T3 Code database that shows this thread; None if none does."""
        return self._sources.shape_of(thread_id)

    def shown_by_t3(self, thread_id: str) -> Thread | None:
        """Return the thread as T3 Code showed it in the last scan; None if it did not."""
        t3 = self._records.t3(thread_id)
        return t3_thread(t3, "") if t3 else None

    def t3_transcript(self, thread_id: str) -> Transcript | None:
        """Return T3 Code's own copy of a thread's messages; None if there is no readable one."""
        return self._sources.transcript(thread_id)

    def candidates(self, thread_id: str, entries: tuple[Entry, ...]) -> tuple[Candidate, ...]:
        """Return every session that ever was the thread's own, with its contents if OpenCode's database can be read."""
        parts = tuple(part for read in self._sources.parts([thread_id]) for part in (read or {}).get(thread_id, ()))
        memory = structs.replace(self.memory(thread_id, entries), parts=parts)
        try:
            with self._database.reading() as reader:
                return candidates_of(memory, reader)
        except ServerError:
            return candidates_of(memory, None)

    def memory(self, thread_id: str, entries: tuple[Entry, ...]) -> SourceMemory:
        """Return what the sources know of one thread's sessions, without the parts of T3 Code's messages."""
        stretches = self._sources.stretches(thread_id)
        titled = self._index.titled(f"T3 Code {thread_id}")
        with_parts = tuple(sorted(self._answering.of(thread_id)))
        marked = self.lost_bindings.sessions_of(thread_id)
        return SourceMemory(self._records.t3(thread_id), stretches, titled, with_parts=with_parts, marked=marked, entries=entries)

    def _with_others(self, recorded: ThreadRecord) -> ThreadRecord:
        try:
            return self._with_other_sessions(recorded)
        except ServerError:
            raise
        except Exception as error:
            return self._unread.mark(recorded, LOGS_AND_MESSAGES, error)

    def _with_other_sessions(self, recorded: ThreadRecord) -> ThreadRecord:
        """Add the periods of T3 Code's log, and the sessions that contain a part of the conversation which the bound one
        lacks."""
        t3 = recorded.t3
        if t3 is None or self._failure is not None:
            return recorded
        bound = recorded.cursor.session_id if recorded.cursor else None
        if not self._remembers_more(t3, bound):
            return recorded
        memory, there = self.memory(recorded.thread.id, ()), dict[str, bool | None]()
        if not memory.names_only(bound):
            memory = structs.replace(memory, entries=self._store.journal.entries(recorded.thread.id))
            candidates = candidates_of(memory, self._index.reader)
            there = {found.session_id: found.exists for found in candidates}
            split = split_of(bound, candidates, put_away(memory.entries) - set(memory.marked))
            recorded = structs.replace(recorded, split=split or recorded.split)
        elif memory.stretches and bound:
            there = {bound: self._index.has(bound)}
        served = (Served(each.session_id, each.began, each.ended, there.get(each.session_id)) for each in memory.stretches)
        return structs.replace(recorded, served=tuple(served))

    def _remembers_more(self, t3: T3Thread, bound: str | None) -> bool:
        """Whether anything but this session's name is known of the thread."""
        answered, titled = self._answering.of(t3.id), self._index.titled(f"T3 Code {t3.id}")
        if t3.earlier or t3.before_import or (answered and answered != {bound}) or (titled and titled != (bound,)):
            return True
        return self._sources.has_log(t3.id)

    def _assess(self, recorded: ThreadRecord, surroundings: Surroundings) -> Assessment:
        cursor = recorded.cursor
        try:
            recorded = self._named.lacking(self._with_others(recorded), self._index) if self._failure is None else recorded
            cursor = recorded.cursor
            if cursor is None or not cursor.is_well_formed:
                found = assessment_of(recorded, evidence_without_answers(recorded, Failure.UNSUPPORTED, surroundings))
            elif self._failure is not None:
                found = assessment_of(
                    recorded,
                    self._explained(cursor.session_id, evidence_without_answers(recorded, self._failure, surroundings)),
                )
            else:
                evidence = evidence_from_database(self._index, recorded, cursor, surroundings)
                found = assessment_of(recorded, self._explained(cursor.session_id, evidence))
        except ServerError as error:
            found = assessment_of(recorded, evidence_without_answers(recorded, failure_of(error), surroundings))
        except Exception as error:
            return unreadable_assessment(self._unread.mark(recorded, SESSION_OR_FOLDER, error), surroundings)
        found = self._named.added(found, self._index, self._failure, surroundings)
        match found.evidence.session:
            case Found(session) if agents_work(self._index, session.id, surroundings):
                return structs.replace(found, agents_work=True)
        return found

    def _explained(self, session_id: str, evidence: Evidence) -> Evidence:
        """Add why the database is not believed, if that makes the verdict."""
        trust = self._database.trust
        if trust.absence_counts and trust.failure is None:
            if evidence.session is not Failure.OTHER_DATABASE:
                return evidence
            place = self._database.holder_of(session_id)
            return structs.replace(evidence, why=session_not_in_use(place))
        answers = (evidence.session, evidence.newest, evidence.tail, evidence.first)
        is_why = trust.failure is not None or Failure.OTHER_DATABASE in answers
        return structs.replace(evidence, why=trust.why) if is_why else evidence


@contextmanager
def _many_objects() -> Iterator[None]:
    """Thousands of values are made and none is garbage: Python's collector would take a third of the time to look for it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
