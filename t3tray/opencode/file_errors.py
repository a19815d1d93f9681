"""Translates errors of reading OpenCode's database into ServerErrors, never into "missing"."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from t3tray.errors import ServerDown, ServerError, ServerFault, TimedOut, Unsupported


def error_of(error: Exception, path: Path) -> ServerError:
    """Return our error. Anything but SQLite's or the system's errors means that the file kept changing while it was read."""
    match error:
        case sqlite3.Error():
            return _of_sqlite(error, path)
        case FileNotFoundError():
            return ServerDown(f"There is no OpenCode database at {path}.")
        case OSError():
            return ServerFault(f"OpenCode's database at {path} cannot be read: {error.strerror}.")
    return TimedOut(f"OpenCode's database at {path} kept changing while it was read.")


def _of_sqlite(error: sqlite3.Error, path: Path) -> ServerError:
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return TimedOut(f"OpenCode's database at {path} is locked.")
    if primary in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):
        return Unsupported(f"OpenCode's database at {path} has an unknown format: {error}.")
    return ServerFault(f"OpenCode's database at {path} cannot be read: {error}.")
