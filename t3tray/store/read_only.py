"""Reads our file where it cannot be written (a full disk, a read-only folder): its contents are copied into memory, so that
reading works; every write is refused with the reason.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from t3tray.errors import StoreError
from t3tray.messages.data_file import shown_from_file
from t3tray.store.database import Database
from t3tray.store.files import FileCheck, check_open_file
from t3tray.store.migration import OURS
from t3tray.store.open import FILE_NAME
from t3tray.system.read_only_sqlite import back_up


def open_for_reading(directory: Path, why: StoreError) -> tuple[Database, tuple[str, ...]]:
    """Open this folder's file read-only. Raises `why`, the reason why it could not be opened, when it cannot be read either."""
    path = directory.absolute() / FILE_NAME
    memory = sqlite3.connect(":memory:", check_same_thread=False)
    for uri, pragma in _ways(path):
        try:
            with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as source:
                if pragma:
                    source.execute(pragma).close()
                back_up(source, memory)
            found: FileCheck = check_open_file(memory, OURS)
        except (sqlite3.Error, OSError):
            continue
        if found.revision == OURS.head and not found.damage:
            return Database(path, memory, why), (shown_from_file(why.message, why.hint or ""),)
    memory.close()
    raise why


def _ways(path: Path) -> tuple[tuple[str, str], ...]:
    """Return URIs and pragmas to try in order. A -wal contains the newest data and needs an index file beside it; where none can
    be created, an index in memory works only with exclusive access to the file."""
    uri, log = path.as_uri(), Path(f"{path}-wal")
    if not _may_hold_something(log):
        return ((f"{uri}?mode=ro&immutable=1", ""),)
    return (f"{uri}?mode=ro", ""), (f"{uri}?mode=rw", "PRAGMA locking_mode = EXCLUSIVE")


def _may_hold_something(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError as error:
        return not isinstance(error, FileNotFoundError)
