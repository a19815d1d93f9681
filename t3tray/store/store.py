"""The store: one open file, and a small class for each group of tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from t3tray.domain.journal import Entry
from t3tray.domain.thread import Thread
from t3tray.errors import StoreError
from t3tray.messages.data_file import NO_COPY_TODAY
from t3tray.messages.restore import SETTLE, restore_sentence
from t3tray.store.alarms import Alarms
from t3tray.store.copies import Copies
from t3tray.store.damaged_rows import notes_of
from t3tray.store.database import Database
from t3tray.store.errors import translated
from t3tray.store.guard_answers import GuardAnswers
from t3tray.store.guard_place import GuardPlaces
from t3tray.store.journal import Journal, append_entry
from t3tray.store.journal_file import JournalFile
from t3tray.store.let_go import LetGoes
from t3tray.store.open import open_database
from t3tray.store.prompts import Prompts
from t3tray.store.proofs import Proofs
from t3tray.store.read_only import open_for_reading
from t3tray.store.receipts import Receipts
from t3tray.store.restores import Restores, store_id
from t3tray.store.server_lease import Leases
from t3tray.store.settings import SettingsTable
from t3tray.store.state import IdleShutdowns
from t3tray.store.threads import StoredThreads, insert_thread
from t3tray.store.visits import Visits


class Store:
    """Synchronous; one thread at a time may use it. `notices` are sentences that the user must see once."""

    def __init__(self, database: Database, notices: tuple[str, ...], file: JournalFile | None = None) -> None:
        self._database = database
        self._copies = Copies(database.path.parent)
        self._file = file or JournalFile(database.path.parent)
        self._copy_trouble = ""
        self.notices = notices
        self.threads = StoredThreads(database)
        self.journal = Journal(database, self._file)
        self.restores = Restores(database)
        with database.read() as connection:
            # Distinguishes this store from other data folders' stores; the same in all its copies.
            self.id = store_id(connection)
        self.receipts = Receipts(database)
        self.settings = SettingsTable(database)
        self.guard_place = GuardPlaces(database)
        self.rests = IdleShutdowns(database)
        self.let_go = LetGoes(database)
        self.lease = Leases(database)
        self.alarms = Alarms(database)
        self.proofs = Proofs(database, self._file)
        self.guard_answers = GuardAnswers(database)
        self.visits = Visits(database)
        self.prompts = Prompts(database)

    @classmethod
    def open(cls, directory: Path, now: Callable[[], datetime]) -> Store:
        """Open or create the file in this folder, in whatever state it is. Raises StoreError with nothing changed."""
        return cls(*open_database(directory, now()))

    @classmethod
    def open_with_fallback(cls, directory: Path, now: Callable[[], datetime]) -> Store:
        """Open the file, read-only where it exists and cannot be written. Raises StoreError."""
        try:
            return cls.open(directory, now)
        except StoreError as error:
            return cls(*open_for_reading(directory, error))

    def beside(self, read_only: bool = False) -> Store:
        """Return a store with a second connection to the same file, for another thread, which does not wait for this one.

        A `read_only` one waits for no writer either. Returns this store itself where the file is read-only. Raises StoreError.
        """
        if self._database.unwritable:
            return self
        pragmas = ("query_only = ON",) if read_only else ("synchronous = NORMAL",)
        return Store(Database(self.path, pragmas=pragmas), (), self._file)

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    def version(self) -> tuple[int, int]:
        """Return a value that changes with each change of the file by any process, except receipts of this process.

        Raises StoreError.
        """
        by_others, by_us = self._database.version()
        return by_others, by_us - self.receipts.rows_changed

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return sentences on current problems, and the notices of this start. Raises StoreError."""
        restore = self.restores.unsettled()
        standing = (restore_sentence(restore) if restore else "", *self.settings.warnings, self._file.trouble, self._copy_trouble)
        # The restore of this start may have been confirmed.
        notices = (notice for notice in self.notices if restore or not notice.endswith(SETTLE))
        return tuple(dict.fromkeys(filter(None, (*notices, *standing))))

    def damaged_rows(self) -> tuple[str, ...]:
        """Read everything once, and return a sentence on each damaged value. Raises StoreError."""
        self.threads.all()
        self.journal.entries()
        self.journal.cursors()
        self.alarms.all()
        self.alarms.sightings()
        self.guard_answers.all()
        self.visits.all()
        self.guard_place.read()
        self.rests.last()
        self.let_go.homes()
        self.let_go.ends()
        self.lease.wanted()
        self.receipts.check()
        if (lease := self.lease.read()) is not None:
            self.lease.holders(lease.token)
        with self._database.read() as connection:
            return tuple(notes_of(connection).values())

    def add_thread(self, thread: Thread, entry: Entry) -> None:
        """Record a new thread and its first journal entry in one transaction. Raises StoreError, Refused."""
        with self._file.recording(self._database) as connection:
            insert_thread(connection, thread)
            append_entry(connection, entry)

    def copy_if_due(self, now: datetime) -> None:
        """Make the daily copy, for a t3tray that runs for weeks. A failure becomes a warning."""
        try:
            with translated():
                if self._copies.is_due(now):
                    self._copies.make(self.path, now)
        except StoreError as error:
            self._copy_trouble = f"{NO_COPY_TODAY}: {error.message}"
        else:
            self._copy_trouble = ""

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._database.close()
