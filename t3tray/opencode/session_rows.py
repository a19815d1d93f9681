"""Reads many sessions of OpenCode's database at once; rows are converted one by one, so that a damaged one affects no other."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import msgspec

from t3tray.domain.carries import Context
from t3tray.domain.evidence import MessageFacts, Role
from t3tray.errors import Unsupported
from t3tray.opencode.database_reader import DatabaseReader
from t3tray.opencode.database_rows import MESSAGES, ONLY_OPENCODE2, SESSIONS, WITHOUT_PARTS, message_facts
from t3tray.opencode.wire import COMPACTION
from t3tray.system.read_only_sqlite import Row
from t3tray.system.row_fingerprints import Marks, joined

_SOME = f"{SESSIONS} WHERE id IN (SELECT value FROM json_each(?))"
_ENDS = """SELECT message.session_id, (SELECT count(*) FROM message WHERE session_id = {name}), {fields}
    JOIN {sessions} ON message.rowid = (
    SELECT rowid FROM message WHERE session_id = {name} ORDER BY time_created DESC, id DESC LIMIT 1)"""
_SOME_ENDS = _ENDS.format(name="wanted.value", fields=MESSAGES.removeprefix("SELECT "), sessions="json_each(?) AS wanted")
# Sessions that were compacted or have a failed answer need all their messages read. This finds at least those that
# `"compaction"` and MAY_HAVE_FAILED would: GLOB searches for a letter in half the time that it or instr needs for a quote.
_IS_ODD = f"(message.data GLOB '*{COMPACTION}\"*' OR message.data GLOB '*error\"*')"
_ODD = f"SELECT DISTINCT session_id FROM message JOIN json_each(?) ON session_id = value WHERE {_IS_ODD}"
_PARTLESS = f"SELECT DISTINCT session_id FROM message JOIN json_each(?) ON session_id = value WHERE {WITHOUT_PARTS}"
# The same for all sessions: for thousands this takes less than half the time, because the file is read in its own order.
# Without the columns from parts, which only few messages need.
_ALL_ENDS = _ENDS.format(name="session.id", fields="message.id, message.data, NULL, 1, 0 FROM message", sessions="session")
_ALL_ODD = f"SELECT DISTINCT session_id FROM message NOT INDEXED WHERE {_IS_ODD}"
_ALL_PARTLESS = f"SELECT DISTINCT session_id FROM message WHERE {WITHOUT_PARTS}"
_EXTENTS = """SELECT value, (SELECT id FROM message WHERE session_id = value ORDER BY time_created, id LIMIT 1),
    (SELECT count(*) FROM message WHERE session_id = value) FROM json_each(?)"""
# Values that change with each added or removed message or part, from indexes only; new rows have other numbers than removed ones.
_SIZES = """SELECT value, (SELECT count(*) FROM message WHERE session_id = value),
    (SELECT total(rowid) FROM message WHERE session_id = value),
    (SELECT count(*) || ' ' || total(part.rowid) FROM message JOIN part ON part.message_id = message.id
    WHERE message.session_id = value)
    FROM json_each(?)"""
_LATELY = """SELECT id FROM session WHERE typeof(time_updated) = 'integer' AND time_updated >
    (SELECT max(time_updated) FROM session WHERE typeof(time_updated) = 'integer') - ?"""


def all_sessions(reader: DatabaseReader) -> list[Row]:
    """Return every session's `SESSION_COLUMNS`. Raises ServerError, like the other functions."""
    return reader.rows(SESSIONS)


def some_sessions(reader: DatabaseReader, session_ids: Collection[str]) -> list[Row]:
    """Return the `SESSION_COLUMNS` of those of these sessions that exist."""
    return reader.rows(_SOME, as_json(session_ids))


def update_marks(reader: DatabaseReader) -> Marks:
    """Return the marks that show which sessions were updated: ids and times of update."""
    found: Marks = reader.rows(f"SELECT {joined(('id', 'time_updated'))} FROM session NOT INDEXED")[0]
    return found


def updated_lately(reader: DatabaseReader, span_ms: int) -> list[str]:
    """Return the sessions that were updated at most `span_ms` before the newest update of all."""
    return [row[0] for row in reader.rows(_LATELY, span_ms)]


class Size(msgspec.Struct, frozen=True):
    """A session's number of messages, and a mark of its message and part rows; None where that was not read."""

    messages: int
    rows: tuple[object, ...] | None = None

    def may_be(self, other: Size) -> bool:
        """Return whether both may be the same state."""
        return self.messages == other.messages and (self.rows is None or other.rows is None or self.rows == other.rows)


def sizes(reader: DatabaseReader, session_ids: Collection[str]) -> dict[str, Size]:
    """Return the size of each of these sessions; OpenCode deletes messages and parts without updating the session's times."""
    return {name: Size(count, tuple(rows)) for name, count, *rows in reader.rows(_SIZES, as_json(session_ids))}


def ends(
    reader: DatabaseReader, session_ids: Collection[str], are_most: bool
) -> tuple[dict[str, MessageFacts], dict[str, Context], dict[str, Size]]:
    """Return the last message of each session, what the model would get of it, and its size, for sessions with messages that can
    be parsed. `are_most`: the sessions are most of all. Only sessions that were compacted, or have a message without parts or a
    failed answer, are read message by message.
    """
    asked = () if are_most else (as_json(session_ids),)
    newest, contexts, counts = _ends(reader, _ALL_ENDS if are_most else _SOME_ENDS, asked, set(session_ids))
    odd = {row[0] for row in reader.rows(_ALL_ODD if are_most else _ODD, *asked)}
    odd |= {row[0] for row in reader.rows(_ALL_PARTLESS if are_most else _PARTLESS, *asked)}
    if are_most:
        # In other sessions an answer has parts, requests no compaction and did not fail: its parts add nothing.
        need_parts = {name for name, message in newest.items() if message.role is Role.USER} | odd.intersection(newest)
        newest = {name: message for name, message in newest.items() if name not in need_parts}
        newest |= _ends(reader, _SOME_ENDS, (as_json(need_parts),), need_parts)[0] if need_parts else {}
    odd.update(name for name, message in newest.items() if message.compaction)
    for name in odd.intersection(contexts):
        try:
            contexts[name] = reader.context(name)
        except Unsupported:
            del contexts[name]  # a later query for it raises the error
    return newest, contexts, counts


def _ends(
    reader: DatabaseReader, query: str, values: tuple[str, ...], wanted: Collection[str]
) -> tuple[dict[str, MessageFacts], dict[str, Context], dict[str, Size]]:
    """Return the last message of each session, a context of all its messages, and its number of messages."""
    newest, contexts, counts = {}, {}, {}
    for session_id, messages, *row in reader.rows(query, *values):
        if session_id in wanted:
            contexts[session_id], counts[session_id] = Context(messages), Size(messages)
            try:
                newest[session_id] = message_facts(tuple(row))
            except Unsupported:
                continue  # a later query for it raises the error
    return newest, contexts, counts


def opencode2_mark(reader: DatabaseReader) -> Row:
    """Return a mark that changes when OpenCode 2 writes messages, which does not update its sessions' times.

    The number of rows and the last one, because as many may have been deleted.
    """
    last = "(SELECT id FROM session_message ORDER BY rowid DESC LIMIT 1)"
    return reader.rows(f"SELECT count(*), {last} FROM session_message")[0] if reader.knows_opencode2 else ()


def held_by_opencode2(reader: DatabaseReader) -> dict[str, int]:
    """Return the number of messages that exist only in OpenCode 2's table, by session."""
    if not reader.knows_opencode2:
        return {}
    return dict(reader.rows(f"SELECT session_id, count(*) FROM {ONLY_OPENCODE2} GROUP BY session_id"))


@dataclass(frozen=True)
class Extent:
    """The id of a session's first message (None for an empty one), and the number of messages."""

    first_id: str | None
    messages: int


def extents(reader: DatabaseReader, session_ids: Collection[str]) -> dict[str, Extent]:
    """Return the extent of each of these sessions."""
    return {name: Extent(first, count) for name, first, count in reader.rows(_EXTENTS, as_json(session_ids))}


def as_json(names: Collection[str]) -> str:
    return msgspec.json.encode(list(names)).decode()
