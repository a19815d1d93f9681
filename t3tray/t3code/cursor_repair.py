"""Sets T3 Code's own cursor to another session: the only code that writes T3 Code's database, and it writes one row.

Only while T3 Code is not running, only in the first orchestrator's database with exactly the known schema, and only after a copy.
Otherwise Refused is raised with the reason and nothing is changed. Blocks: call it in worker threads.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from t3tray.domain.remedy import Repair
from t3tray.domain.t3code_thread import OPENCODE, Shape
from t3tray.errors import Refused, WorldError
from t3tray.messages.t3code_homes import QUIT_FIRST, START_AND_QUIT
from t3tray.system.read_only_sqlite import BUSY_SECONDS, KeptChanging, Row, SqliteReader
from t3tray.t3code.home import T3Home
from t3tray.t3code.server_info import runs
from t3tray.t3code.state import T3Reader

_TABLE = "provider_session_runtime"
_USER_VERSION = 0
_CURSOR_VERSION = 1
_SESSION = re.compile(r"ses_[A-Za-z0-9]+")
# Name, type, NOT NULL and primary key position, as in every release since 0.0.29; the last column was added later.
_COLUMNS = (
    ("thread_id", "TEXT", 0, 1),
    ("provider_name", "TEXT", 1, 0),
    ("adapter_key", "TEXT", 1, 0),
    ("runtime_mode", "TEXT", 1, 0),
    ("status", "TEXT", 1, 0),
    ("last_seen_at", "TEXT", 1, 0),
    ("resume_cursor_json", "TEXT", 0, 0),
    ("runtime_payload_json", "TEXT", 0, 0),
    ("provider_instance_id", "TEXT", 0, 0),
)
_FORMS = (_COLUMNS, _COLUMNS[:-1])
_COLUMNS_NOW = f"""SELECT name, type, "notnull", pk FROM pragma_table_xinfo('{_TABLE}') ORDER BY cid"""
_TRIGGERS = f"SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{_TABLE}'"
_ROW = f"SELECT provider_name, resume_cursor_json FROM {_TABLE} WHERE thread_id = ?"
_UPDATE = f"UPDATE {_TABLE} SET resume_cursor_json = ? WHERE thread_id = ? AND resume_cursor_json IS ?"


class InUse(Refused):
    """Raised when T3 Code is running or did not shut down properly: retry after it has."""


class _Cursor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int = msgspec.field(name="schemaVersion")
    session_id: str = msgspec.field(name="sessionId")


def check(home: T3Home, thread_id: str, session_id: str) -> Repair:
    """Return what would be written, without writing; `before` equals `after` when nothing is needed. Raises Refused."""
    if not _SESSION.fullmatch(session_id):
        raise Refused(f"“{session_id}” is not the id of one of OpenCode's sessions.")
    old = _found(home, thread_id)
    if old is not None and session_in(old) == session_id:
        return Repair(str(home.base), thread_id, old, old)
    new = msgspec.json.encode(_Cursor(_CURSOR_VERSION, session_id)).decode()
    return Repair(str(home.base), thread_id, old, new)


def apply(repair: Repair) -> None:
    """Copy the database, change the row, and read it back. Raises Refused, and WorldError where the result is not known.

    Can be repeated after a crash at any point. Each repair has its own copy: if it exists, side files of T3 Code's database were
    left by us.
    """
    copy_to = Path(repair.copy)
    home = T3Home(Path(repair.home))
    if not (copy_to.is_file() and _left_beside(home)) or home.runtime_file.exists():
        found = _found(home, repair.thread_id)
        if found == repair.after:
            return
        _refuse_another(repair, found)
        with _translated():
            copy_to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with closing(SqliteReader(_database(home))) as reader:
                reader.copy_to(copy_to)
    with _translated():
        _write(repair, home)
    _read_back(repair, home)


def stands(repair: Repair) -> bool:
    """Return whether T3 Code's cursor is the repaired one, also while T3 Code is running. Raises Refused if unreadable."""
    with _translated(), closing(SqliteReader(_database(T3Home(Path(repair.home))))) as reader:
        return reader.rows(_ROW, repair.thread_id) == [(OPENCODE, repair.after)]


def _found(home: T3Home, thread_id: str) -> str | None:
    """Check all conditions, and return the current cursor's text. Raises Refused."""
    _refuse_while_used(home)
    if left := _left_beside(home):
        raise InUse(f"Found {left.name}: T3 Code has its database open, or did not shut down properly.", START_AND_QUIT)
    state = T3Reader(home).read()
    if state is None:
        raise Refused(f"There is no T3 Code database in {home.state}.")
    if state.shape is not Shape.V1 or state.path != _database(home):
        raise Refused(f"T3 Code uses {state.path.name} ({state.shape}, {state.why}): only the first format can be repaired.")
    with _translated(), closing(SqliteReader(state.path)) as reader:
        (answer,) = reader.rows("PRAGMA quick_check(1)")[0]
        if answer != "ok":
            raise Refused(f"T3 Code's database is damaged ({answer}).")
        _refuse_unknown_form(reader.rows("PRAGMA user_version"), reader.rows(_COLUMNS_NOW), reader.rows(_TRIGGERS))
        return _cursor_of(reader.rows(_ROW, thread_id))


def _refuse_while_used(home: T3Home) -> None:
    if runs(home):
        raise InUse("T3 Code is running.", QUIT_FIRST)
    if home.runtime_file.exists():
        raise InUse(f"T3 Code did not shut down properly: {home.runtime_file.name} still exists.", START_AND_QUIT)


def _refuse_unknown_form(version: list[Row], columns: list[Row], triggers: list[Row]) -> None:
    if version != [(_USER_VERSION,)] or tuple(columns) not in _FORMS or triggers:
        raise Refused(f"T3 Code's table {_TABLE} has an unknown schema.")


def _refuse_another(repair: Repair, found: str | None) -> None:
    if found != repair.before:
        raise Refused("T3 Code's cursor has changed since it was shown.", "Open the thread again.")


def _cursor_of(rows: list[Row]) -> str | None:
    """Return the row's cursor. Raises Refused for another provider's, or one in an unknown format."""
    if not rows:
        raise Refused("T3 Code has no cursor for this thread.", "It creates one with the thread's first message.")
    provider, cursor = rows[0]
    if provider != OPENCODE:
        raise Refused(f"This thread is {provider}'s, not OpenCode's.")
    if cursor is not None and not isinstance(cursor, str):
        raise Refused("T3 Code's cursor has an unknown format: it is not text.")
    if cursor is not None:
        session_in(cursor)
    return cursor


def session_in(cursor: str) -> str:
    """Return the session named by a cursor's text. Raises Refused for an unknown format."""
    try:
        found = msgspec.json.decode(cursor, type=_Cursor)
    except msgspec.DecodeError as error:
        raise Refused(f"T3 Code's cursor has an unknown format ({error}).") from error
    if found.version != _CURSOR_VERSION:
        raise Refused(f"T3 Code's cursor has version {found.version}; t3tray supports {_CURSOR_VERSION}.")
    return found.session_id


def _write(repair: Repair, home: T3Home) -> None:
    """Write the row in one exclusive transaction, during which no other program can use the file."""
    uri = f"{_database(home).absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(uri, timeout=BUSY_SECONDS, uri=True, isolation_level=None)) as connection:
        if _logs_ahead(home):
            # Before any read: then no -shm file is created, and a T3 Code that opens the file meanwhile finds it locked.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE").close()
        connection.execute("PRAGMA synchronous = FULL").close()
        connection.execute("BEGIN EXCLUSIVE").close()
        version, columns, triggers, rows = (
            connection.execute(query, values).fetchall()
            for query, values in (("PRAGMA user_version", ()), (_COLUMNS_NOW, ()), (_TRIGGERS, ()), (_ROW, (repair.thread_id,)))
        )
        _refuse_unknown_form(version, columns, triggers)
        found = _cursor_of(rows)
        if found != repair.after:
            _refuse_another(repair, found)
        # Also when an interrupted run has written it: the commit removes the side files that it left.
        changed = connection.execute(_UPDATE, (repair.after, repair.thread_id, found)).rowcount
        if changed != 1:
            raise Refused(f"{changed} rows would be changed in place of one.")
        _refuse_while_used(home)
        connection.execute("COMMIT").close()


def _read_back(repair: Repair, home: T3Home) -> None:
    try:
        with closing(SqliteReader(_database(home))) as reader:
            found = _cursor_of(reader.rows(_ROW, repair.thread_id))
    except (sqlite3.Error, OSError, KeptChanging) as error:
        raise WorldError(f"T3 Code's cursor was written, but cannot be read back: {error}.", "Open the thread again.") from error
    if found != repair.after:
        raise WorldError("T3 Code's cursor was written, but another one was found afterwards.", "Open the thread again.")


def _database(home: T3Home) -> Path:
    return home.databases[0]


def _logs_ahead(home: T3Home) -> bool:
    """Return whether the database is in WAL mode, by the file's header (https://sqlite.org/fileformat.html, offset 18)."""
    with _database(home).open("rb") as file:
        return file.read(20)[18:] == b"\2\2"


def _left_beside(home: T3Home) -> Path | None:
    """Return a side file that SQLite leaves beside a database in use, or after a crash. An empty log does not count: a program
    that only read the database may leave one."""
    log, journal = (Path(f"{_database(home)}{suffix}") for suffix in ("-wal", "-journal"))
    if log.exists() and log.stat().st_size:
        return log
    return journal if journal.exists() else None


@contextmanager
def _translated() -> Iterator[None]:
    """Raise errors of files and of SQLite as Refused: the transaction was rolled back."""
    try:
        yield
    except KeptChanging as error:
        raise Refused(f"T3 Code's database is in use: {error}", QUIT_FIRST) from error
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise Refused("Another program has T3 Code's database open.", QUIT_FIRST) from error
        raise Refused(f"T3 Code's cursor was not changed: {error}.") from error
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise Refused(f"T3 Code's cursor was not changed: {error.strerror or error}{where}.") from error
