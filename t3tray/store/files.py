"""Private files: creating them, checking one as a SQLite file, copying one.

Only the owner may read them: folders are created with mode 0700 and files with 0600, before they have contents.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from t3tray.messages.data_file import NOT_A_FILE, NOT_OURS
from t3tray.store.errors import is_damage
from t3tray.store.migration import Steps
from t3tray.store.schema import JOURNAL_TRIGGERS, metadata
from t3tray.system.read_only_sqlite import back_up

SIDE_FILES = ("-wal", "-shm", "-journal")
STAMP = "%Y%m%dT%H%M%SZ"
_WAIT_FOR_ANOTHER = 15.0


@dataclass(frozen=True)
class FileCheck:
    """Result of checking a file. `damage` is a clause for people; `revision` is None for an empty file; `last_seq` is the seq of
    the journal's last entry."""

    damage: str | None = None
    revision: str | None = None
    last_seq: int = 0


def make_private_folder(folder: Path) -> None:
    """Create a folder for its owner only. The mode of an existing folder with contents is not changed."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        folder.chmod(0o700)


def make_private_file(path: Path, follows_link: bool = False) -> None:
    """Create an empty file unless it exists; in any case make it readable for its owner only. SQLite gives -wal and -shm the same
    mode.

    A symbolic link could lead to any file of the user's: it is refused unless `follows_link`. Raises OSError.
    """
    flags = os.O_CREAT | os.O_RDWR | (0 if follows_link else getattr(os, "O_NOFOLLOW", 0))
    os.close(os.open(path, flags, 0o600))
    path.chmod(0o600)


@contextmanager
def alone(folder: Path, name: str = "opening.lock") -> Iterator[None]:
    """Hold an exclusive lock of the folder between processes. It is SQLite's lock: it works everywhere, and a crash releases it.

    Raises sqlite3.OperationalError when another process does not release it in time.
    """
    gate = folder / name
    make_private_file(gate)
    with closing(sqlite3.connect(gate, timeout=_WAIT_FOR_ANOTHER, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE").close()
        yield


def check_file(path: Path, steps: Steps, thorough: bool = False, at_rest: bool = False) -> FileCheck:
    """Check a file: its pages (`thorough`: also its indexes), its revision, and at the current revision its tables.

    `at_rest`: no process writes it, so that no side files are created. Raises sqlite3.Error for anything that is not damage.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        # A pipe or a device: opening it could wait forever.
        return FileCheck(damage=NOT_A_FILE)
    uri = f"{path.absolute().as_uri()}?{'mode=ro&immutable=1' if at_rest else 'mode=rw'}"
    try:
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
            return _check(connection, steps, "integrity_check(1)" if thorough else "quick_check(1)")
    except sqlite3.Error as error:
        if is_damage(error) or error.sqlite_errorcode == sqlite3.SQLITE_ERROR:
            # Plain SQLITE_ERROR: the file has other tables or columns than ours.
            return FileCheck(damage=str(error))
        raise


def check_open_file(connection: sqlite3.Connection, steps: Steps) -> FileCheck:
    """Check a file that is open already. Raises sqlite3.Error, also for damage."""
    return _check(connection, steps, "quick_check(1)")


def _check(connection: sqlite3.Connection, steps: Steps, check: str) -> FileCheck:
    (answer,) = connection.execute(f"PRAGMA {check}").fetchone()
    if answer != "ok":
        return FileCheck(damage=str(answer).splitlines()[-1])
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")}
    if not names:
        return FileCheck()
    revision = _revision(connection) if "alembic_version" in names else None
    if revision is None:
        return FileCheck(damage=NOT_OURS)
    missing = _missing(connection, names) if revision == steps.head else None
    if missing:
        return FileCheck(damage=f"{missing} is missing", revision=revision)
    (last_seq,) = connection.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()
    return FileCheck(revision=revision, last_seq=last_seq)


def _revision(connection: sqlite3.Connection) -> str | None:
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def _missing(connection: sqlite3.Connection, names: set[str]) -> str | None:
    for trigger in JOURNAL_TRIGGERS:
        if trigger not in names:
            return f"the trigger {trigger}"
    there = set(connection.execute(_COLUMNS_THERE, (json.dumps([table.name for table in metadata.sorted_tables]),)))
    return next((".".join(column) for column in _columns() if column not in there), None)


# Of these tables, given as a JSON list of names. A table of another program is not read: it may be virtual, and unreadable.
_COLUMNS_THERE = (
    "SELECT tables.name, columns.name FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns"
    " WHERE tables.type = 'table' AND tables.name IN (SELECT value FROM json_each(?))"
)


@cache
def _columns() -> tuple[tuple[str, str], ...]:
    return tuple((table.name, column.name) for table in metadata.sorted_tables for column in table.columns)


def copy_database(source: Path, target: Path) -> None:
    """Copy all committed data with SQLite's backup; `target` appears complete or not at all.

    Raises sqlite3.Error or OSError.
    """
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    make_private_file(part)
    try:
        with closing(sqlite3.connect(source)) as reader, closing(sqlite3.connect(part)) as writer:
            back_up(reader, writer)
            writer.execute("PRAGMA journal_mode = DELETE").close()
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def flush(descriptor: int) -> None:
    """Wait until written data is on the disk. Raises OSError."""
    if sys.platform == "darwin":
        import fcntl

        # On macOS `fsync` ends at the disk's cache. A network disk supports only that.
        with suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)


def stamp(moment: datetime) -> str:
    """Format a time for file names, so that names sort like times."""
    return moment.astimezone(UTC).strftime(STAMP)
