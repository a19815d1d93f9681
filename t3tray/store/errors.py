"""Translates errors of SQLite and of files into ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from t3tray.errors import OurBug, StoreError, folder_unusable

DATA_FILE = "t3tray's data file"
_PRIMARY_CODE = 0xFF
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_SENTENCES: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: ("Another program has locked t3tray's data file.", "Close it, or try again in a moment."),
    sqlite3.SQLITE_LOCKED: ("Another program has locked t3tray's data file.", "Close it, or try again in a moment."),
    sqlite3.SQLITE_FULL: ("The disk is full, so nothing was recorded.", "Free some space and try again."),
    sqlite3.SQLITE_READONLY: ("t3tray may not write its data file.", "Check the permissions of its data folder."),
    sqlite3.SQLITE_PERM: ("t3tray may not use its data file.", "Check the permissions of its data folder."),
    sqlite3.SQLITE_AUTH: ("t3tray may not use its data file.", "Check the permissions of its data folder."),
    sqlite3.SQLITE_CANTOPEN: ("t3tray's data file cannot be opened.", "Check the permissions of its data folder."),
    sqlite3.SQLITE_IOERR: ("The disk failed while t3tray used its data file.", "Check the disk and the space left on it."),
    sqlite3.SQLITE_NOMEM: ("There is not enough memory to use t3tray's data file.", "Close other programs and try again."),
    sqlite3.SQLITE_PROTOCOL: ("Another program has locked t3tray's data file.", "Close it, or try again in a moment."),
}


class DamagedFile(StoreError):
    """Raised when the file's bytes are damaged."""


def damaged(detail: str) -> DamagedFile:
    """Return the error for a file that is found to be damaged while in use."""
    return DamagedFile(
        f"t3tray's data file is damaged ({detail}).",
        "Start t3tray again: it checks the file, and restores the newest intact copy where needed.",
    )


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether the file's bytes are damaged; a lock, a full disk or a missing permission is not damage."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return "decode to UTF-8" in str(error)
    return code & _PRIMARY_CODE in _DAMAGE


@contextmanager
def translated(name: str = DATA_FILE) -> Iterator[None]:
    """Context manager that raises StoreError for errors of the user's machine, and OurBug for wrong SQL or values of ours.

    `name` is the file's name in messages.
    """
    try:
        yield
    except DBAPIError as error:
        raise _ours(error.orig or error, name) from error
    except sqlite3.Error as error:
        raise _ours(error, name) from error
    except OSError as error:
        raise folder_unusable(error) from error


def _ours(error: BaseException, name: str) -> StoreError | OurBug:
    if isinstance(error, sqlite3.Error):
        if is_damage(error):
            return damaged(str(error))
        code = getattr(error, "sqlite_errorcode", None)
        sentences = None if code is None else _SENTENCES.get(code & _PRIMARY_CODE)
        if sentences is not None:
            return StoreError(sentences[0].replace(DATA_FILE, name), sentences[1])
    return OurBug(f"A statement failed on {name}: {error}")
