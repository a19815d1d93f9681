"""Repairs a damaged `archive.sqlite`: copies what can be read, independently of its indexes, into a new file; the damaged file is
set aside and kept. The content of a message names its session and has a checksum, so each message is copied intact or not at all.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from t3tray.domain.archived import ArchivedTranscript, LostMessages, TranscriptOwner
from t3tray.messages.archive import rebuilt_sentence
from t3tray.store.archive_file import GATE, finished_repair, open_archive
from t3tray.store.archive_pages import rows_on_pages
from t3tray.store.archive_rows import MessageRow, message_of, state_of
from t3tray.store.errors import DamagedFile, translated
from t3tray.store.files import SIDE_FILES, alone, make_private_file, stamp
from t3tray.store.transcript_archive import put

# Number of rows read at once; where one of them is damaged, they are read one by one.
_SPAN = 500
# Highest row number that is read: a damaged row number may have any value.
_MOST = 50_000_000
# The text of SQLite's error may itself be undecodable.
_UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
_PAGE_SIZE_AT, _PAGES_AT = 16, 28
_log = logging.getLogger(__name__)


def salvage(path: Path, now: datetime) -> str:
    """Repair the archive's file at `path`, and return a sentence for the user. Raises StoreError with the file unchanged."""
    with translated("t3tray's archive"), alone(path.parent, GATE):
        part, finished = path.with_name(f"{path.name}.part"), finished_repair(path)
        for left in (part, finished):
            _unlink(left)
        try:
            with _readable(path) as (source, copy):
                lost = _copied(source, copy, part)
            part.replace(finished)
        finally:
            _unlink(part)
        aside = _set_aside(path, now)
        finished.rename(path)
    sentence = rebuilt_sentence(lost, str(aside))
    _log.warning(sentence)
    return sentence


@contextmanager
def _readable(path: Path) -> Iterator[tuple[sqlite3.Connection, Path]]:
    """Yield a connection to a copy of the damaged file, and the copy's path. When the schema is unreadable, the first page is
    replaced by that of a new archive, which is the same in each."""
    copy, fresh = path.with_name(f"{path.name}.looked-at"), path.with_name(f"{path.name}.fresh")
    try:
        for suffix in ("", "-wal"):
            with suppress(FileNotFoundError):
                make_private_file(Path(f"{copy}{suffix}"))
                shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
        if not _has_readable_schema(copy):
            open_archive(fresh).close()
            page = bytearray(fresh.read_bytes())
            del page[int.from_bytes(page[_PAGE_SIZE_AT : _PAGE_SIZE_AT + 2]) :]
            page[_PAGES_AT : _PAGES_AT + 4] = (copy.stat().st_size // len(page)).to_bytes(4)
            with copy.open("r+b") as file:
                file.write(page)
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            connection.text_factory = lambda text: text.decode(errors="replace")
            with suppress(*_UNREADABLE):
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
            yield connection, copy
    finally:
        for left in (copy, fresh):
            _unlink(left)


def _has_readable_schema(path: Path) -> bool:
    try:
        open_archive(path).close()
    except DamagedFile:
        return False
    return True


def _copied(source: sqlite3.Connection, file: Path, target: Path) -> int:
    """Write what can be read into a new archive, and return the number of messages known to be lost."""
    states = _states(source)
    by_session = {state.owner.session_id: state for state in states.values()}
    listed = _listed(source, states)
    written: dict[str, tuple[int, ArchivedTranscript]] = {}
    lost = 0
    with closing(open_archive(target)) as database, database.write() as connection:

        def write(found: dict[str, list[MessageRow]], replaces: bool) -> None:
            for session_id, rows in found.items():
                number, state = written.get(session_id, (None, _emptied(by_session.get(session_id), session_id)))
                written[session_id] = put(connection, number, state, rows, replaces)

        for found in _messages(
            (digest, body) for rows in _spans(source, "messages", "number, hash, body") for _, digest, body in rows
        ):
            write(found, replaces=True)
        whole = {
            name for name, state in by_session.items() if state.messages <= (written[name][1].messages if name in written else 0)
        }
        if len(whole) < len(by_session) or not by_session:
            for found in _messages(rows_on_pages(file)):
                write({name: rows for name, rows in found.items() if name not in whole}, replaces=False)
        for session_id in {*by_session, *written}:
            number, state = written.get(session_id, (None, _emptied(by_session.get(session_id), session_id)))
            before = by_session[session_id].messages if session_id in by_session else 0
            gone = listed[session_id] if state.messages < before or session_id not in by_session else []
            number, state = put(connection, number, state, gone, replaces=False)
            placeholders = _placeholders(connection, number)
            unknown = max(before - state.messages - placeholders, 0)
            lost += max(before - state.messages, 0)
            if unknown or placeholders:
                # With `updated_ms` 0 the transcript is read again from its session, where that still exists.
                missing = (*state.lost, LostMessages(unknown)) if unknown else state.lost
                put(connection, number, replace(state, updated_ms=0, lost=missing), (), replaces=False)
        for noted in _spans(source, "old_files", "rowid, session_id, fingerprint, messages, size, unread"):
            for row in noted:
                connection.exec_driver_sql("INSERT OR IGNORE INTO old_files VALUES (?, ?, ?, ?, ?)", row[1:])
    return lost


def _emptied(state: ArchivedTranscript | None, session_id: str) -> ArchivedTranscript:
    """Return the state with its counts at zero, before the messages are written. A lost state has no owner and no time."""
    found = state or ArchivedTranscript(TranscriptOwner("", session_id, "", ""), "", 0, 0, 0, 0)
    return replace(found, messages=0, size=0)


def _states(source: sqlite3.Connection) -> dict[int, ArchivedTranscript]:
    found: dict[int, ArchivedTranscript] = {}
    for rows in _spans(source, "transcripts", "number, hash, state"):
        for number, digest, content in rows:
            with suppress(DamagedFile):
                found[number] = state_of(digest, content)
    return found


def _messages(rows: Iterator[tuple[bytes, bytes]]) -> Iterator[dict[str, list[MessageRow]]]:
    """Yield batches of intact messages, by the session named in each."""
    while some := list(islice(rows, _SPAN)):
        found = defaultdict[str, list[MessageRow]](list)
        for digest, body in some:
            with suppress(DamagedFile):
                session_id, message = message_of(digest, body)
                found[session_id].append(MessageRow(message.id, message.created_ms, digest, body))
        yield found


def _listed(source: sqlite3.Connection, states: dict[int, ArchivedTranscript]) -> dict[str, list[MessageRow]]:
    """Return the messages named by the index, each as a lost one."""
    found = defaultdict[str, list[MessageRow]](list)
    with suppress(*_UNREADABLE):
        for number, created_ms, message_id in source.execute(
            "SELECT transcript, created_ms, message_id FROM messages INDEXED BY messages_in_order ORDER BY 1, 2, 3"
        ):
            if number in states and isinstance(created_ms, int) and isinstance(message_id, str):
                found[states[number].owner.session_id].append(MessageRow(message_id, created_ms, b"", b""))
    return found


def _placeholders(connection: Connection, number: int) -> int:
    found = connection.exec_driver_sql("SELECT count(*) FROM messages WHERE transcript = ? AND body = x''", (number,))
    return int(found.scalar_one())


def _spans(source: sqlite3.Connection, table: str, columns: str) -> Iterator[list[tuple[Any, ...]]]:
    """Yield batches of a table's rows in order, without unreadable ones."""
    query, last, top = f"SELECT {columns} FROM {table} WHERE rowid", 0, _top(source, table)
    while last < top:
        try:
            rows = source.execute(f"{query} > ? AND rowid <= ? ORDER BY rowid LIMIT {_SPAN}", (last, top)).fetchall()
            last = rows[-1][0] if rows else top
        except _UNREADABLE:
            rows = []
            for number in range(last + 1, last + 1 + _SPAN):
                with suppress(*_UNREADABLE):
                    rows += source.execute(f"{query} = ?", (number,)).fetchall()
            last += _SPAN
        yield rows


def _top(source: sqlite3.Connection, table: str) -> int:
    """Return the highest row number; 0 where it cannot be read."""
    found = [0]
    for order in ("", "INDEXED BY messages_in_order" if table == "messages" else "NOT INDEXED"):
        with suppress(*_UNREADABLE):
            found += [source.execute(f"SELECT max(rowid) FROM {table} {order}").fetchone()[0] or 0]
    return min(max(found), _MOST)


def _set_aside(path: Path, now: datetime) -> str:
    """Rename the damaged file. Side files first: SQLite would apply a -wal that is left behind to the next file."""
    name, number = f"{path.name}.damaged-{stamp(now)}", 1
    while any(path.with_name(name + suffix).exists() for suffix in ("", *SIDE_FILES)):
        number += 1
        name = f"{path.name}.damaged-{stamp(now)}-{number}"
    for suffix in (*SIDE_FILES, ""):
        with suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(path.with_name(name + suffix))
    return name


def _unlink(path: Path) -> None:
    for suffix in ("", *SIDE_FILES):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
