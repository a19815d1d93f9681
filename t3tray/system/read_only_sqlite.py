"""Reads another program's SQLite file without leaving a trace.

Read-only mode alone would leave `-wal` and `-shm` files beside a file that has none; `immutable` does not, but reads without
locks. So: without a `-wal`, open it as immutable, and use the result only if the file has not changed meanwhile. With a `-wal`, a
program is writing it or was killed: then the newest pages are in it, and locks are needed. Blocks: call it in worker threads.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from t3tray.system.file_stamp import Stamp, stamp_of
from t3tray.system.regular_file import refuse_special

BUSY_SECONDS = 2.0
_ATTEMPTS = 3
# SQLite waits 250 ms after each attempt.
_BACKUP_ATTEMPTS = 20
# The driver's message; it has no error code for this.
_NO_UTF8 = "Could not decode to UTF-8"

Row = tuple[Any, ...]


class KeptChanging(Exception):
    """Raised when the file changed during every attempt to read it."""


class SqliteReader:
    """One connection, for the thread that created it. Close it soon: a writer that ends meanwhile leaves its `-wal` behind.

    The constructor and all queries raise FileNotFoundError and other OSErrors, sqlite3.Error and KeptChanging.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection, self._seen = self._open()

    def close(self) -> None:
        self._connection.close()

    def columns(self, table: str) -> frozenset[str]:
        """Return the columns of a table; empty when there is no such table."""
        return frozenset(row[0] for row in self.rows("SELECT name FROM pragma_table_info(?)", table))

    def rows(self, query: str, *values: str | int) -> list[Row]:
        """Return the rows of a query, from a file that did not change while it was read."""
        return self.together([query], *values)[0]

    def together(self, queries: Sequence[str], *values: str | int) -> list[list[Row]]:
        """Return the rows of several queries with the same values, all from one state of the file.

        Invalid UTF-8 is read with replacement characters: one damaged text must not make all others unreadable.
        """
        for _ in range(_ATTEMPTS):
            try:
                answers = self._ask(queries, values)
            except sqlite3.Error:
                if not self._has_changed():
                    raise
            else:
                if not self._has_changed():
                    return answers
            self._connection.close()
            self._connection, self._seen = self._open()
        raise KeptChanging(f"{self.path} kept changing while it was read.")

    def copy_to(self, target: Path) -> None:
        """Copy all committed data into a file readable by its owner only; `target` appears complete or not at all."""
        part = target.with_name(f"{target.name}.part")
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            with closing(sqlite3.connect(part)) as writer:
                back_up(self._connection, writer)
                writer.execute("PRAGMA journal_mode = DELETE").close()
            if self._has_changed():
                raise KeptChanging(f"{self.path} changed while it was copied.")
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def _ask(self, queries: Sequence[str], values: tuple[str | int, ...]) -> list[list[Row]]:
        if len(queries) > 1:
            self._connection.execute("BEGIN").close()
        try:
            return [self._connection.execute(query, values).fetchall() for query in queries]
        except sqlite3.OperationalError as error:
            if not str(error).startswith(_NO_UTF8) or self._connection.text_factory is not str:
                raise
            self._connection.rollback()
            self._connection.text_factory = _readable
            return self._ask(queries, values)
        finally:
            self._connection.rollback()

    def _open(self) -> tuple[sqlite3.Connection, Stamp | None]:
        seen = _seen(self.path)
        mode = "mode=ro&immutable=1" if seen else "mode=ro"
        return sqlite3.connect(f"{self.path.absolute().as_uri()}?{mode}", timeout=BUSY_SECONDS, uri=True), seen

    def _has_changed(self) -> bool:
        return self._seen is not None and self._seen != _seen(self.path)


def _readable(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def pattern(text: str) -> str:
    """Return a pattern for LIKE … ESCAPE '\\' that matches this text anywhere."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _seen(path: Path) -> Stamp | None:
    """Return a stamp that changes with the file; None where it has a `-wal`."""
    status = path.stat()
    refuse_special(status, path)
    return None if os.path.exists(f"{path}-wal") else stamp_of(status)


def back_up(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Copy all committed data. Raises sqlite3.Error, also when the file stays locked for five seconds: `backup` itself would
    retry forever, and cannot be interrupted by a signal."""
    waited = 0

    def refuse_to_wait(status: int, _remaining: int, _total: int) -> None:
        nonlocal waited
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            waited += 1
            if waited >= _BACKUP_ATTEMPTS:
                raise sqlite3.OperationalError("database is locked")

    source.backup(target, progress=refuse_to_wait)
