"""Reads the threads from the first orchestrator's database. The existing columns decide, not a migration's number.

Reads neither credentials nor settings. The tables are read one by one and joined here: a join and JSON functions in SQLite take
twice as long, and a few columns suffice to find changes.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import NoneType
from typing import NamedTuple, TypeVar

import msgspec

from t3tray.domain.reaper import Runtime
from t3tray.domain.t3code_thread import OPENCODE, NativeSession, T3Thread
from t3tray.system.read_only_sqlite import Row, SqliteReader
from t3tray.system.row_fingerprints import Marks, changed, joined
from t3tray.t3code.times import moment, needed_moment

T = TypeVar("T")
# The marks of each table.
Marked = Mapping[str, Marks]

# Required columns by table.
NEEDED: Mapping[str, frozenset[str]] = {
    "projection_threads": frozenset({"thread_id", "project_id", "title", "created_at", "updated_at", "deleted_at"}),
    "projection_projects": frozenset({"project_id", "title", "workspace_root", "deleted_at"}),
    "provider_session_runtime": frozenset({"thread_id", "provider_name", "status", "last_seen_at", "resume_cursor_json"}),
    "projection_thread_sessions": frozenset({"thread_id", "status", "updated_at"}),
}

_ANY = "TRUE"


@dataclass(frozen=True)
class _Table:
    """Columns to read from a table: `texts` with the key first, and `counts`, of which only zero or not matters.
    `marks` are the columns that are compared to find changes.

    Every change of a thread changes a mark: T3 Code writes a time into each row, but from more than one clock, so a time is
    compared only with the row's previous one, never with another thread's.
    """

    name: str
    texts: tuple[str, ...]
    marks: tuple[str, ...]
    counts: tuple[str, ...] = ()
    condition: str = _ANY

    def query(self, reader: SqliteReader, also_deleted: bool = False) -> str:
        """Return the query for all rows; a column that the file lacks is NULL."""
        counts = (f"CASE WHEN {count} THEN 'some' END" for count in self._columns(reader, self.counts))
        wanted = (*self._columns(reader, self.texts), *counts)
        return f"SELECT {', '.join(wanted)} FROM {self.name} WHERE {_ANY if also_deleted else self.condition}"

    def query_some(self, reader: SqliteReader, also_deleted: bool = False) -> str:
        """Return the query for the rows whose key is in a JSON array."""
        return f"{self.query(reader, also_deleted)} AND {self.texts[0]} IN (SELECT value FROM json_each(?))"

    def query_marks(self, reader: SqliteReader) -> str:
        return f"SELECT {joined(self._columns(reader, self.marks))} FROM {self.name} NOT INDEXED WHERE {self.condition}"

    def _columns(self, reader: SqliteReader, columns: Iterable[str]) -> Iterable[str]:
        there = reader.columns(self.name)
        return (name if name in there else "NULL" for name in columns)


# The plus prevents SQLite from using an index.
_NOT_DELETED = "+deleted_at IS NULL"
_THREADS = _Table(
    "projection_threads",
    (
        *("thread_id", "project_id", "title", "created_at", "updated_at", "worktree_path", "branch", "model_selection_json"),
        *("latest_turn_id", "latest_user_message_at", "archived_at", "settled_at", "snoozed_until", "pinned_at"),
    ),
    marks=("thread_id", "project_id", "updated_at", "pending_approval_count", "pending_user_input_count"),
    counts=("pending_approval_count", "pending_user_input_count"),
    condition=_NOT_DELETED,
)
_SESSIONS = _Table(
    "projection_thread_sessions",
    ("thread_id", "provider_name", "status", "updated_at", "active_turn_id", "last_error"),
    marks=("thread_id", "status", "active_turn_id", "updated_at"),
)
_RUNTIMES = _Table(
    "provider_session_runtime",
    (
        *("thread_id", "provider_name", "status", "last_seen_at", "adapter_key"),
        *("resume_cursor_json", "runtime_payload_json", "provider_instance_id"),
    ),
    marks=("thread_id", "status", "last_seen_at", "resume_cursor_json"),
)
_PROJECTS = _Table(
    "projection_projects",
    ("project_id", "title", "workspace_root", "updated_at"),
    marks=("project_id", "title", "workspace_root", "updated_at"),
    condition=_NOT_DELETED,
)
_OF_THREADS = (_THREADS, _SESSIONS, _RUNTIMES)
_TABLES = (*_OF_THREADS, _PROJECTS)
_NO_SESSION: Row = (None,) * (len(_SESSIONS.texts) - 1)
_NO_RUNTIME: Row = (None,) * (len(_RUNTIMES.texts) - 1)

_AT_WORK = frozenset({"starting", "running"})
_TEXT = frozenset({str, NoneType})
# The version that T3 Code resumes from; it silently ignores a cursor of any other version.
_CURSOR_VERSION = 1


class _Selection(msgspec.Struct):
    instance: object = msgspec.field(name="instanceId", default=None)
    provider: object = None
    model: object = None


class _Cursor(msgspec.Struct):
    session_id: object = msgspec.field(name="sessionId", default=None)
    version: object = msgspec.field(name="schemaVersion", default=None)

    @property
    def is_followed(self) -> bool:
        return self.version == _CURSOR_VERSION and not isinstance(self.version, bool)


class _Payload(msgspec.Struct):
    last_event: object = msgspec.field(name="lastRuntimeEvent", default=None)


class _Selected(NamedTuple):
    instance: str
    model: str


_SELECTION, _NO_SELECTION = msgspec.json.Decoder(_Selection), _Selection()
_CURSOR, _NO_CURSOR = msgspec.json.Decoder(_Cursor), _Cursor()
_PAYLOAD, _NO_PAYLOAD = msgspec.json.Decoder(_Payload), _Payload()


def missing_column(reader: SqliteReader) -> str | None:
    """Return the first missing required column, or None."""
    for table, needed in NEEDED.items():
        for name in sorted(needed - reader.columns(table)):
            return f"{table}.{name}"
    return None


def read_threads(reader: SqliteReader) -> tuple[dict[str, T3Thread], Marked]:
    """Return all threads that are not deleted, including archived ones, and their marks. Raises the reader's errors."""
    queries = [(table.query(reader), table.query_marks(reader)) for table in _TABLES]
    rows = reader.together([query for pair in queries for query in pair])
    return _put_together(reader, *rows[::2]), {table.name: marks[0] for table, marks in zip(_TABLES, rows[1::2], strict=True)}


def read_changes(reader: SqliteReader, before: Marked) -> tuple[dict[str, T3Thread | None], Marked]:
    """Return the current state of threads that may have changed since these marks (None for a removed one), and the new marks."""
    rows = reader.together([table.query_marks(reader) for table in _TABLES])
    marks = {table.name: marks[0] for table, marks in zip(_TABLES, rows, strict=True)}
    names = set().union(*(changed(before[table.name], marks[table.name]) for table in _OF_THREADS))
    projects = changed(before[_PROJECTS.name], marks[_PROJECTS.name])
    if projects:
        names |= {row[0] for row in reader.rows(_OF_PROJECTS, json.dumps(list(projects))) if isinstance(row[0], str)}
    now: dict[str, T3Thread | None] = dict.fromkeys(names)
    if names:
        now.update(_read_some(reader, names))
    return now, marks


_OF_PROJECTS = "SELECT thread_id FROM projection_threads WHERE project_id IN (SELECT value FROM json_each(?))"


def read_deleted(reader: SqliteReader, prefix: str) -> tuple[T3Thread, ...]:
    """Return the deleted threads whose ids have this prefix: deleted themselves, or with their project."""
    when: dict[str, str] = dict(reader.rows(_DELETED, prefix))
    threads = _read_some(reader, when, also_deleted=True)
    return tuple(msgspec.structs.replace(thread, deleted_at=moment(when.get(name))) for name, thread in threads.items())


_DELETED = """SELECT t.thread_id, coalesce(t.deleted_at, p.deleted_at)
    FROM projection_threads t JOIN projection_projects p USING (project_id)
    WHERE (t.deleted_at IS NOT NULL OR p.deleted_at IS NOT NULL) AND substr(t.thread_id, 1, length(?1)) = ?1"""


def all_parts(reader: SqliteReader, thread_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the ids of OpenCode's message parts behind all answers of each thread, oldest first."""
    if not reader.columns("projection_thread_messages") >= {"message_id", "thread_id"}:
        return {}
    order = "created_at, message_id" if "created_at" in reader.columns("projection_thread_messages") else "message_id"
    query = f"""SELECT thread_id, message_id FROM projection_thread_messages
        WHERE message_id GLOB 'assistant:prt_*' AND thread_id IN (SELECT value FROM json_each(?))
        ORDER BY {order}"""
    found: dict[str, list[str]] = defaultdict(list)
    for thread_id, message_id in reader.rows(query, json.dumps(list(thread_ids))):
        found[thread_id].append(message_id.removeprefix("assistant:"))
    return {thread_id: tuple(parts) for thread_id, parts in found.items()}


def end_parts(reader: SqliteReader, thread_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the ids of OpenCode's message parts behind the first and the last answer of each thread.

    Empty where the file has no index for them: each of thousands of threads would need a scan of all messages.
    """
    if not reader.rows(_IS_FOUND_BY_THREAD) or not reader.columns("projection_thread_messages") >= {"message_id", "created_at"}:
        return {}
    found = reader.rows(_ENDS, json.dumps(list(thread_ids)))
    return {name: tuple(part.removeprefix(_PART) for part in ends if isinstance(part, str)) for name, *ends in found if any(ends)}


_PART = "assistant:"
_IS_FOUND_BY_THREAD = """SELECT 1 FROM pragma_index_list('projection_thread_messages') AS indices
    JOIN pragma_index_info(indices.name) AS parts WHERE parts.seqno = 0 AND parts.name = 'thread_id'"""
_END = """(SELECT message_id FROM projection_thread_messages WHERE thread_id = value AND message_id GLOB 'assistant:prt_*'
    ORDER BY created_at {order} LIMIT 1)"""
_ENDS = f"SELECT value, {_END.format(order='ASC')}, {_END.format(order='DESC')} FROM json_each(?)"


def last_written(reader: SqliteReader) -> str:
    """Return the time of the newest change, in T3 Code's format; empty for an empty database."""
    found: object = reader.rows("""SELECT max(at) FROM (
        SELECT max(updated_at) AS at FROM projection_threads UNION ALL SELECT max(updated_at) FROM projection_thread_sessions
        UNION ALL SELECT max(last_seen_at) FROM provider_session_runtime)""")[0][0]
    return found if isinstance(found, str) else ""


def _read_some(reader: SqliteReader, names: Collection[str], also_deleted: bool = False) -> dict[str, T3Thread]:
    """Return these threads, without deleted ones unless `also_deleted`."""
    queries = [table.query_some(reader, also_deleted) for table in _OF_THREADS]
    threads, sessions, runtimes = reader.together(queries, json.dumps(list(names)))
    return _put_together(reader, threads, sessions, runtimes, reader.rows(_PROJECTS.query(reader, also_deleted)))


def _put_together(
    reader: SqliteReader, threads: list[Row], sessions: list[Row], runtimes: list[Row], projects: list[Row]
) -> dict[str, T3Thread]:
    session_of = {row[0]: row[1:] for row in sessions}
    runtime_of = {row[0]: row[1:] for row in runtimes}
    project_of = {row[0]: row[1:] for row in projects}
    theirs = _opencode_instances(reader)
    answered = _answered(reader, [row[0] for row in threads if row[_TURN] is None and isinstance(row[0], str)])
    return {
        str(row[0]): _thread(
            _texts((*row, *session_of.get(row[0], _NO_SESSION), *runtime_of.get(row[0], _NO_RUNTIME), *project_of[row[1]])),
            row[0] in answered,
            theirs,
        )
        for row in threads
        if row[1] in project_of
    }


_TURN = _THREADS.texts.index("latest_turn_id")
_ANSWERED = """SELECT value FROM json_each(?) WHERE EXISTS (
    SELECT 1 FROM projection_thread_messages WHERE thread_id = value AND role = 'assistant')"""


def _answered(reader: SqliteReader, names: Collection[str]) -> frozenset[str]:
    """Return those of these threads (without a recorded turn) that nevertheless contain an answer of the model."""
    if not names or not reader.columns("projection_thread_messages") >= {"thread_id", "role"}:
        return frozenset()
    return frozenset(row[0] for row in reader.rows(_ANSWERED, json.dumps(list(names))))


_INSTANCES = f"""SELECT DISTINCT provider_instance_id FROM provider_session_runtime
    WHERE provider_name = '{OPENCODE}' AND provider_instance_id IS NOT NULL"""


def _opencode_instances(reader: SqliteReader) -> frozenset[str]:
    """Return the instance names under which OpenCode was ever used: the user may choose any names, and have several."""
    if "provider_instance_id" not in reader.columns("provider_session_runtime"):
        return frozenset({OPENCODE})
    return frozenset({OPENCODE, *(row[0] for row in reader.rows(_INSTANCES) if isinstance(row[0], str))})


def _texts(row: Row) -> Row:
    """Replace values of a damaged row that are no text by None."""
    if _TEXT.issuperset(map(type, row)):
        return row
    return tuple(value if isinstance(value, str) else None for value in row)


def _thread(row: Row, answered: bool, opencode_instances: frozenset[str]) -> T3Thread:
    # fmt: off
    (
        thread_id, _, title, created, updated, worktree, branch, selection, turn, asked,
        archived, settled, snoozed, pinned, approvals, answers, session_provider, session_status, session_updated,
        active_turn, last_error, runtime_provider, status, last_seen, adapter, cursor_json, payload, was_instance,
        project, workspace, _,
    ) = row
    # fmt: on
    selected = _selection(selection)
    was_instance = was_instance or runtime_provider or ""
    is_opencode_next = not selected.instance or selected.instance in opencode_instances
    provider = runtime_provider or session_provider or adapter or selected.instance or ""
    if is_opencode_next and selected.instance and provider != OPENCODE:
        # The former provider keeps its own conversation; the next message goes to OpenCode.
        provider, cursor_json = OPENCODE, None
    cursor = _decoded(cursor_json, _CURSOR, _NO_CURSOR) if provider == OPENCODE else _NO_CURSOR
    named = _text(cursor.session_id)
    is_followed = bool(named) and cursor.is_followed
    is_working = session_status in _AT_WORK or active_turn is not None
    seen = moment(last_seen)
    # Positional: creating thousands of structs with this many keywords takes five times as long.
    thread = T3Thread(
        thread_id or "",
        title or "",
        project or "",
        worktree or workspace or "",
        provider,
        selected.instance or provider,
        needed_moment(created or ""),
        needed_moment(max(updated or "", asked or "")),
        selected.model,
        named if is_followed else None,
        # A message waiting for its first answer is no conversation yet. A former process whose session T3 Code no longer knows
        # means that there was one.
        bool(turn or answered or (status and not named and not is_working)),
        Runtime(status, session_status or "", _last_event(payload), seen, moment(session_updated)) if status else None,
        was_instance,
        is_opencode_next,
        seen,
    )
    earlier = (NativeSession(named),) if named and not is_followed else ()
    if not (branch or earlier or is_working or approvals or answers or last_error or archived or settled or snoozed or pinned):
        return thread
    # Separately, because few threads have any of these.
    return msgspec.structs.replace(
        thread,
        branch=branch or "",
        earlier=earlier,
        is_working=is_working,
        awaits_approval=approvals is not None,
        awaits_answer=answers is not None,
        last_error=last_error or "",
        archived_at=moment(archived),
        settled_at=moment(settled),
        snoozed_until=moment(snoozed),
        pinned_at=moment(pinned),
    )


@lru_cache(maxsize=256)
def _selection(text: str | None) -> _Selected:
    """Return the chosen model and its provider instance; cached, since thousands of threads share a few."""
    found = _decoded(text, _SELECTION, _NO_SELECTION)
    return _Selected(_text(found.instance) or _text(found.provider) or "", _text(found.model) or "")


def _last_event(payload: str | None) -> str:
    return _text(_decoded(payload, _PAYLOAD, _NO_PAYLOAD).last_event) or ""


def _decoded(text: str | None, decoder: msgspec.json.Decoder[T], nothing: T) -> T:
    """Decode JSON text; return `nothing` where it does not fit."""
    if text is None:
        return nothing
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return nothing


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
