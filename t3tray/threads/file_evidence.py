"""Collect evidence from OpenCode's own database: if no server runs, and for scans of many threads.

As in `evidence`, a failed lookup becomes a `Failure`, never an absence.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

from msgspec.structs import replace

from t3tray.domain.carries import Context
from t3tray.domain.cursor import Cursor
from t3tray.domain.evidence import Absent, Activity, Evidence, Failure, Found, Lookup, MessageFacts, SessionFacts
from t3tray.errors import ServerError, SessionMissing
from t3tray.opencode.failures import failure_of
from t3tray.opencode.index import SessionIndex
from t3tray.threads.evidence import (
    STILL_WARM,
    Surroundings,
    ThreadRecord,
    evidence_without_answers,
    gone_of,
    of_id,
    others_writing,
    unexpected,
)

T = TypeVar("T")
_DATABASE = "OpenCode's database"
_IDLE = Activity.IDLE  # Python 3.11 finds an enum member slowly


class SessionReader(Protocol):
    """The queries of a session database that a verdict needs. Every method raises ServerError."""

    def session(self, session_id: str) -> SessionFacts: ...

    def message(self, session_id: str, message_id: str) -> MessageFacts: ...

    def newest(self, session_id: str) -> MessageFacts | None: ...

    def count(self, session_id: str, since: str = "") -> int: ...

    def count_until(self, session_id: str, message_id: str) -> int | None: ...

    def context(self, session_id: str, taken_back: str | None = None) -> Context: ...

    def held_by_opencode2(self, session_id: str) -> int: ...


def evidence_from_database(reader: SessionReader, recorded: ThreadRecord, cursor: Cursor, surroundings: Surroundings) -> Evidence:
    """Return the evidence of OpenCode's own database. It does not contain what a server does: the session counts as idle."""
    session = _read(reader.session, cursor.session_id)
    if not isinstance(session, Found):
        return replace(
            evidence_without_answers(recorded, Failure.SERVER_ERROR, surroundings),
            session=session,
            newest=session,
            asked=_DATABASE,
        )
    newest = _read_newest(reader, cursor.session_id)
    tail: Lookup[MessageFacts] | None = None
    if cursor.last_message_id is not None:
        tail = of_id(newest, cursor.last_message_id) or _read(partial(reader.message, cursor.session_id), cursor.last_message_id)
    facts, directory = session.value, recorded.thread.directory
    context, opencode2 = _model_gets(reader, facts)
    # By position and at once: for thousands of threads keyword arguments take five times as long, and each change makes another
    # struct.
    evidence = Evidence(
        surroundings.now(),
        session,
        newest,
        tail,
        None,  # first
        _IDLE,
        surroundings.directory_exists(directory),
        surroundings.same_directory(directory, facts.directory),
        recorded.has_turns,
        False,  # others_writing
        _gone_before_tail(reader, cursor, tail, newest, context) if isinstance(tail, Found) else None,
        recorded.split,
        recorded.conflict,
        _DATABASE,
        recorded.t3 is not None and recorded.t3.is_working,
        None,  # taken_back
        False,  # asked_for
        False,  # handed_over
        "",  # why
        context,
        recorded.in_doubt,
        opencode2,
    )
    if isinstance(tail, Absent) and cursor.first_message_id is not None:
        evidence = _with_beginning(reader, cursor, cursor.first_message_id, evidence)
    if facts.reverted_to:
        evidence = replace(evidence, taken_back=reader.count(cursor.session_id, facts.reverted_to))
    return replace(evidence, others_writing=True) if others_writing(evidence, facts, surroundings) else evidence


def _with_beginning(reader: SessionReader, cursor: Cursor, first_id: str, evidence: Evidence) -> Evidence:
    """Add whether the first message exists, and how many are gone: the recorded tail is gone."""
    first, gone = _read(partial(reader.message, cursor.session_id), first_id), None
    if isinstance(first, Found) and cursor.message_count is not None:
        gone = max(cursor.message_count - reader.count(cursor.session_id), 0)
    return replace(evidence, first=first, messages_gone=gone)


def _gone_before_tail(
    reader: SessionReader, cursor: Cursor, tail: Lookup[MessageFacts], newest: Lookup[MessageFacts], context: Context | None
) -> int | None:
    """Return how many recorded messages are gone although the last of them exists. Mostly the context already shows that none
    is."""
    recorded = cursor.message_count
    if recorded is None or cursor.last_message_id is None:
        return None
    if tail is newest and context is not None and context.is_all and context.messages >= recorded:
        return 0
    until_tail = _read(partial(reader.count_until, cursor.session_id), cursor.last_message_id)
    return gone_of(cursor, until_tail.value) if isinstance(until_tail, Found) else None


def _read(read: Callable[[str], T], wanted: str) -> Lookup[T]:
    try:
        return Found(read(wanted))
    except SessionMissing:
        return Absent()
    except ServerError as error:
        return failure_of(error)
    except Exception:
        return unexpected()


def _model_gets(reader: SessionReader, session: SessionFacts) -> tuple[Context | None, int | None]:
    """Return what the model would get of the session, and how many messages only OpenCode 2 holds; None if unknown."""
    try:
        return reader.context(session.id, session.reverted_to), reader.held_by_opencode2(session.id)
    except ServerError:
        return None, None
    except Exception:
        unexpected()
        return None, None


def _read_newest(reader: SessionReader, session_id: str) -> Lookup[MessageFacts]:
    try:
        newest = reader.newest(session_id)
    except ServerError as error:
        return failure_of(error)
    except Exception:
        return unexpected()
    return Absent() if newest is None else Found(newest)


def agents_work(index: SessionIndex, session_id: str, surroundings: Surroundings) -> bool:
    """Whether a sub-agent's last turn has no end yet and was written to recently."""
    children = index.children_of(session_id)
    return bool(children) and any(_works(index, child, surroundings) for child in children)


def _works(index: SessionIndex, child: str, surroundings: Surroundings) -> bool:
    since_ms = (surroundings.now() - STILL_WARM).timestamp() * 1000
    try:
        if index.session(child).updated_ms < since_ms:
            return False
        newest = index.newest(child)
    except ServerError:
        return False
    return newest is not None and not newest.ends_a_turn
