"""What is recorded of every thread before OpenCode is asked: our own list and journal, T3 Code's databases, and what speaks
against a binding. Caches what it read, and returns which threads have changed. Runs in the SQL thread."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, compress
from operator import is_not

from msgspec import structs

from t3tray.domain.cursor import Cursor
from t3tray.domain.journal import Event
from t3tray.domain.t3code_thread import OPENCODE, Shape, T3Thread
from t3tray.domain.thread import Source, Thread
from t3tray.errors import Refused, ThreadNotFound
from t3tray.messages.verdicts import deleted_sentence
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.opencode.marked_sessions import file_stamp
from t3tray.store.store import Store
from t3tray.store.threads import named
from t3tray.t3code.state import T3State
from t3tray.threads.evidence import ThreadRecord
from t3tray.threads.lost_bindings import LostBindings
from t3tray.threads.t3code_record import recorded_t3, t3_thread
from t3tray.threads.t3code_sources import T3Sources


class Records:
    """Every query uses what `read` found last. `foreign` are T3 Code's threads of other providers."""

    def __init__(self, store: Store, database: OpenCodeDatabase, sources: T3Sources, lost_bindings: LostBindings) -> None:
        self._store = store
        self._database = database
        self._sources = sources
        self._lost_bindings = lost_bindings
        self.foreign: tuple[T3Thread, ...] = ()
        self._changed: set[str] = set()
        self._written: tuple[int, int] | None = None
        self._file: tuple[object, ...] = ()
        self._states: tuple[T3State, ...] = ()
        self._t3_is_readable = False
        self._seq = 0
        self._cursors: dict[str, Cursor] = {}
        self._asked_for: frozenset[str] = frozenset()
        self._own: dict[str, Thread] = {}
        self._t3: dict[str, T3Thread] = {}
        self._shown: tuple[tuple[T3Thread, ...], ...] = ()
        self._stale: dict[str, str] = {}

    def read(self) -> tuple[T3State, ...]:
        """Read what has changed, and return the state of T3 Code's homes.

        Raises StoreError: what was read until then is available all the same, and the rest is read at the next call.
        """
        states, written = self._sources.read(), self._store.version()
        file = (self._database.path, *file_stamp(self._database.path))
        is_written = written != self._written
        if is_written:
            self._read_bindings()
        if is_written or _are_others(states, self._states):
            self._read_threads(states, is_written)
        if is_written or file != self._file or self._lost_bindings.trouble:
            self._lost_bindings.read()
        self._written, self._file, self._states = written, file, states
        return states

    def take_changed(self) -> set[str]:
        """Return the ids of the threads that are new, changed or gone since the last call."""
        changed, self._changed = self._changed | self._lost_bindings.take_changed(), set()
        return changed

    def named(self, prefix: str, also_deleted: bool) -> ThreadRecord:
        """Return the record of the one thread whose id begins so; `also_deleted` includes threads that T3 Code has deleted.

        Raises ThreadNotFound, UsageError, Refused, StoreError.
        """
        shown = {name: thread for name, thread in self._own.items() if not self._is_gone(thread)}
        shown |= {thread.id: t3_thread(thread, "") for thread in self._t3.values() if thread.id.startswith(prefix)}
        if prefix and not any(name.startswith(prefix) for name in shown) and (deleted := self._deleted(prefix)):
            if also_deleted:
                return deleted
            sentence = deleted_sentence(deleted.t3.deleted_at if deleted.t3 else None)
            raise ThreadNotFound(
                f"“{deleted.thread.title}”: {sentence}", f"`t3tray show {deleted.thread.id}` tells what is known."
            )
        thread = named(prefix, shown.values())
        if (recorded := self.of(thread.id)) is None:
            raise Refused(f"“{thread.title}” is not one of OpenCode's threads.", "Other providers keep their own memory.")
        return recorded

    def of(self, name: str) -> ThreadRecord | None:
        """Return what is recorded of a thread; None if there is no such thread to assess."""
        t3, own, cursor = self._t3.get(name), self._own.get(name), self._cursors.get(name)
        if t3 is not None and not (name in self._stale and own is not None and cursor is not None):
            found = recorded_t3(t3, own, cursor) if t3.is_opencode else None
            found = self._lost_bindings.with_doubts(found) if found else None
            return structs.replace(found, unread=self._stale[name]) if found and name in self._stale else found
        if own is None or self._is_gone(own):
            return None
        had_turns = cursor.last_message_id is not None if cursor else self._had_session(name)
        asked_for = cursor is None and name in self._asked_for
        return self._lost_bindings.with_doubts(ThreadRecord(own, cursor, had_turns, asked_for=asked_for))

    def t3(self, name: str) -> T3Thread | None:
        """Return the thread as T3 Code shows it; None if it does not."""
        return self._t3.get(name)

    def _read_bindings(self) -> None:
        seq, bound = self._store.journal.changes_since(self._seq)
        if bound:
            self._asked_for = frozenset(entry.thread_id for entry in self._store.journal.pending() if entry.deed is None)
        self._seq = seq
        for thread_id, cursor in bound.items():
            if cursor is None:
                self._cursors.pop(thread_id, None)
            else:
                self._cursors[thread_id] = cursor
        self._changed.update(bound)

    def _read_threads(self, states: tuple[T3State, ...], is_written: bool) -> None:
        """Read the threads of both programs. `is_written`: our own file has changed."""
        # If a home is unreadable, it is unknown whether a thread is gone from it.
        t3_is_readable = bool(states) and all(state.shape is not Shape.UNSUPPORTED for state in states)
        if is_written or t3_is_readable is not self._t3_is_readable:
            # T3 Code's own data on its threads is newer than our copy of it.
            kept = self._store.threads.ours() if t3_is_readable else self._store.threads.all()
            before, self._own, self._t3_is_readable = self._own, {thread.id: thread for thread in kept}, t3_is_readable
            self._changed |= {name for name, thread in self._own.items() if before.get(name) != thread}
            self._changed |= before.keys() - self._own.keys()
        stale = self._sources.stale
        self._changed |= {name for name in stale.keys() | self._stale.keys() if stale.get(name) != self._stale.get(name)}
        self._stale = stale
        shown = tuple(state.threads for state in states)
        if _are_others(shown, self._shown):
            self._changed |= self._compare(tuple(chain.from_iterable(shown)))
            self._shown = shown

    def _compare(self, now: tuple[T3Thread, ...]) -> set[str]:
        """Take over T3 Code's threads; return the ids of those that are other objects than before."""
        before = tuple(self._t3.values())
        self._t3 = {thread.id: thread for thread in now}
        self.foreign = tuple(thread for thread in now if thread.provider != OPENCODE)
        if len(before) == len(now):
            return {thread.id for pair in compress(zip(before, now, strict=True), map(is_not, before, now)) for thread in pair}
        known = {thread.id: thread for thread in before}
        return {name for name, thread in self._t3.items() if known.get(name) is not thread} | (known.keys() - self._t3.keys())

    def _is_gone(self, own: Thread) -> bool:
        """Whether T3 Code no longer shows one of its threads. A thread of an unreadable home is not gone."""
        return own.source is Source.T3CODE and self._t3_is_readable and own.id not in self._t3

    def _deleted(self, prefix: str) -> ThreadRecord | None:
        """Return the one deleted thread of T3 Code whose id begins so, from T3 Code's data or ours. Raises UsageError."""
        theirs = self._sources.deleted(prefix)
        kept = (own for own in self._store.threads.all() if own.id.startswith(prefix))
        shown = {own.id: own for own in kept if self._is_gone(own)}
        shown |= {name: t3_thread(thread, "") for name, thread in theirs.items()}
        if not shown:
            return None
        thread = named(prefix, shown.values())
        t3, cursor = theirs.get(thread.id), self._cursors.get(thread.id)
        if t3 and not t3.is_opencode:
            return None
        if cursor is None and t3 and t3.session_id:
            cursor = Cursor(t3.session_id, t3.directory)
        return ThreadRecord(thread, cursor, t3.has_turns if t3 else True, t3=t3, deleted=True)

    def _had_session(self, name: str) -> bool:
        """Whether one of our own threads ever had a session, even one that it was unbound from."""
        return any(entry.event is Event.CONFIRMED for entry in self._store.journal.entries(name))


def _are_others(now: Sequence[object], before: Sequence[object]) -> bool:
    """Whether any is another object than before."""
    return len(now) != len(before) or any(map(is_not, now, before))
