"""Copying an SQLite database from one connection into another, within a limit."""

from __future__ import annotations

import sqlite3

# SQLite waits 250 ms after each of them.
_ATTEMPTS = 20


def back_up(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Copy all that is committed. Raises sqlite3.Error, also when the file stays locked for five seconds: `backup` itself would
    try again for ever, and no signal ends it."""
    waited = 0

    def refuse_to_wait(status: int, _remaining: int, _total: int) -> None:
        nonlocal waited
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            waited += 1
            if waited >= _ATTEMPTS:
                raise sqlite3.OperationalError("database is locked")

    source.backup(target, progress=refuse_to_wait)
