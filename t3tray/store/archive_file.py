"""`archive.sqlite`: the archive's file, its creation, opening and repair.

It is separate from the store's file, because transcripts grow to hundreds of megabytes: the store's file is checked at each start
and copied each day, both in full (0.6 s and 1.5 s for 230 MB, and five copies). The archive may be the only copy of a
conversation, so each transaction is flushed to the disk.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TypeVar

from sqlalchemy import Connection

from t3tray.errors import OurBug, StoreError
from t3tray.store.archive_pages import PAGE
from t3tray.store.database import Database
from t3tray.store.errors import DamagedFile, translated
from t3tray.store.files import alone, make_private_file, make_private_folder

FILE_NAME = "archive.sqlite"
VERSION = 1
GATE = "archive.lock"
_APPLICATION = 0x74337472
_SCHEMA = {
    "transcripts": "CREATE TABLE transcripts (number INTEGER PRIMARY KEY, session_id TEXT NOT NULL UNIQUE, hash BLOB NOT NULL,"
    " state BLOB NOT NULL)",
    "messages": "CREATE TABLE messages (number INTEGER PRIMARY KEY, transcript INTEGER NOT NULL REFERENCES transcripts (number),"
    " message_id TEXT NOT NULL, created_ms INTEGER NOT NULL, hash BLOB NOT NULL, body BLOB NOT NULL,"
    " UNIQUE (transcript, message_id))",
    "messages_in_order": "CREATE INDEX messages_in_order ON messages (transcript, created_ms, message_id)",
    # The files of earlier versions that were imported, and read back equal.
    "old_files": "CREATE TABLE old_files (session_id TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, messages INTEGER NOT NULL,"
    " size INTEGER NOT NULL, unread TEXT NOT NULL)",
}
_DURABLE = "synchronous = FULL"
# Free pages are returned to the disk. For new files only: set on a file with tables, it would change the file.
_NEW = (f"page_size = {PAGE}", "auto_vacuum = INCREMENTAL")
_NAME = "t3tray's archive"

R = TypeVar("R")
# Receives a connection within a transaction, and whether damage is an error; otherwise it reads what is readable.
Work = Callable[[Connection, bool], R]
# Repairs a damaged file, and returns a sentence on what was done. Raises StoreError where it cannot.
Repair = Callable[[Path, datetime], str]


class ArchiveFile:
    """The archive's file, for any thread. One connection for reading and one for writing, each for one caller at a time.

    `notices` are sentences on repairs, for the user.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime], repair: Repair) -> None:
        self.path = folder / FILE_NAME
        self.notices: tuple[str, ...] = ()
        # How often the file was replaced by another one: what callers remember of the earlier file may then be wrong.
        self.replaced = 0
        self._now = now
        self._repair = repair
        self._lock = Lock()
        self._reader: Database | None = None
        self._writer: Database | None = None

    def read(self, work: Work[R], nothing: R) -> R:
        """Return the result of `work` on one consistent snapshot; `nothing` where there is no file. Raises StoreError."""
        with translated(_NAME):
            if not self.path.exists() and not finished_repair(self.path).exists():
                return nothing
        return self._run(work, writes=False)

    def write(self, work: Work[R]) -> R:
        """Run `work` in a transaction that is on the disk when this returns; creates a missing file. Raises StoreError."""
        return self._run(work, writes=True)

    def close(self) -> None:
        """Close the file; a later call opens it again."""
        with self._lock:
            for database in (self._reader, self._writer):
                if database:
                    with suppress(StoreError):
                        database.close()
            self._reader = self._writer = None

    def _run(self, work: Work[R], writes: bool) -> R:
        try:
            return self._attempt(work, writes, strict=True)
        except DamagedFile as damage:
            self.close()
            self.replaced += 1
            try:
                self.notices = (*self.notices, self._repair(self.path, self._now()))
            except StoreError as error:
                if writes:
                    raise StoreError(f"{_NAME} is damaged ({damage.message}).", error.message) from damage
            return self._attempt(work, writes, strict=False)

    def _attempt(self, work: Work[R], writes: bool, strict: bool) -> R:
        database = self._opened(writes)
        with database.write() if writes else database.read() as connection:
            if database.is_replaced():
                raise StoreError(f"{_NAME} has just been repaired by another process.", "Try again.")
            return work(connection, strict)

    def _opened(self, writes: bool) -> Database:
        with self._lock, translated(_NAME):
            database = self._writer if writes else self._reader
            if database and not database.is_replaced():
                return database
            if database:
                database.close()
                self.replaced += 1
            finish_repair(self.path)
            database = open_archive(self.path)
            self._writer, self._reader = (database, self._reader) if writes else (self._writer, database)
            return database


def open_archive(path: Path) -> Database:
    """Open the file, or create it. Raises StoreError; DamagedFile for a file with other contents."""
    make_private_folder(path.parent)
    if path.exists() and not path.is_file():
        # A pipe or a device: opening it could wait forever.
        raise StoreError(f"{_NAME} cannot be used: {path} is not a file.", "Move it away; a new archive is created then.")
    make_private_file(path, follows_link=True)
    pragmas = (_DURABLE,) if path.stat().st_size else (*_NEW, _DURABLE)
    database = Database(path, pragmas=pragmas, name=_NAME)
    try:
        with database.read() as connection:
            found = _shape(connection)
        if found is None:
            with database.write() as connection:
                if _shape(connection) is None:
                    for statement in (f"PRAGMA application_id = {_APPLICATION}", f"PRAGMA user_version = {VERSION}"):
                        connection.exec_driver_sql(statement)
                    for statement in _SCHEMA.values():
                        connection.exec_driver_sql(statement)
    except BaseException as error:
        database.close()
        if isinstance(error, OurBug | UnicodeDecodeError):
            # Our statements are correct: SQLite found other tables or columns than ours, or reports so in undecodable text.
            raise DamagedFile(str(error)) from error
        raise
    return database


def _shape(connection: Connection) -> int | None:
    """Return the file's version; None for an empty file. Raises StoreError for a newer version, DamagedFile for other tables."""
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    tables = {name: sql for name, sql in rows}
    version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    application = int(connection.exec_driver_sql("PRAGMA application_id").scalar_one())
    if not tables and not version and not application:
        return None
    if application == _APPLICATION and version > VERSION:
        raise StoreError(
            f"{_NAME} was written by a newer version of t3tray (its format is {version}, this version supports {VERSION}).",
            "Use that version or a newer one. Nothing was changed.",
        )
    if application != _APPLICATION or tables != _SCHEMA:
        raise DamagedFile("it does not hold the archive's tables")
    return version


def finished_repair(path: Path) -> Path:
    """Path of a file repaired from a damaged one, until it replaces it."""
    return path.with_name(f"{path.name}.salvaged")


def finish_repair(path: Path) -> None:
    """Complete a repair whose process was killed. Raises OSError, sqlite3.Error."""
    finished = finished_repair(path)
    if not finished.exists():
        return
    with alone(path.parent, GATE):
        if path.exists():
            # The damaged file was not set aside yet, and may have been written to since.
            finished.unlink(missing_ok=True)
        elif finished.exists():
            finished.rename(path)
