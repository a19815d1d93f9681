"""Many sessions of OpenCode's database in one go, as rows: each is understood by itself, so that an odd one spoils no other."""

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
_ENDS = """SELECT message.session_id, (SELECT count(*) FROM message WHERE session_id = {name}), {told}
    JOIN {sessions} ON message.rowid = (
    SELECT rowid FROM message WHERE session_id = {name} ORDER BY time_created DESC, id DESC LIMIT 1)"""
_SOME_ENDS = _ENDS.format(name="wanted.value", told=MESSAGES.removeprefix("SELECT "), sessions="json_each(?) AS wanted")
# Only that tells what the model gets of those that were compacted, or in which an answer failed. It finds no fewer than
# `"compaction"` and MAY_HAVE_FAILED would: GLOB looks for a letter in half the time that it or instr takes for a quote.
_IS_ODD = f"(message.data GLOB '*{COMPACTION}\"*' OR message.data GLOB '*error\"*')"
_ODD = f"SELECT DISTINCT session_id FROM message JOIN json_each(?) ON session_id = value WHERE {_IS_ODD}"
_PARTLESS = f"SELECT DISTINCT session_id FROM message JOIN json_each(?) ON session_id = value WHERE {WITHOUT_PARTS}"
# The same of every session: of thousands that costs less than half, because the file is read in its own order.
# Without what the parts tell, which only few messages are asked for.
_ALL_ENDS = _ENDS.format(name="session.id", told="message.id, message.data, NULL, 1, 0 FROM message", sessions="session")
_ALL_ODD = f"SELECT DISTINCT session_id FROM message NOT INDEXED WHERE {_IS_ODD}"
_ALL_PARTLESS = f"SELECT DISTINCT session_id FROM message WHERE {WITHOUT_PARTS}"
_EXTENTS = """SELECT value, (SELECT id FROM message WHERE session_id = value ORDER BY time_created, id LIMIT 1),
    (SELECT count(*) FROM message WHERE session_id = value) FROM json_each(?)"""
# Of each what another message or part would change, by the indexes alone; rows that come have other numbers than those that went.
_SIZES = """SELECT value, (SELECT count(*) FROM message WHERE session_id = value),
    (SELECT total(rowid) FROM message WHERE session_id = value),
    (SELECT count(*) || ' ' || total(part.rowid) FROM message JOIN part ON part.message_id = message.id
    WHERE message.session_id = value)
    FROM json_each(?)"""
_LATELY = """SELECT id FROM session WHERE typeof(time_updated) = 'integer' AND time_updated >
    (SELECT max(time_updated) FROM session WHERE typeof(time_updated) = 'integer') - ?"""


def all_sessions(reader: DatabaseReader) -> list[Row]:
    """Every session's `SESSION_COLUMNS`. Raises ServerError, as the others."""
    return reader.rows(SESSIONS)


def some_sessions(reader: DatabaseReader, session_ids: Collection[str]) -> list[Row]:
    """The same of those of these that are there."""
    return reader.rows(_SOME, as_json(session_ids))


def update_marks(reader: DatabaseReader) -> Marks:
    """What shows which sessions were updated: their ids, and when they were."""
    found: Marks = reader.rows(f"SELECT {joined(('id', 'time_updated'))} FROM session NOT INDEXED")[0]
    return found


def updated_lately(reader: DatabaseReader, span_ms: int) -> list[str]:
    """The sessions that were updated within so many ms before the newest update of all."""
    return [row[0] for row in reader.rows(_LATELY, span_ms)]


class Size(msgspec.Struct, frozen=True):
    """What a session holds: how many messages, and a mark of which rows these and their parts are; None where nobody looked."""

    messages: int
    rows: tuple[object, ...] | None = None

    def may_be(self, other: Size) -> bool:
        """Whether nothing shows that it has changed."""
        return self.messages == other.messages and (self.rows is None or other.rows is None or self.rows == other.rows)


def sizes(reader: DatabaseReader, session_ids: Collection[str]) -> dict[str, Size]:
    """Of each of these sessions; OpenCode deletes messages and parts without touching their session's times."""
    return {name: Size(count, tuple(rows)) for name, count, *rows in reader.rows(_SIZES, as_json(session_ids))}


def ends(
    reader: DatabaseReader, session_ids: Collection[str], are_most: bool
) -> tuple[dict[str, MessageFacts], dict[str, Context], dict[str, Size]]:
    """The last message of each of these sessions, and what the model would get of it: of those that have any message, and where
    that can be understood. `are_most`: of all there are. Only those that were ever compacted, have a message without parts, or an
    answer that failed, are read message by message.
    """
    asked = () if are_most else (as_json(session_ids),)
    newest, contexts, counts = _ends(reader, _ALL_ENDS if are_most else _SOME_ENDS, asked, set(session_ids))
    odd = {row[0] for row in reader.rows(_ALL_ODD if are_most else _ODD, *asked)}
    odd |= {row[0] for row in reader.rows(_ALL_PARTLESS if are_most else _PARTLESS, *asked)}
    if are_most:
        # An answer in a session that is not odd has parts, asks for no compaction, and did not fail: no part tells more of it.
        told_by_parts = {name for name, message in newest.items() if message.role is Role.USER} | odd.intersection(newest)
        newest = {name: message for name, message in newest.items() if name not in told_by_parts}
        newest |= _ends(reader, _SOME_ENDS, (as_json(told_by_parts),), told_by_parts)[0] if told_by_parts else {}
    odd.update(name for name, message in newest.items() if message.compaction)
    for name in odd.intersection(contexts):
        try:
            contexts[name] = reader.context(name)
        except Unsupported:
            del contexts[name]  # whoever asks for it is told so
    return newest, contexts, counts


def _ends(
    reader: DatabaseReader, query: str, values: tuple[str, ...], wanted: Collection[str]
) -> tuple[dict[str, MessageFacts], dict[str, Context], dict[str, Size]]:
    """The last message of each session, all of them as what the model gets, and how many they are."""
    newest, contexts, counts = {}, {}, {}
    for session_id, messages, *row in reader.rows(query, *values):
        if session_id in wanted:
            contexts[session_id], counts[session_id] = Context(messages), Size(messages)
            try:
                newest[session_id] = message_facts(tuple(row))
            except Unsupported:
                continue  # whoever asks for it is told so
    return newest, contexts, counts


def opencode2_mark(reader: DatabaseReader) -> Row:
    """What shows whether OpenCode 2 has written messages: it does not touch its sessions' times.

    How many rows there are, and which came last: as many may have gone.
    """
    last = "(SELECT id FROM session_message ORDER BY rowid DESC LIMIT 1)"
    return reader.rows(f"SELECT count(*), {last} FROM session_message")[0] if reader.knows_opencode2 else ()


def held_by_opencode2(reader: DatabaseReader) -> dict[str, int]:
    """How many messages only OpenCode 2 holds, by session."""
    if not reader.knows_opencode2:
        return {}
    return dict(reader.rows(f"SELECT session_id, count(*) FROM {ONLY_OPENCODE2} GROUP BY session_id"))


@dataclass(frozen=True)
class Extent:
    """The first message of a session (None without any), and how many there are."""

    first_id: str | None
    messages: int


def extents(reader: DatabaseReader, session_ids: Collection[str]) -> dict[str, Extent]:
    """Of each of these sessions."""
    return {name: Extent(first, count) for name, first, count in reader.rows(_EXTENTS, as_json(session_ids))}


def as_json(names: Collection[str]) -> str:
    return msgspec.json.encode(list(names)).decode()
