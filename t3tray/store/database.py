"""A connection to a SQLite file and its transactions, independent of tables.

Synchronous; any thread may call, one at a time. Every transaction is an explicit BEGIN, and a writing one BEGIN IMMEDIATE: it
waits for other writers at its beginning, and cannot fail because of them later.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Lock

from sqlalchemy import Connection, Engine, StaticPool, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from t3tray.errors import OurBug, StoreError
from t3tray.messages.data_file import DATA_FILE
from t3tray.store.errors import translated

BUSY_SECONDS = 5.0
_WRITES = "t3tray_writes"


class Database:
    """An open file. Transactions never nest."""

    def __init__(
        self,
        path: Path,
        memory: sqlite3.Connection | None = None,
        unwritable: StoreError | None = None,
        pragmas: tuple[str, ...] = ("synchronous = NORMAL",),
        name: str = DATA_FILE,
    ) -> None:
        """`memory` is a copy of the file at `path` when that cannot be written: `write` then raises `unwritable`. `pragmas` are
        set before all others; `name` is the file's name in error messages."""
        self._name = name
        self.path = path
        self.unwritable = unwritable
        self._identity = _identity(path)
        self._lock = Lock()
        self._is_open = True
        self._reader = _engine(path, memory, pragmas)
        self._writer = self._reader.execution_options(**{_WRITES: True})

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Transaction for reading a consistent snapshot. Raises StoreError."""
        with self._transaction(self._reader) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Transaction for writing: committed at the end, rolled back by any exception. Raises StoreError."""
        if self.unwritable:
            raise self.unwritable
        with self._transaction(self._writer) as connection:
            yield connection

    def version(self) -> tuple[int, int]:
        """Return a number that changes with other connections' changes, and the number of rows changed by this one.

        Raises StoreError.
        """
        with self._held(), closing(self._reader.raw_connection()) as connection:
            # Without a transaction: this runs before every scan and resume.
            driver: sqlite3.Connection = connection.driver_connection  # type: ignore[assignment]
            return driver.execute("PRAGMA data_version").fetchone()[0], driver.total_changes

    def is_replaced(self) -> bool:
        """Return whether the file was replaced or removed since it was opened. Raises OSError."""
        return _identity(self.path) != self._identity

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        with self._lock, translated(self._name):
            self._is_open = False
            self._reader.dispose()

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        with self._held(), engine.begin() as connection:
            yield connection

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Hold the lock for one caller. Raises StoreError when the file is no longer the one that was opened."""
        with self._lock, translated(self._name):
            if not self._is_open:
                raise OurBug("t3tray's data was used after it had been closed.")
            if self.is_replaced():
                raise StoreError(
                    "t3tray's data file was replaced or removed while it was in use, so nothing can be recorded in it.",
                    "Start t3tray again.",
                )
            yield


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _engine(path: Path, memory: sqlite3.Connection | None, pragmas: tuple[str, ...]) -> Engine:
    def connect() -> sqlite3.Connection:
        return memory or sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)

    # Without `hide_parameters` an error's text, which is logged, would have titles and drafts in it.
    engine = create_engine("sqlite+pysqlite://", creator=connect, poolclass=StaticPool, hide_parameters=True)
    event.listen(engine, "connect", partial(_set_up, pragmas))
    event.listen(engine, "begin", _begin)
    return engine


def _set_up(pragmas: tuple[str, ...], connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    # The driver's own transaction control begins no transaction for SELECT and DDL, and never an immediate one.
    connection.isolation_level = None
    # Invalid UTF-8 is read with replacement characters: one damaged text must not make all others unreadable.
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")
    # macOS flushes to the disk itself only with the "full" variants; other systems make no difference.
    for pragma in (*pragmas, "journal_mode = WAL", "foreign_keys = ON", "fullfsync = ON", "checkpoint_fullfsync = ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
