"""Opening the file, whatever state it is in: checked, set aside and restored where it is damaged, migrated, copied once a day.

Only bytes that are wrong count as damage. A lock, a full disk, a missing permission or a newer file raise a StoreError and leave
everything as it is. Nothing is ever deleted but copies above the number that is kept.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from t3tray.core.store.copies import Copies
from t3tray.core.store.database import Database
from t3tray.core.store.files import SIDE_FILES, Look, alone, copy_database, look, make_private_file, make_private_folder, stamp
from t3tray.core.store.migration import OURS, Steps, refuse_newer, upgrade
from t3tray.core.store.trouble import translated

FILE_NAME = "t3tray.sqlite"


def open_database(directory: Path, now: datetime, steps: Steps = OURS) -> tuple[Database, tuple[str, ...]]:
    """The file of this folder at the present revision, and what the user has to be told. Raises StoreError."""
    with translated():
        make_private_folder(directory)
        with alone(directory):
            opening = _Opening(directory.absolute(), now, steps)
            return opening.run(), tuple(opening.notices)


class _Opening:
    def __init__(self, directory: Path, now: datetime, steps: Steps) -> None:
        self.notices: list[str] = []
        self._path = directory / FILE_NAME
        self._copies = Copies(directory)
        self._now = now
        self._steps = steps

    def run(self) -> Database:
        wants_copy = self._copies.is_due(self._now)
        found = look(self._path, self._steps, thorough=wants_copy) if self._path.exists() else None
        if found is None or found.damage or not found.revision:
            found = self._replace(found)
        elif wants_copy and found.revision == self._steps.head:
            self._copy_of_the_day()
        make_private_file(self._path)
        if found.revision == self._steps.head:
            return Database(self._path)
        return self._migrated(found.revision)

    def _replace(self, found: Look | None) -> Look:
        """Put the newest good copy in the place of a file that is missing, empty or damaged; without one a new file begins."""
        trouble = "was missing"
        if found is not None:
            trouble = f"was damaged ({found.damage})" if found.damage else "was empty"
        copy = self._good_copy()
        aside = self._set_aside() if copy or found is None or found.damage else None
        if copy is None and aside is None:
            return Look()
        said = f"t3tray's data file {trouble}"
        said += f"; what there was of it was set aside as {aside}. " if aside else ". "
        if copy is None:
            self.notices.append(f"{said}There is no good copy, so it begins anew: bind your threads to their sessions again.")
            return Look()
        time, path, look_at_copy = copy
        copy_database(path, self._path)
        self.notices.append(
            f"{said}The copy of {time:%Y-%m-%d %H:%M} UTC was put back: what was recorded after that is not in it."
        )
        return look_at_copy

    def _set_aside(self) -> str | None:
        """Rename what there is. The side files go first: SQLite would play a -wal that is left behind into the next file."""
        name = f"{FILE_NAME}.damaged-{stamp(self._now)}"
        number = 1
        while any(self._path.with_name(name + suffix).exists() for suffix in ("", *SIDE_FILES)):
            number += 1
            name = f"{FILE_NAME}.damaged-{stamp(self._now)}-{number}"
        renamed = False
        for suffix in (*SIDE_FILES, ""):
            with suppress(FileNotFoundError):
                os.rename(f"{self._path}{suffix}", self._path.with_name(name + suffix))
                renamed = True
        return name if renamed else None

    def _good_copy(self) -> tuple[datetime, Path, Look] | None:
        for time, path in self._copies.newest_first():
            found = look(path, self._steps, thorough=True, at_rest=True)
            if found.revision and not found.damage:
                return time, path, found
        return None

    def _copy_of_the_day(self) -> None:
        try:
            self._copies.make(self._path, self._now)
        except (sqlite3.Error, OSError) as error:
            self.notices.append(f"Today's safety copy of t3tray's data could not be made: {error}.")

    def _migrated(self, revision: str | None) -> Database:
        if revision is not None:
            refuse_newer(revision, self._steps)
            self._copies.make(self._path, self._now)
        database = Database(self._path)
        try:
            with database.write() as connection:
                upgrade(connection, self._steps)
        except BaseException:
            database.close()
            raise
        return database
