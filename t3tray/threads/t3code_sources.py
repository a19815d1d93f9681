"""All homes of T3 Code as one source of threads: a home or log that cannot be read is reported, and hides nothing of the
others."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from t3tray.domain.t3code_thread import Shape, T3Thread
from t3tray.domain.transcript import Transcript
from t3tray.messages.unread import T3_MESSAGES, could_not_be_read, database_gone, home_unreadable, threads_unread
from t3tray.t3code.duplicate_homes import DuplicateHomes, without_duplicates
from t3tray.t3code.home import T3Home
from t3tray.t3code.provider_logs import ProviderLogs, Stretch
from t3tray.t3code.state import T3Reader, T3State
from t3tray.threads.unreadable import UnreadThreads, error_text


class T3Sources:
    """Reads all homes repeatedly. `duplicate_homes`: threads in two homes are shown as the live one has them.

    `stale`: ids of the threads that are shown as before because their home cannot be read now, each with the reason.
    """

    def __init__(self, readers: Iterable[T3Reader], unread: UnreadThreads) -> None:
        self.duplicate_homes: tuple[DuplicateHomes, ...] = ()
        self.stale: dict[str, str] = {}
        self._unread = unread
        self._readers: tuple[T3Reader, ...] = ()
        self._logs: tuple[ProviderLogs, ...] = ()
        self._states: tuple[T3State, ...] = ()
        self._last_states: dict[T3Home, T3State] = {}
        self._gone: dict[T3Home, Path] = {}
        self.read_from(readers)

    def read_from(self, readers: Iterable[T3Reader]) -> None:
        """Use these homes of T3 Code from now on. One that is known already keeps what was read of it."""
        known = {reader.home: reader for reader in self._readers}
        logs = {reader.home: log for reader, log in zip(self._readers, self._logs, strict=True)}
        self._readers = tuple(known.get(reader.home, reader) for reader in readers)
        self._logs = tuple(logs.get(reader.home) or ProviderLogs(reader.home.provider_logs) for reader in self._readers)

    def read(self) -> tuple[T3State, ...]:
        """Return the state of each home that contains a T3 Code."""
        found = [state for reader in self._readers if (state := self._read_home(reader)) is not None]
        self._states, self.duplicate_homes = without_duplicates(found)
        unread = (state for state in self._states if state.shape is Shape.UNSUPPORTED)
        self.stale = {thread.id: state.why for state in unread for thread in state.threads}
        return self._states

    @property
    def trouble(self) -> tuple[str, ...]:
        """A sentence on each home, and each log, that could not be read or no longer exists."""
        unread = (threads_unread(state.why) for state in self._states if state.shape is Shape.UNSUPPORTED)
        gone = map(database_gone, self._gone.values())
        return (*unread, *gone, *(sentence for logs in self._logs for sentence in logs.trouble))

    def deleted(self, prefix: str) -> dict[str, T3Thread]:
        """Return the threads deleted in T3 Code whose ids begin so, by id."""
        return {thread.id: thread for reader in self._readers for thread in reader.deleted(prefix)}

    def parts(self, names: Collection[str], only_ends: bool = False) -> list[dict[str, tuple[str, ...]] | None]:
        """Return for each home the parts of OpenCode's messages from which the answers of these threads were made; None if it
        cannot be read now. `only_ends`: only of each thread's first and last answer."""
        return [self._parts_in(reader, names, only_ends) for reader in self._readers]

    def transcript(self, thread_id: str) -> Transcript | None:
        """Return T3 Code's own copy of a thread's messages; None if there is no readable one."""
        readers = (reader for reader in self._readers if self._shows(reader.home, thread_id))
        return next((found for reader in readers if (found := reader.transcript(thread_id))), None)

    def home_of(self, thread_id: str) -> T3Home | None:
        """Return the home that shows this thread."""
        return next((state.home for state in self.read() if any(thread.id == thread_id for thread in state.threads)), None)

    def shape_of(self, thread_id: str) -> Shape | None:
        """Return the form of the database that shows this thread."""
        return next((state.shape for state in self.read() if any(thread.id == thread_id for thread in state.threads)), None)

    def list_logs_again(self) -> None:
        """List the log files again: there may be new ones."""
        for logs in self._logs:
            logs.list_again()

    def has_log(self, thread_id: str) -> bool:
        """Whether any home has a log of this thread."""
        return any(logs.has(thread_id) for logs in self._logs)

    def stretches(self, thread_id: str) -> tuple[Stretch, ...]:
        """Return which session served the thread when, one after the other, according to the logs."""
        read = (logs for reader, logs in zip(self._readers, self._logs, strict=True) if self._shows(reader.home, thread_id))
        return tuple(stretch for logs in read if logs.has(thread_id) for stretch in logs.stretches(thread_id))

    def _shows(self, home: T3Home, thread_id: str) -> bool:
        """Whether this home's data on the thread counts: of two homes with the thread only the live one's does."""
        return not any(pair.other == home and thread_id in pair.threads for pair in self.duplicate_homes)

    def _read_home(self, reader: T3Reader) -> T3State | None:
        """Return one home's state. While it cannot be read, its threads are those of the last state."""
        try:
            state = reader.read()
        except Exception as error:
            why = home_unreadable(reader.home.base, error_text(error))
            self._unread.log(str(reader.home.base), why, error)
            state = T3State(reader.home, reader.home.databases[0], Shape.UNSUPPORTED, why)
        if state is None:
            if last := self._last_states.pop(reader.home, None):
                self._gone[reader.home] = last.path
            return None
        self._gone.pop(reader.home, None)
        if state.shape is not Shape.UNSUPPORTED:
            self._last_states[reader.home] = state
        elif last := self._last_states.get(reader.home):
            return replace(state, threads=last.threads)
        return state

    def _parts_in(self, reader: T3Reader, names: Collection[str], only_ends: bool) -> dict[str, tuple[str, ...]] | None:
        try:
            return reader.parts(names, only_ends)
        except Exception as error:
            self._unread.log(str(reader.home.base), could_not_be_read(T3_MESSAGES, error_text(error)), error)
            return None
