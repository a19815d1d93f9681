"""Reading an SQLite file that belongs to another program, and leaving no trace of it.

Read-only alone would leave `-wal` and `-shm` beside a file that has none, for good; `immutable` does not, but reads without any
lock. So: no `-wal` beside it → immutable, and the answer counts only when the file is afterwards as it was before; a `-wal`
there → somebody writes it, or was killed: then its newest pages count, and locks are needed. It blocks: for worker threads.
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
# SQLite waits 250 ms after each of them.
_BACKUP_ATTEMPTS = 20
# How the driver words it; it has no code of its own for this.
_NO_UTF8 = "Could not decode to UTF-8"

Row = tuple[Any, ...]


class KeptChanging(Exception):
    """The file changed under every attempt to read it."""


class SqliteReader:
    """Answers over one connection, for the thread that made it. Keep it short: a writer that ends meanwhile leaves its `-wal`.

    Raises FileNotFoundError and other OSErrors, sqlite3.Error and KeptChanging, from here and from every question.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection, self._seen = self._open()

    def close(self) -> None:
        self._connection.close()

    def columns(self, table: str) -> frozenset[str]:
        """The columns of a table; none when there is no such table."""
        return frozenset(row[0] for row in self.rows("SELECT name FROM pragma_table_info(?)", table))

    def rows(self, query: str, *values: str | int) -> list[Row]:
        """The answer from a file that did not change while it was read."""
        return self.together([query], *values)[0]

    def together(self, queries: Sequence[str], *values: str | int) -> list[list[Row]]:
        """The answers to several questions with the same values, all from one state of the file.

        A text that is no UTF-8 comes with marks in the place of what is wrong in it: it must not take all others away.
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
        """A copy of all that is committed, for its owner alone; `target` appears complete or not at all."""
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
    """What LIKE … ESCAPE '\\' finds this text with, anywhere."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _seen(path: Path) -> Stamp | None:
    """What a change of the file would change; None where a `-wal` stands beside it."""
    status = path.stat()
    refuse_special(status, path)
    return None if os.path.exists(f"{path}-wal") else stamp_of(status)


def back_up(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Copy all that is committed. Raises sqlite3.Error, also when the file stays locked for five seconds: `backup` itself would
    try again for ever, and no signal ends it."""
    waited = 0

    def refuse_to_wait(status: int, _remaining: int, _total: int) -> None:
        nonlocal waited
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            waited += 1
            if waited >= _BACKUP_ATTEMPTS:
                raise sqlite3.OperationalError("database is locked")

    source.backup(target, progress=refuse_to_wait)
