"""Questions to OpenCode's database, one query each.

It answers from the file what the client answers from the API, in the same words. It blocks: one reader for a thread.
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

# A session's messages with JSON in each, whatever stands there: one bad row must not take all the others away.
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
# Of one session in the order of the model's turns, the newest first.
_CONTEXT = f"""SELECT message.time_created, {MESSAGES.removeprefix("SELECT ")} WHERE session_id = ?
    AND (time_created, id) < (?, ?) ORDER BY time_created DESC, id DESC LIMIT ?"""
_AT_ONCE = 200
# What the API tells of a message or a part is its JSON with the ids, which are in columns of their own here.
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
    """How much a session holds: messages, when the first and the last were written (ms), input tokens over its life."""

    messages: int
    first_ms: int | None
    last_ms: int | None
    input_tokens: int


@dataclass(frozen=True)
class TurnTokens:
    """One finished answer: when (ms), and how many input tokens it was sent. `compacts`: it is a compaction's summary."""

    message_id: str
    created_ms: int
    input_tokens: int
    compacts: bool


@dataclass(frozen=True)
class Trust:
    """How far the file can be believed. `failure`: in nothing, for this reason, as `why` says in a sentence. Without
    `absence_counts` it is not known to be the file that OpenCode uses: what is not in it may be in another one.
    """

    failure: Failure | None = None
    absence_counts: bool = True
    why: str = ""


class DatabaseReader:
    """Answers over one connection, for the thread that made it. Every method raises ServerError.

    What is not there is missing only where the file's word on that counts; else OtherDatabase is raised.
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
                raise Unsupported(f"OpenCode's database has no {table}.{missing[0]}: its form is not known to t3tray.")

    def session(self, session_id: str) -> SessionFacts:
        """Raises SessionMissing when the database has no such session."""
        rows = self.rows(f"{SESSIONS} WHERE id = ?", session_id)
        if not rows:
            raise self.without(session_id)
        return session_facts(rows[0])

    def without(self, session_id: str) -> ServerError:
        """The error that says that there is no such session. It is not missing where an earlier database of OpenCode's has it."""
        if self._earlier and (place := holder_of(session_id, self._earlier)):
            return OtherDatabase(f"Session {session_id} is in {place}, and OpenCode now uses {self._path}.")
        return self.absent(f"session {session_id}")

    def absent(self, what: str) -> ServerError:
        """The error that says that something is not in the file."""
        if self._trust.absence_counts:
            return SessionMissing(f"OpenCode's database has no {what}.")
        return OtherDatabase(f"The database at {self._path} has no {what}; {self._trust.why}")

    def project(self, session_id: str) -> str:
        """OpenCode's name of the session's project: a repository's first commit, or `global` (1.18). Empty when not told."""
        if not self.rows("SELECT 1 FROM pragma_table_info('session') WHERE name = 'project_id'"):
            return ""
        rows = self.rows("SELECT project_id FROM session WHERE id = ?", session_id)
        return rows[0][0] if rows else ""

    def message(self, session_id: str, message_id: str) -> MessageFacts:
        """Raises SessionMissing when the session has no such message."""
        rows = self.rows(f"{MESSAGES} WHERE session_id = ? AND id = ?", session_id, message_id)
        if not rows:
            raise self.absent(f"message {message_id} in session {session_id}")
        return message_facts(rows[0])

    def newest(self, session_id: str) -> MessageFacts | None:
        """The last message, None in a session without any."""
        return self._end(session_id, "DESC")

    def first(self, session_id: str) -> MessageFacts | None:
        """The first message, None in a session without any."""
        return self._end(session_id, "ASC")

    def context(self, session_id: str, taken_back: str | None = None) -> Context:
        """What the model would get of the session's messages, but for those from `taken_back` on."""
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
        """How many messages the session has, or from the one `since` on."""
        count: int = self.rows("SELECT count(*) FROM message WHERE session_id = ? AND id >= ?", session_id, since)[0][0]
        return count

    def count_until(self, session_id: str, message_id: str) -> int | None:
        """How many messages the session has up to this one, without those that were emptied; None where it has no such one."""
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
        """How much the session holds now; all zero for one that is not there."""
        rows = self.rows(
            "SELECT count(*), min(time_created), max(time_created),"
            " coalesce((SELECT tokens_input + tokens_cache_read + tokens_cache_write FROM session WHERE id = ?1), 0)"
            " FROM message WHERE session_id = ?1",
            session_id,
        )
        messages, first, last, tokens = rows[0]
        return SessionMessages(messages, _number(first), _number(last), _number(tokens) or 0)

    def last_turns(self, session_id: str, count: int) -> list[TurnTokens]:
        """The model's newest finished answers, the newest first, with the input tokens that each was sent.

        What a provider reads from its cache or writes into it was sent too. One that failed, or was never counted, tells nothing.
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
        """The session's messages with their words, oldest first: all, or those that were written to at `after_ms` or later."""
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
        """The newest `limit` messages with all their parts, or those before a page's `older`; oldest first."""
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
        """The root sessions that say this text, they or their sub-agents, in the `limit` newest parts, or the newest below a row.

        With it where the next slice begins; None when there are no older ones.
        """
        newest = self.rows("SELECT coalesce(max(rowid), 0) + 1 FROM part")[0][0] if below is None else below
        lowest = max(newest - limit, 0)
        # The first comparison spares most of the rows the reading of their JSON.
        raw = json.dumps(text, ensure_ascii=False)[1:-1]
        said_in = self.rows(_SAYING, lowest, newest, pattern(raw), pattern(text))
        return frozenset(row[0] for row in said_in), lowest or None

    def sessions_titled(self, title: str) -> tuple[str, ...]:
        """The root sessions with exactly this title."""
        return tuple(row[0] for row in self.rows("SELECT id FROM session WHERE title = ? AND parent_id IS NULL", title))

    def sessions_of_parts(self, part_ids: Collection[str]) -> dict[str, str]:
        """The session that has each of these parts of messages, where one has."""
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
        """Whether there is such a row, whatever it tells."""
        return bool(self.rows("SELECT 1 FROM session WHERE id = ?", session_id))

    def held_by_opencode2(self, session_id: str) -> int:
        """How many messages of the session only OpenCode 2 holds: it keeps them in a table of its own that 1.x never reads."""
        if not self.knows_opencode2:
            return 0
        count: int = self.rows(f"SELECT count(*) FROM {ONLY_OPENCODE2} AND session_id = ?", session_id)[0][0]
        return count

    @cached_property
    def knows_opencode2(self) -> bool:
        """Whether the file has OpenCode 2's table of messages."""
        columns = {row[0] for row in self.rows("SELECT name FROM pragma_table_info('session_message')")}
        return columns >= {"id", "session_id", "type"}

    def newest_root(self) -> str | None:
        """The root session that was updated last."""
        rows = self.rows("SELECT id FROM session WHERE parent_id IS NULL ORDER BY time_updated DESC LIMIT 1")
        return rows[0][0] if rows else None

    def rows(self, query: str, *values: str | int) -> list[Row]:
        """The answer to any question, from a file that did not change while it was read."""
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
    """Where a page ends: the time and the id of the message after it."""
    if before is None:
        return _END_OF_TIME, ""
    at, _, message_id = before.partition(":")
    return int(at), message_id


def _number(value: object) -> int | None:
    """What stands in a column of numbers, where it is one."""
    return value if isinstance(value, int) else None
