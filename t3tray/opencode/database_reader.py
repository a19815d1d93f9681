"""Queries on OpenCode's database, with the same results as the client's requests to the API.

Blocks; use one reader in each thread.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from t3tray.domain.carries import Context
from t3tray.domain.context import ContextReader
from t3tray.domain.evidence import Failure, MessageFacts, SessionFacts
from t3tray.domain.transcript import Message
from t3tray.errors import OtherDatabase, ServerError, SessionMissing, Unsupported
from t3tray.opencode import wire
from t3tray.opencode.database_rows import (
    MESSAGES,
    ONLY_OPENCODE2,
    SESSION_COLUMNS,
    SESSIONS,
    WITHOUT_PARTS,
    message_facts,
    session_facts,
)
from t3tray.opencode.file_errors import error_of
from t3tray.system.read_only_sqlite import KeptChanging, Row, SqliteReader, pattern

# A session's messages with valid JSON: one damaged row must not make all others unreadable.
_READABLE = """SELECT id, time_created, CASE WHEN json_valid(data) THEN data ELSE '{}' END AS data FROM message
    WHERE session_id = ? AND typeof(time_created) = 'integer'"""
_END_OF_TIME = 2**63 - 1
_COUNTED = ("tokens_input", "tokens_cache_read", "tokens_cache_write")
_NEEDED = {
    "session": (*SESSION_COLUMNS, "metadata", *_COUNTED),
    "message": ("id", "session_id", "time_created", "time_updated", "data"),
    "part": ("id", "session_id", "message_id", "data"),
}
# The messages of a session up to one of them.
_UNTIL = """WHERE session_id = ?1
    AND (time_created, id) <= (SELECT time_created, id FROM message WHERE session_id = ?1 AND id = ?2)"""
# A session's messages in the order of turns, the newest first.
_CONTEXT = f"""SELECT message.time_created, {MESSAGES.removeprefix("SELECT ")} WHERE session_id = ?
    AND (time_created, id) < (?, ?) ORDER BY time_created DESC, id DESC LIMIT ?"""
_AT_ONCE = 200
# The API's JSON of a message or part includes the ids, which have separate columns here.
_MESSAGE = "json_set(message.data, '$.id', message.id, '$.sessionID', message.session_id)"
_PART = "json_set(part.data, '$.id', part.id, '$.messageID', part.message_id)"
_PARTS = f"""SELECT part.message_id, {_PART} FROM part JOIN message ON message.id = part.message_id
    WHERE message.session_id = ? AND message.time_updated >= ? ORDER BY part.id"""
_SAYING = """WITH RECURSIVE up(id, parent_id) AS (
    SELECT id, parent_id FROM session WHERE id IN (
        SELECT session_id FROM part WHERE rowid >= ? AND rowid < ? AND data LIKE ? ESCAPE '\\'
        AND json_extract(data, '$.type') = 'text' AND json_extract(data, '$.text') LIKE ? ESCAPE '\\')
    UNION SELECT session.id, session.parent_id FROM session JOIN up ON session.id = up.parent_id)
    SELECT id FROM up WHERE parent_id IS NULL"""
_PARTS_OF = f"SELECT message_id, {_PART} FROM part WHERE message_id IN (SELECT value FROM json_each(?)) ORDER BY id"


@dataclass(frozen=True)
class SessionMessages:
    """A session's number of messages, times of the first and the last in ms, and input tokens over its whole life."""

    messages: int
    first_ms: int | None
    last_ms: int | None
    input_tokens: int


@dataclass(frozen=True)
class TurnTokens:
    """A finished answer: its time in ms, and the number of input tokens. `compacts`: it is a compaction's summary."""

    message_id: str
    created_ms: int
    input_tokens: int
    compacts: bool


@dataclass(frozen=True)
class Trust:
    """How far the file can be trusted. With `failure` not at all, for the reason in `why`. Without `absence_counts` it is not
    known to be OpenCode's file: what it lacks may be in another one.
    """

    failure: Failure | None = None
    absence_counts: bool = True
    why: str = ""


class DatabaseReader:
    """One connection, for the thread that created it. Every method may raise ServerError.

    Missing rows raise SessionMissing only where absence counts (see `Trust`), otherwise OtherDatabase.
    """

    def __init__(self, path: Path, trust: Trust | None = None, earlier: tuple[Path, ...] = ()) -> None:
        self._path = path
        self._trust = trust or Trust()
        self._earlier = earlier
        try:
            self._reader = SqliteReader(path)
        except (sqlite3.Error, OSError) as error:
            raise error_of(error, path) from error

    def close(self) -> None:
        self._reader.close()

    def check_schema(self) -> None:
        for table, needed in _NEEDED.items():
            columns = {row[0] for row in self.rows("SELECT name FROM pragma_table_info(?)", table)}
            missing = [name for name in needed if name not in columns]
            if missing:
                raise Unsupported(f"OpenCode's database has no {table}.{missing[0]}: its format is unknown to t3tray.")

    def session(self, session_id: str) -> SessionFacts:
        """Return a session. Raises SessionMissing when the database has no such session."""
        rows = self.rows(f"{SESSIONS} WHERE id = ?", session_id)
        if not rows:
            raise self.without(session_id)
        return session_facts(rows[0])

    def without(self, session_id: str) -> ServerError:
        """Return the error for a session that is not in the file. It is not missing if an earlier database of OpenCode has it."""
        if self._earlier and (place := holder_of(session_id, self._earlier)):
            return OtherDatabase(f"Session {session_id} is in {place}, and OpenCode now uses {self._path}.")
        return self.absent(f"session {session_id}")

    def absent(self, what: str) -> ServerError:
        """Return the error for something that is not in the file."""
        if self._trust.absence_counts:
            return SessionMissing(f"OpenCode's database has no {what}.")
        return OtherDatabase(f"The database at {self._path} has no {what}; {self._trust.why}")

    def project(self, session_id: str) -> str:
        """Return OpenCode's id of the session's project: a repository's first commit, or `global` (1.18). Empty when unknown."""
        if not self.rows("SELECT 1 FROM pragma_table_info('session') WHERE name = 'project_id'"):
            return ""
        rows = self.rows("SELECT project_id FROM session WHERE id = ?", session_id)
        return rows[0][0] if rows else ""

    def message(self, session_id: str, message_id: str) -> MessageFacts:
        """Return a message. Raises SessionMissing when the session has no such message."""
        rows = self.rows(f"{MESSAGES} WHERE session_id = ? AND id = ?", session_id, message_id)
        if not rows:
            raise self.absent(f"message {message_id} in session {session_id}")
        return message_facts(rows[0])

    def newest(self, session_id: str) -> MessageFacts | None:
        """Return the last message; None for an empty session."""
        return self._end(session_id, "DESC")

    def first(self, session_id: str) -> MessageFacts | None:
        """Return the first message; None for an empty session."""
        return self._end(session_id, "ASC")

    def context(self, session_id: str, taken_back: str | None = None) -> Context:
        """Return what the model would get of the session's messages, without those from `taken_back` on."""
        reader, before, total = ContextReader(taken_back), None, self.count(session_id)
        while not reader.is_complete:
            at, last_id = _place(before)
            rows = self.rows(_CONTEXT, session_id, at, last_id, _AT_ONCE)
            for _, *row in rows:
                reader.add(message_facts(tuple(row)))
            if len(rows) < _AT_ONCE:
                break
            before = f"{rows[-1][0]}:{rows[-1][1]}"
        return reader.context(total - reader.seen)

    def count(self, session_id: str, since: str = "") -> int:
        """Return the number of the session's messages, or of those from id `since` on."""
        count: int = self.rows("SELECT count(*) FROM message WHERE session_id = ? AND id >= ?", session_id, since)[0][0]
        return count

    def count_until(self, session_id: str, message_id: str) -> int | None:
        """Return the number of the session's messages up to this one, without emptied ones; None where it does not exist."""
        count, without_parts = self.rows(
            f"SELECT count(*), coalesce(sum({WITHOUT_PARTS}), 0) FROM message {_UNTIL}", session_id, message_id
        )[0]
        if not count:
            return None
        if without_parts:
            rows = self.rows(f"{MESSAGES} {_UNTIL} AND {WITHOUT_PARTS}", session_id, message_id)
            count -= sum(message_facts(row).is_emptied for row in rows)
        return int(count)

    def holding(self, session_id: str) -> SessionMessages:
        """Return counts of the session's messages; all zero for a session that does not exist."""
        rows = self.rows(
            "SELECT count(*), min(time_created), max(time_created),"
            " coalesce((SELECT tokens_input + tokens_cache_read + tokens_cache_write FROM session WHERE id = ?1), 0)"
            " FROM message WHERE session_id = ?1",
            session_id,
        )
        messages, first, last, tokens = rows[0]
        return SessionMessages(messages, _number(first), _number(last), _number(tokens) or 0)

    def last_turns(self, session_id: str, count: int) -> list[TurnTokens]:
        """Return the model's newest finished answers, the newest first, with their numbers of input tokens.

        Tokens read from or written to a provider's cache are included. Answers that failed or have no count are left out.
        """
        tokens = " + ".join(
            f"coalesce(json_extract(data, '$.tokens.{name}'), 0)" for name in ("input", "cache.read", "cache.write")
        )
        rows = self.rows(
            "SELECT id, time_created, CAST(tokens AS INTEGER), summary FROM"
            f" (SELECT id, time_created, json_extract(data, '$.summary') IS 1 AS summary, {tokens} AS tokens FROM"
            f" ({_READABLE}) WHERE json_extract(data, '$.role') = 'assistant' AND json_extract(data, '$.time.completed')"
            " AND json_extract(data, '$.error') IS NULL) WHERE tokens > 0 ORDER BY time_created DESC, id DESC LIMIT ?",
            session_id,
            count,
        )
        return [TurnTokens(message, created, tokens, bool(summary)) for message, created, tokens, summary in rows]

    def messages(self, session_id: str, after_ms: int = 0) -> tuple[Message, ...]:
        """Return the session's messages with their texts, oldest first: all, or those changed at `after_ms` or later."""
        messages = self.rows(
            "SELECT id, data FROM message WHERE session_id = ? AND time_updated >= ? ORDER BY time_created, id",
            session_id,
            after_ms,
        )
        parts: dict[str, list[wire.Part]] = defaultdict(list)
        for message_id, data in self.rows(_PARTS, session_id, after_ms):
            parts[message_id].append(wire.decode(data, wire.Part, "a part of a message"))
        return tuple(
            wire.decode(data, wire.MessageBody, "a message").message(message_id, tuple(parts[message_id]))
            for message_id, data in messages
        )

    def transcript(self, session_id: str, limit: int, before: str | None = None) -> wire.TranscriptPage:
        """Return the newest `limit` messages with all their parts, or those before a page's `older`; oldest first."""
        at, last_id = _place(before)
        rows = self.rows(
            f"SELECT id, time_created, {_MESSAGE} FROM message WHERE session_id = ? AND (time_created, id) < (?, ?)"
            " ORDER BY time_created DESC, id DESC LIMIT ?",
            session_id,
            at,
            last_id,
            limit + 1,
        )
        page = rows[:limit][::-1]
        parts: dict[str, list[wire.Part]] = defaultdict(list)
        for message_id, data in self.rows(_PARTS_OF, json.dumps([row[0] for row in page])):
            parts[message_id].append(wire.decode(data, wire.Part, "a part of a message"))
        messages = (
            wire.WireMessage(wire.decode(data, wire.MessageInfo, "a message"), tuple(parts[name]))
            for name, _created, data in page
        )
        return wire.TranscriptPage(tuple(messages), f"{page[0][1]}:{page[0][0]}" if len(rows) > limit else None)

    def roots_saying(self, text: str, below: int | None, limit: int) -> tuple[frozenset[str], int | None]:
        """Return the root sessions that contain this text, themselves or in sub-agents, among the `limit` newest parts (below the
        row `below`, if given), and the row at which to continue; None when there are no older parts.
        """
        newest = self.rows("SELECT coalesce(max(rowid), 0) + 1 FROM part")[0][0] if below is None else below
        lowest = max(newest - limit, 0)
        # The first comparison avoids parsing the JSON of most rows.
        raw = json.dumps(text, ensure_ascii=False)[1:-1]
        found = self.rows(_SAYING, lowest, newest, pattern(raw), pattern(text))
        return frozenset(row[0] for row in found), lowest or None

    def sessions_titled(self, title: str) -> tuple[str, ...]:
        """Return the ids of root sessions with exactly this title."""
        return tuple(row[0] for row in self.rows("SELECT id FROM session WHERE title = ? AND parent_id IS NULL", title))

    def sessions_of_parts(self, part_ids: Collection[str]) -> dict[str, str]:
        """Return the session of each of these message parts, where it exists."""
        wanted = json.dumps(list(part_ids))
        return dict(self.rows("SELECT id, session_id FROM part WHERE id IN (SELECT value FROM json_each(?))", wanted))

    def _end(self, session_id: str, order: str) -> MessageFacts | None:
        rows = self.rows(f"{MESSAGES} WHERE session_id = ? ORDER BY time_created {order}, id {order} LIMIT 1", session_id)
        if rows:
            return message_facts(rows[0])
        if not self._trust.absence_counts:
            raise self.absent(f"message in session {session_id}")
        return None

    def has_session(self, session_id: str) -> bool:
        """Return whether there is such a row, valid or not."""
        return bool(self.rows("SELECT 1 FROM session WHERE id = ?", session_id))

    def held_by_opencode2(self, session_id: str) -> int:
        """Return how many messages of the session exist only in OpenCode 2's own table, which 1.x never reads."""
        if not self.knows_opencode2:
            return 0
        count: int = self.rows(f"SELECT count(*) FROM {ONLY_OPENCODE2} AND session_id = ?", session_id)[0][0]
        return count

    @cached_property
    def knows_opencode2(self) -> bool:
        """Whether the file has OpenCode 2's message table."""
        columns = {row[0] for row in self.rows("SELECT name FROM pragma_table_info('session_message')")}
        return columns >= {"id", "session_id", "type"}

    def newest_root(self) -> str | None:
        """Return the id of the root session that was updated last."""
        rows = self.rows("SELECT id FROM session WHERE parent_id IS NULL ORDER BY time_updated DESC LIMIT 1")
        return rows[0][0] if rows else None

    def rows(self, query: str, *values: str | int) -> list[Row]:
        """Return the rows of any query, from a file that did not change while it was read."""
        try:
            return self._reader.rows(query, *values)
        except (sqlite3.Error, OSError, KeptChanging) as error:
            raise error_of(error, self._path) from error


def holder_of(session_id: str, paths: tuple[Path, ...]) -> Path | None:
    """Return the first of these files that has the session; None where none of those that can be read has."""
    for path in paths:
        with suppress(ServerError):
            reader = DatabaseReader(path)
            try:
                if reader.rows("SELECT 1 FROM session WHERE id = ?", session_id):
                    return path
            finally:
                reader.close()
    return None


def _place(before: str | None) -> tuple[int, str]:
    """Decode a page's end: the time and the id of the message after it."""
    if before is None:
        return _END_OF_TIME, ""
    at, _, message_id = before.partition(":")
    return int(at), message_id


def _number(value: object) -> int | None:
    """Return the value of a number column; None where it is no integer."""
    return value if isinstance(value, int) else None
