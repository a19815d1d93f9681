"""What OpenCode has of the sessions that T3 Code names, if they differ from those used here; and which of the answers that T3
Code shows are in no session any more. Runs in the SQL thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from msgspec import structs

from t3tray.domain.evidence import Absent, Failure, Found
from t3tray.errors import ServerError, SessionMissing
from t3tray.messages.unread import answers_lacking, others_had_parts
from t3tray.opencode.failures import failure_of
from t3tray.opencode.index import SessionIndex
from t3tray.store.store import Store
from t3tray.threads.candidates import SourceMemory
from t3tray.threads.evidence import Surroundings, ThreadRecord
from t3tray.threads.verify import AnswerCount, Assessment, NamedSession


class T3NamedSessions:
    """One for a scanner."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: dict[str, Counter[str]] = {}
        self._shown: dict[str, int] = {}
        # Whether an answer that T3 Code shows was not found in a file whose absences do not count.
        self.in_doubt = False

    def note_answers(
        self, names: Collection[str], parts: Mapping[str, Sequence[str]], sessions: Mapping[str, str], absence_counts: bool
    ) -> None:
        """Note from which parts of OpenCode's messages T3 Code's answers in these threads were made, oldest first, and which
        session has each."""
        for name in self._held.keys() & names:
            del self._held[name]
        for name, shown in parts.items():
            if shown and shown[0] not in sessions:
                self.in_doubt = self.in_doubt or not absence_counts
                if absence_counts:
                    self._held[name] = Counter(sessions[part] for part in shown if part in sessions)
                    self._shown[name] = len(shown)

    def added(self, found: Assessment, index: SessionIndex, failure: Failure | None, surroundings: Surroundings) -> Assessment:
        """Add what is known of the session that T3 Code names. `failure`: why OpenCode's database cannot be read."""
        t3, bound = found.t3, found.cursor.session_id if found.cursor else None
        named = t3.session_id if t3 else None
        if named is None:
            return found
        if named != bound:
            known = NamedSession(failure) if failure else _look_up(named, found.thread.directory, index, surroundings)
            return structs.replace(found, named=known)
        if failure is not None or found.thread.id not in self._held:
            return found
        return structs.replace(found, answers=self._answers(found.thread.id, named, index))

    def lacking(self, recorded: ThreadRecord, index: SessionIndex) -> ThreadRecord:
        """Add how many of the answers that T3 Code shows the session lacks, if T3 Code names the bound one."""
        cursor, name = recorded.cursor, recorded.thread.id
        if name not in self._held or recorded.t3 is None or cursor is None or cursor.session_id != recorded.t3.session_id:
            return recorded
        answers = self._answers(name, cursor.session_id, index)
        if answers is None or cursor.lacks:
            return recorded
        lacks = answers_lacking(answers.shown, answers.known)
        return structs.replace(recorded, cursor=structs.replace(cursor, lacks=lacks))

    def _answers(self, thread_id: str, named: str, index: SessionIndex) -> AnswerCount | None:
        """The first answer that T3 Code shows is in no session: count those that the named one has, unless it is a fork."""
        known = self._held[thread_id][named]
        if not known:
            return None
        try:
            session, first = index.session(named), index.first(named)
        except ServerError:
            return None
        if first is None or first.created_ms < session.created_ms or self._is_chosen(thread_id, named):
            # A fork contains copies of what is older than itself; and a user who chose this session knows what it contains.
            return None
        return AnswerCount(self._shown[thread_id], known)

    def _is_chosen(self, thread_id: str, session_id: str) -> bool:
        entries = self._store.journal.entries(thread_id)
        return any(entry.deed is not None and entry.session_id == session_id for entry in entries)


def in_doubt_of_others(recorded: ThreadRecord, memory: SourceMemory) -> ThreadRecord:
    """Note a doubt: OpenCode's database is unreadable, or not the server's, and only that has the thread's other sessions, so
    it is unknown whether the bound one has the whole conversation."""
    others = memory.others_than(recorded.cursor.session_id if recorded.cursor else None)
    if not others:
        return recorded
    doubt = others_had_parts(", ".join(sorted(others)))
    return structs.replace(recorded, in_doubt="; ".join(filter(None, (recorded.in_doubt, doubt))))


def sessions_of(found: Assessment) -> tuple[str, ...]:
    """Return the sessions whose change is a change of the thread."""
    bound = found.cursor.session_id if found.cursor is not None else None
    named = found.t3.session_id if found.t3 is not None else None
    if named is None or named == bound:
        return () if bound is None else (bound,)
    return (named,) if bound is None else (bound, named)


def _look_up(session_id: str, directory: str, index: SessionIndex, surroundings: Surroundings) -> NamedSession:
    try:
        facts, count = index.session(session_id), index.count(session_id)
        taken_back = index.count(session_id, facts.reverted_to) if facts.reverted_to else None
    except SessionMissing:
        return NamedSession(Absent())
    except ServerError as error:
        return NamedSession(failure_of(error))
    return NamedSession(Found(facts), count, surroundings.same_directory(directory, facts.directory), taken_back)
