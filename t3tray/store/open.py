"""Opens the store's file in whatever state it is: checks it, restores a damaged one from a copy, migrates it, makes the daily
copy, and completes it from `journal.jsonl`.

Only wrong bytes count as damage. A lock, a full disk, a missing permission or a newer file raise StoreError with everything
unchanged. Nothing is deleted except surplus copies. A restore stays recorded in the store (`domain.restore`) until the user
confirms it.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from t3tray.domain.restore import Restore
from t3tray.errors import T3TrayError
from t3tray.messages.data_file import NO_COPY_TODAY, WAS_OLDER, record_not_used
from t3tray.messages.restore import restore_sentence
from t3tray.store.copies import Copies
from t3tray.store.database import Database
from t3tray.store.errors import translated
from t3tray.store.files import (
    SIDE_FILES,
    FileCheck,
    alone,
    check_file,
    copy_database,
    make_private_file,
    make_private_folder,
    stamp,
)
from t3tray.store.journal_file import JournalFile, JournalLine, last_change, lines_since
from t3tray.store.migration import OURS, Steps, refuse_newer, upgrade
from t3tray.store.replay import replay
from t3tray.store.restores import add_restore, last_seq, set_store_id, store_id

FILE_NAME = "t3tray.sqlite"


def open_database(directory: Path, now: datetime, steps: Steps = OURS) -> tuple[Database, tuple[str, ...]]:
    """Return this folder's file at the current revision, and notices for the user. Raises StoreError."""
    with translated():
        make_private_folder(directory)
        with alone(directory):
            opening = _Opening(directory.absolute(), now, steps)
            database = opening.run()
            try:
                opening.bring_up_to_date(database)
            except BaseException:
                database.close()
                raise
            return database, tuple(opening.notices)


class _Opening:
    def __init__(self, directory: Path, now: datetime, steps: Steps) -> None:
        self.notices: list[str] = []
        self._restore: Restore | None = None
        self._wants_copy = False
        self._is_noted = False
        self._path = directory / FILE_NAME
        self._copies = Copies(directory)
        self._now = now
        self._steps = steps

    def run(self) -> Database:
        wants_copy = self._wants_copy = self._is_copy_due()
        found = check_file(self._path, self._steps, thorough=wants_copy) if self._path.exists() else None
        if found is None or found.damage or not found.revision:
            found = self._replace(found)
        elif wants_copy and found.revision == self._steps.head:
            self._copy_of_the_day()
        # A user who stores the data elsewhere may have created a link here.
        make_private_file(self._path, follows_link=True)
        if found.revision == self._steps.head:
            return Database(self._path)
        return self._migrated(found.revision)

    def _replace(self, found: FileCheck | None) -> FileCheck:
        """Replace a missing, empty or damaged file by the newest intact copy; without one, start with a new file."""
        trouble = "was missing"
        if found is not None:
            trouble = f"was damaged ({found.damage})" if found.damage else "was empty"
        copy = self._good_copy()
        aside = self._set_aside() if copy or found is None or found.damage else None
        if copy is None and aside is None:
            return FileCheck()
        self._restore = Restore(self._now, trouble, 0, complete=False, copy_at=copy[0] if copy else None, aside=aside or "")
        if copy is None:
            return FileCheck()
        copy_database(copy[1], self._path)
        return copy[2]

    def _set_aside(self) -> str | None:
        """Rename the existing files. Side files first: SQLite would apply a -wal that is left behind to the next file."""
        name = f"{FILE_NAME}.damaged-{stamp(self._now)}"
        number = 1
        while any(self._path.with_name(name + suffix).exists() for suffix in ("", *SIDE_FILES)):
            number += 1
            name = f"{FILE_NAME}.damaged-{stamp(self._now)}-{number}"
        renamed = False
        for suffix in (*SIDE_FILES, ""):
            with suppress(FileNotFoundError):
                Path(f"{self._path}{suffix}").rename(self._path.with_name(name + suffix))
                renamed = True
        return name if renamed else None

    def _good_copy(self) -> tuple[datetime, Path, FileCheck] | None:
        """Return the intact copy with the most journal entries. Its date is secondary: the clock may have been wrong."""
        good = []
        for time, path in self._copies.newest_first():
            found = check_file(path, self._steps, thorough=True, at_rest=True)
            if found.revision and not found.damage:
                good.append((time, path, found))
        return max(good, key=lambda copy: (copy[2].last_seq, copy[0] <= self._now, copy[0]), default=None)

    def _is_copy_due(self) -> bool:
        try:
            return self._copies.is_due(self._now)
        except OSError as error:
            self._note_no_copy(error)
            return False

    def _copy_of_the_day(self) -> None:
        try:
            self._copies.make(self._path, self._now)
        except (sqlite3.Error, OSError) as error:
            self._note_no_copy(error)

    def _note_no_copy(self, error: Exception) -> None:
        """Add a notice once: a failed copy does not affect the data itself."""
        if not any(notice.startswith(NO_COPY_TODAY) for notice in self.notices):
            self.notices.append(f"{NO_COPY_TODAY}: {error}.")

    def _migrated(self, revision: str | None) -> Database:
        if revision is not None:
            refuse_newer(revision, self._steps)
            self._copy_of_the_day()
        database = Database(self._path)
        try:
            with database.write() as connection:
                upgrade(connection, self._steps)
        except BaseException:
            database.close()
            raise
        return database

    def bring_up_to_date(self, database: Database) -> None:
        """Compare with `journal.jsonl`, and add to each of the two what it lacks. Raises StoreError."""
        file = JournalFile(self._path.parent)
        try:
            # Read before the database: a line is written after its transaction, so it is never ahead of an intact database.
            newest = file.last()
            with database.read() as connection:
                name, change = store_id(connection), last_change(connection)
            if newest is not None and name and newest.store != name:
                file.set_aside(f"other-{stamp(self._now)}")
                newest = None
            is_level = bool(name) and change == (newest.seq if newest else 0)
            if is_level and self._restore is None and not self._wants_copy:
                return
            self._level(database, file, newest)
        except OSError as error:
            self.notices.append(record_not_used(file.path, error.strerror or error))
            self._note_restore(database)

    def _note_restore(self, database: Database) -> None:
        """Record an incomplete restore: without `journal.jsonl` no binding is known to be the latest."""
        if self._restore is None or self._is_noted:
            return
        with database.write() as connection:
            if not store_id(connection):
                set_store_id(connection, uuid4().hex)
            self._restore = replace(self._restore, last_seq=last_seq(connection), complete=False)
            add_restore(connection, self._restore)
        self.notices.append(restore_sentence(self._restore))

    def _level(self, database: Database, file: JournalFile, newest: JournalLine | None) -> None:
        lines, gap = file.lines() if newest else ([], None)
        with database.write() as connection:
            if not store_id(connection):
                set_store_id(connection, newest.store if newest else uuid4().hex)
            known, change = last_seq(connection), last_change(connection)
        is_older = newest is not None and newest.seq > change
        if is_older and self._restore is None:
            self._restore = Restore(self._now, WAS_OLDER, 0, complete=False)
        is_complete = gap is None and newest is not None and newest.seq >= change
        if is_older:
            is_complete = self._replayed(database, lines) and is_complete
        with database.write() as connection:
            if self._restore is not None:
                # A binding from before a gap may have been changed by a missing line.
                known = max(known, min(gap or 0, last_seq(connection)))
                self._restore = replace(self._restore, last_seq=known, complete=is_complete)
                add_restore(connection, self._restore)
                self._is_noted = True
                self.notices.append(restore_sentence(self._restore))
            written = {line.seq for line in lines}
            missing = [line for line in lines_since(connection, 0) if line.seq not in written]
        file.append(missing)

    def _replayed(self, database: Database, lines: list[JournalLine]) -> bool:
        try:
            with database.write() as connection:
                return replay(connection, lines)
        except T3TrayError:
            return False
