"""Translates errors of SQLite and of files into ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from t3tray.errors import OurBug, StoreError, folder_unusable
from t3tray.messages.data_file import DATA_FILE, OF_CODE, START_AGAIN, is_damaged

_PRIMARY_CODE = 0xFF
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class DamagedFile(StoreError):
    """Raised when the file's bytes are damaged."""


def damaged(detail: str) -> DamagedFile:
    """Return the error for a file that is found to be damaged while in use."""
    return DamagedFile(
        is_damaged(detail),
        START_AGAIN,
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
        sentences = None if code is None else OF_CODE.get(code & _PRIMARY_CODE)
        if sentences is not None:
            return StoreError(sentences[0].replace(DATA_FILE, name), sentences[1])
    return OurBug(f"A statement failed on {name}: {error}")
