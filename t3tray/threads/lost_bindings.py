"""Find bindings that the journal may lack, by t3tray's marks in OpenCode's sessions. Runs in the SQL thread.

A session that t3tray made carries a mark with an intent that must be in the journal. A message that t3tray sent carries a mark
too, and t3tray sends only into the session that the thread is bound to.

A journal that is older than what happened (put back from a copy, a home from a backup, a folder synced from elsewhere) shows by a
marked session whose intent it does not contain. A thread without a binding is bound to that session again; a thread that is bound
to another one is split until the user chooses. A fork copies its parent's metadata: of several sessions with one intent only the
oldest counts. A session that a bound thread has left, with a message of ours newer than the journal's last entry about it, was
bound again since: a split too; messages of others are no sign. The same holds for a marked session that no entry binds, with any
message of ours: its intent is known, and its end is lost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from msgspec import structs

from t3tray.domain.cursor import Cursor
from t3tray.domain.evidence import Claim
from t3tray.domain.journal import Actor, Entry, Event, put_away
from t3tray.domain.thread import Source, Thread
from t3tray.domain.times import from_ms
from t3tray.errors import Refused, ServerError, ThreadNotFound
from t3tray.messages.journal_reasons import FOUND_BY_MARK
from t3tray.messages.restore import JOURNAL_LACKS, doubt_clause
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.opencode.marked_sessions import MarkedSession, MarkedSessions, oldest_first
from t3tray.opencode.message_ids import is_later, is_marked, mark_of
from t3tray.opencode.sent_messages import SentMessages
from t3tray.store.journal import LastLine
from t3tray.store.store import Store
from t3tray.threads.candidates import MARK
from t3tray.threads.evidence import ThreadRecord

_JOURNAL = "t3tray's journal"


class LostBindings:
    """`read` compares anew; all other queries use its result. `take_changed` returns what has changed since its last call,
    whoever called `read`, even if that did not complete."""

    def __init__(self, store: Store, database: OpenCodeDatabase, now: Callable[[], datetime]) -> None:
        self._store = store
        self._database = database
        self._now = now
        self._in_file = MarkedSessions(database)
        self._by_server: tuple[MarkedSession, ...] = ()
        self._sent_in_file = SentMessages(database, store.id)
        self._sent_by_server: tuple[tuple[str, str], ...] = ()
        self._let_go_seq = 0
        self._let_go: dict[str, LastLine] = {}
        self._seq = 0
        self._intents: set[str] = set()
        self._confirmed: set[str] = set()
        self._claims: dict[str, tuple[str, ...]] = {}
        self._in_doubt: frozenset[str] = frozenset()
        self._doubt = ""
        self._own_claims = False
        self._taken = (self._claims, self._in_doubt)
        self.unbound: tuple[MarkedSession, ...] = ()
        self.trouble = ""

    def read(self) -> None:
        """Compare the marks with the journal. Raises StoreError."""
        try:
            marked = self._in_file.read()
            sent = self._sent_in_file.since(self.asked_of(marked))
            self.trouble = ""
        except ServerError as error:
            marked, sent, self.trouble = (), (), error.message
        known, sent = {found.facts.id for found in marked}, (*sent, *self._sent_by_server)
        marked = (*marked, *(found for found in self._by_server if found.facts.id not in known))
        self._sort(self._unknown(marked, {session for session, _ in sent}))
        self._add_gone_on(sent)
        restore = self._store.restores.unsettled()
        self._in_doubt = self._store.restores.in_doubt() if restore and not restore.complete else frozenset()
        self._doubt = doubt_clause(restore) if restore else ""

    def take_changed(self) -> set[str]:
        """Return the ids of the threads whose claims or doubts have changed since the last call."""
        (claims, in_doubt), self._taken = self._taken, (self._claims, self._in_doubt)
        changed = {name for name in claims.keys() | self._claims.keys() if claims.get(name) != self._claims.get(name)}
        return changed | (in_doubt ^ self._in_doubt)

    def told_by_server(self, marked: tuple[MarkedSession, ...], messages: Iterable[tuple[str, str]]) -> None:
        """Use these sessions and messages of a server that keeps its sessions elsewhere from now on. `messages`: pairs of
        session and message id."""
        self._by_server = marked
        mark = mark_of(self._store.id)
        self._sent_by_server = tuple((session, message) for session, message in messages if is_marked(message, mark))

    def let_go(self) -> dict[str, int]:
        """Return the sessions that a thread had and no thread is bound to, with the time (ms) of the journal's last entry about
        each.

        Raises StoreError.
        """
        self._let_go_seq, changed = self._store.journal.let_go_since(self._let_go_seq)
        for session, last in changed.items():
            if last is None:
                self._let_go.pop(session, None)
            elif (known := self._let_go.get(session)) is None or known.seq < last.seq:
                self._let_go[session] = last
        return {session: int(last.at.timestamp() * 1000) for session, last in self._let_go.items()}

    def asked_of(self, marked: Iterable[MarkedSession]) -> dict[str, int]:
        """Return the sessions in which a message of ours would prove a binding, each with the time (ms) from which on. Raises
        StoreError."""
        self._read_journal()
        unbound = (found.facts for found in marked if self._is_ours(found) and found.facts.id not in self._confirmed)
        return self.let_go() | {facts.id: facts.created_ms for facts in unbound}

    @property
    def needs_server(self) -> bool:
        """Whether the server has to be asked too: the file is unreadable, or a copy was put back. Raises StoreError."""
        self.read()
        return bool(self.trouble) or self._store.restores.unsettled() is not None

    def sessions_of(self, thread_id: str) -> tuple[str, ...]:
        """Return the sessions that claim a thread by their mark, other than its bound one."""
        return self._claims.get(thread_id, ())

    @property
    def in_doubt(self) -> frozenset[str]:
        """Ids of the threads whose binding may be older than what happened."""
        return self._in_doubt

    def claimed(self) -> tuple[str, ...]:
        """Return the ids of the threads that several sessions claim."""
        return tuple(sorted(self._claims))

    def claims_of(self, thread_id: str, bound: str | None) -> tuple[Claim, ...]:
        """Return the claims as a split, the bound session first; empty if nothing else claims the thread."""
        sessions = self.sessions_of(thread_id)
        if not sessions or bound is None:
            return ()
        return (Claim(bound, _JOURNAL), *(Claim(session, MARK) for session in sessions))

    def with_doubts(self, recorded: ThreadRecord) -> ThreadRecord:
        """Add to the record what speaks against its binding being the latest."""
        if not self._claims and not self._in_doubt:
            return recorded
        name, cursor = recorded.thread.id, recorded.cursor
        split = self.claims_of(name, cursor.session_id if cursor else None)
        if split:
            recorded = structs.replace(recorded, split=split)
        return structs.replace(recorded, in_doubt=self._doubt) if name in self._in_doubt else recorded

    def make_again(self, found: MarkedSession, cursor: Cursor | None, shown: Thread | None) -> bool:
        """Bind the thread that the mark names to its session. `shown` is the thread as T3 Code shows it, if it does.

        Without a `cursor` it is read from OpenCode's database. Returns False if that fails, or if the session belongs to a thread
        by now. Raises StoreError.
        """
        session, thread_id, intent = found.facts.id, found.marker.thread, found.marker.intent
        try:
            cursor = cursor or self._cursor(found)
            is_settled = intent in self._intents and intent not in self._store.journal.binding(thread_id).pending
            settles = None if is_settled else intent
            entry = Entry(thread_id, Event.CONFIRMED, Actor.RECOVERY, FOUND_BY_MARK, self._now(), session, settles, cursor=cursor)
            if shown is not None:
                self._store.threads.save(shown)
            elif not self._is_stored(thread_id):
                self._store.add_thread(_thread_of(found), entry)
                return True
            self._store.journal.append(entry)
        except (ServerError, Refused):
            return False
        return True

    def note_gap(self) -> None:
        """Record a gap if the journal does not contain a session of this very store: the journal is older than what happened."""
        own = [found for found in self.unbound if found.marker.store == self._store.id]
        if own or self._own_claims:
            self._store.restores.note_gap(self._now(), JOURNAL_LACKS)

    def _unknown(self, marked: Iterable[MarkedSession], used: Collection[str]) -> list[MarkedSession]:
        """Return the oldest session of each intent that the journal lacks, and those it never bound although we sent into
        them."""
        oldest: dict[str, MarkedSession] = {}
        for found in filter(self._is_ours, oldest_first(marked)):
            oldest.setdefault(found.marker.intent, found)
        # After the sessions and messages: an entry is written before its effect outside.
        self._read_journal()
        return [
            found
            for intent, found in oldest.items()
            if intent not in self._intents or (found.facts.id in used and found.facts.id not in self._confirmed)
        ]

    def _is_ours(self, found: MarkedSession) -> bool:
        """Whether the mark is of this store, or from before marks named one."""
        return found.marker.store in ("", self._store.id)

    def _read_journal(self) -> None:
        self._confirmed |= self._store.journal.confirmed_since(self._seq)
        self._seq, intents = self._store.journal.intents_since(self._seq)
        self._intents |= intents

    def _sort(self, unknown: Iterable[MarkedSession]) -> None:
        claims: defaultdict[str, list[str]] = defaultdict(list)
        unbound: dict[str, MarkedSession] = {}
        self._own_claims = False
        for found in unknown:
            session, thread_id = found.facts.id, found.marker.thread
            if self._store.journal.owner_of(session) is not None:
                continue
            if session in put_away(filter(_is_no_guess, self._store.journal.entries(thread_id))):
                continue
            if self._store.journal.binding(thread_id).cursor is None and thread_id not in unbound:
                unbound[thread_id] = found
            else:
                claims[thread_id].append(session)
                self._own_claims |= found.marker.store == self._store.id
        self._claims = {name: tuple(sessions) for name, sessions in claims.items() if name not in unbound}
        self.unbound = tuple(unbound.values())

    def _add_gone_on(self, sent: Collection[tuple[str, str]]) -> None:
        """Claim a thread for each session that it left and in which a message was sent later."""
        # After the messages: a binding is written before anything is sent.
        let_go = self.let_go() if sent else {}
        for session in sorted({session for session, message in sent if session in let_go and is_later(message, let_go[session])}):
            thread_id = self._let_go[session].thread_id
            claims = self._claims.get(thread_id, ())
            if session not in claims and self._store.journal.binding(thread_id).cursor is not None:
                self._claims = {**self._claims, thread_id: (*claims, session)}
                self._own_claims = True

    def _is_stored(self, thread_id: str) -> bool:
        try:
            return self._store.threads.find(thread_id).id == thread_id
        except ThreadNotFound:
            return False

    def _cursor(self, found: MarkedSession) -> Cursor:
        with self._database.reading() as reader:
            facts = reader.session(found.facts.id)  # it may be gone since its mark was read
            first, newest, count = reader.first(facts.id), reader.newest(facts.id), reader.count(facts.id)
        return Cursor(
            facts.id,
            facts.directory,
            facts.title,
            facts.created_ms,
            first.id if first else None,
            newest.id if newest else None,
            newest.id if newest and newest.ends_a_turn else None,
            count,
            facts.version,
        )


def _is_no_guess(entry: Entry) -> bool:
    """Recovery dismisses what it takes for unused; only the user's decision counts."""
    return entry.event is not Event.PUT_AWAY or entry.actor is not Actor.RECOVERY


def _thread_of(found: MarkedSession) -> Thread:
    """Make a thread from its session: nothing else is left of it."""
    facts, name = found.facts, found.marker.thread
    made, touched = map(from_ms, (facts.created_ms, facts.updated_ms))
    source = Source.T3CODE if facts.title == f"T3 Code {name}" else Source.T3TRAY
    return Thread(name, facts.title or "Thread", facts.directory, source, made, touched)
