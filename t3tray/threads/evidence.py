"""Collect evidence: the I/O that `decide` must not do. From a server while one runs; `file_evidence` does it from the database.

It asks and compares, and neither judges nor changes anything. A failed lookup becomes a `Failure`, never an absence.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from t3tray.domain.carries import Context
from t3tray.domain.context import ContextReader
from t3tray.domain.cursor import Cursor
from t3tray.domain.evidence import Absent, Activity, Claim, Evidence, Failure, Found, Lookup, MessageFacts, SessionFacts
from t3tray.domain.split import Served
from t3tray.domain.t3code_thread import T3Thread
from t3tray.domain.thread import Thread
from t3tray.errors import ServerError, SessionMissing
from t3tray.messages.databases import session_not_on_server
from t3tray.opencode.failures import failure_of
from t3tray.system.folders import directory_exists, same_directory
from t3tray.threads.context_reading import continued, newest_first, read_back
from t3tray.threads.remedy_offers import SessionStanding
from t3tray.threads.session_server import SessionServer

logger = logging.getLogger(__name__)
T = TypeVar("T")
STILL_WARM = timedelta(minutes=10)


class ThreadRecord(Struct, frozen=True):
    """What is known of a thread before OpenCode is asked: its cursor, and what other sources say of its session.

    `has_turns`: it had an earlier conversation, with or without a cursor. `split`, `conflict`, `asked_for`, `handed_over`,
    `in_doubt`: as in `Evidence`. `deleted`: T3 Code showed it once, and no longer does. `unread`: what of it could not be read,
    for people; the verdict is unknown then, whatever else is known.
    """

    thread: Thread
    cursor: Cursor | None
    has_turns: bool
    split: tuple[Claim, ...] = ()
    conflict: tuple[Claim, ...] = ()
    t3: T3Thread | None = None
    served: tuple[Served, ...] = ()
    asked_for: bool = False
    handed_over: bool = False
    deleted: bool = False
    unread: str = ""
    in_doubt: str = ""


def _no_answer(*_ids: str) -> None:
    return None


@dataclass(frozen=True)
class Surroundings:
    """Questions to this machine: the time, folders, and whether another OpenCode process runs.

    And to a database that knows the session: `held_by_opencode2`: number of messages that only OpenCode 2 holds (None: ask the
    server); `count_until`: number of messages up to this id, without emptied ones (None: not counted); `holder_of`: the database
    file that contains a session, whatever a server says.
    """

    now: Callable[[], datetime]
    others_run: Callable[[], bool]
    directory_exists: Callable[[str], bool | None] = directory_exists
    same_directory: Callable[[str, str], bool | None] = same_directory
    held_by_opencode2: Callable[[str], int | None] = _no_answer
    holder_of: Callable[[str], Path | None] = _no_answer
    count_until: Callable[[str, str], int | None] = _no_answer

    def at_once(self) -> Surroundings:
        """Return the same for one scan of many threads: each question is asked only once."""
        now = self.now()
        return Surroundings(
            lambda: now,
            cache(self.others_run),
            cache(self.directory_exists),
            cache(self.same_directory),
            self.held_by_opencode2,
            self.holder_of,
            self.count_until,
        )


def evidence_without_answers(recorded: ThreadRecord, failure: Failure, surroundings: Surroundings) -> Evidence:
    """Return the evidence if there is no session to ask for, or nothing to ask: only the folder is inspected."""
    there = surroundings.directory_exists(recorded.thread.directory)
    return Evidence(
        taken_at=surroundings.now(),
        session=failure,
        newest=failure,
        directory_exists=there,
        has_turns=recorded.has_turns,
        split=recorded.split,
        conflict=recorded.conflict,
        t3_works=recorded.t3 is not None and recorded.t3.is_working,
        asked_for=recorded.asked_for,
        handed_over=recorded.handed_over,
        in_doubt=recorded.in_doubt,
    )


async def evidence_from_server(
    server: SessionServer, recorded: ThreadRecord, cursor: Cursor, surroundings: Surroundings
) -> Evidence:
    """Return the evidence of this server process: two or three requests in parallel, more only if the recorded tail is not the
    newest message."""
    session, (newest, server_time_ms), activity, (known, same_directory) = await asyncio.gather(
        _look_up(server.session(cursor.session_id)),
        _newest(server, cursor.session_id),
        _activity(server, cursor),
        asyncio.to_thread(_from_machine, recorded, cursor, surroundings),
    )
    if isinstance(session, Absent) and (place := await asyncio.to_thread(surroundings.holder_of, cursor.session_id)):
        # The server uses another database than the one that contains the session: it is not missing there.
        session = newest = Failure.OTHER_DATABASE
        known = replace(known, why=session_not_on_server(place))
    if known.opencode2 is None and isinstance(session, Found):
        known = replace(known, opencode2=await held_by_opencode2(server, cursor.session_id))
    evidence = replace(
        known,
        taken_at=surroundings.now(),
        session=Found(session.value.facts) if isinstance(session, Found) else session,
        newest=newest,
        server_time_ms=server_time_ms,
        activity=activity,
        asked=f"OpenCode {server.version}",
    )
    if isinstance(evidence.session, Found):
        if evidence.session.value.directory != cursor.directory or _is_open(evidence):
            evidence = await asyncio.to_thread(_with_place_and_others, evidence, recorded.thread, surroundings)
        else:
            evidence = replace(evidence, same_directory=same_directory)
    return await _with_history(server, cursor, evidence)


def _from_machine(recorded: ThreadRecord, cursor: Cursor, surroundings: Surroundings) -> tuple[Evidence, bool | None]:
    """Return what needs no server, and whether the thread's folder is the one in the cursor. Blocks."""
    known = evidence_without_answers(recorded, Failure.SERVER_ERROR, surroundings)
    opencode2 = surroundings.held_by_opencode2(cursor.session_id)
    gone = gone_of(cursor, surroundings.count_until(cursor.session_id, cursor.last_message_id or ""))
    same_directory = surroundings.same_directory(recorded.thread.directory, cursor.directory)
    return replace(known, opencode2=opencode2, messages_gone=gone), same_directory


def gone_of(cursor: Cursor, until_tail: int | None) -> int | None:
    """Return how many recorded messages are missing among those up to the last recorded one; None if not counted."""
    return None if until_tail is None or cursor.message_count is None else max(cursor.message_count - until_tail, 0)


async def cursor_now(server: SessionServer, session: SessionFacts, previous: Cursor | None) -> Cursor:
    """Return the cursor that records this session as it is now. Raises ServerError.

    Reads back from the newest message to the one that `previous` recorded, or to the first: a long session costs only its new
    messages, and the count stays exact.
    """
    known = previous if previous and previous.session_id == session.id else None
    reader, newer, met = ContextReader(), list[MessageFacts](), False
    total: int | None = None
    held: int | None = None
    context: Context | None = None
    async for facts in newest_first(server, session.id):
        if not met and known and facts.id == known.last_message_id:
            met = True
            total = None if known.message_count is None else known.message_count + len(newer)
            context = continued(known.context, reader, len(newer))
        if met and (context is not None or reader.is_complete):
            break
        if not met:
            newer.append(facts)
        reader.add(facts)
    else:
        # Recorded messages that are gone stay in the count: otherwise the rest would count as the whole conversation from now on.
        held = reader.seen if met else len(newer)
        total = max(held, total or 0)
    counted = total if held is None else held
    finished = next((facts.id for facts in newer if facts.ends_a_turn), None)
    return replace(
        known or Cursor(session.id, session.directory),
        directory=session.directory,
        title=session.title,
        session_created_ms=session.created_ms,
        first_message_id=known.first_message_id if known and met else (newer[-1].id if newer else None),
        last_message_id=newer[0].id if newer else (known.last_message_id if known and met else None),
        last_finished_id=finished or (known.last_finished_id if known and met else None),
        message_count=total,
        server_version=server.version,
        context=context or reader.context(None if counted is None else counted - reader.seen),
    )


def newborn(session: SessionFacts, version: str) -> Cursor:
    """Return the cursor of a session without messages."""
    return Cursor(session.id, session.directory, session.title, session.created_ms, message_count=0, server_version=version)


async def held_by_opencode2(server: SessionServer, session_id: str) -> int | None:
    """Return how many messages of the session only OpenCode 2 holds, according to the server; None if it cannot tell."""
    theirs = await _look_up(server.opencode2_messages(session_id))
    if not isinstance(theirs, Found):
        return None
    if not theirs.value:
        return 0
    ours = await _look_up(_ids(server, session_id))
    return len(theirs.value - ours.value) if isinstance(ours, Found) else None


async def _ids(server: SessionServer, session_id: str) -> frozenset[str]:
    return frozenset([facts.id async for facts in newest_first(server, session_id)])


async def _look_up(request: Awaitable[T]) -> Lookup[T]:
    try:
        return Found(await request)
    except SessionMissing:
        return Absent()
    except ServerError as error:
        return failure_of(error)
    except Exception:
        return unexpected()


def unexpected() -> Failure:
    """Log the unexpected error: nothing was learnt of this one thread."""
    logger.exception("a look-up for a verdict failed")
    return Failure.SERVER_ERROR


async def _newest(server: SessionServer, session_id: str) -> tuple[Lookup[MessageFacts], int | None]:
    """Return the newest message, and the time by the server's clock in ms, if it is given."""
    page = await _look_up(server.messages(session_id, 1))
    if not isinstance(page, Found):
        return page, None
    return Found(page.value.messages[-1].facts) if page.value.messages else Absent(), page.value.server_time_ms


async def _activity(server: SessionServer, cursor: Cursor) -> Activity | Failure:
    activity = await _look_up(server.activity(cursor.session_id, cursor.directory))
    match activity:
        case Found(value):
            return value
        case Failure():
            return activity
    return Failure.SERVER_ERROR


def session_standing(session: Lookup[SessionFacts], directory: str) -> SessionStanding:
    """Return how the session that a source names relates to a thread in this folder."""
    match session:
        case Absent():
            return SessionStanding.GONE
        case Found(SessionFacts() as facts):
            return placed(facts.parent_id, facts.directory, directory)
    return SessionStanding.UNKNOWN


def placed(parent_id: str | None, place: str, directory: str) -> SessionStanding:
    """Return the same for an existing session that works in `place`."""
    if parent_id:
        return SessionStanding.CHILD
    return SessionStanding.THERE if same_directory(place, directory) else SessionStanding.ELSEWHERE


async def look_up_message(server: SessionServer, session_id: str, message_id: str) -> Lookup[MessageFacts]:
    """Return one message of a session, from the server."""
    record = await _look_up(server.message(session_id, message_id))
    return Found(record.value.facts) if isinstance(record, Found) else record


async def _with_history(server: SessionServer, cursor: Cursor, evidence: Evidence) -> Evidence:
    if not isinstance(evidence.session, Found) or not isinstance(evidence.newest, Found):
        return await _with_tail(server, cursor, evidence)
    reverted_to = evidence.session.value.reverted_to
    is_tail = evidence.newest.value.id == cursor.last_message_id
    if evidence.messages_gone:
        # The cursor's record of the messages is no longer true.
        cursor = replace(cursor, context=None, message_count=None)
    # If no file says how many recorded messages exist, only reading all of them does.
    is_counted = evidence.messages_gone is not None or None in (cursor.message_count, cursor.last_message_id)
    if is_tail and is_counted and reverted_to is None and cursor.context is not None:
        return replace(evidence, tail=evidence.newest, context=cursor.context)
    evidence = await _with_tail(server, cursor, evidence)
    is_rewound = evidence.first is not None
    read = await _look_up(read_back(server, cursor, reverted_to, count_all=is_rewound or not is_counted))
    if not isinstance(read, Found):
        return evidence
    found = read.value
    gone = None
    if isinstance(evidence.tail, Found):
        gone = evidence.messages_gone if is_counted else gone_of(cursor, found.until_tail)
    if isinstance(evidence.first, Found) and cursor.message_count is not None and found.messages is not None:
        gone = max(cursor.message_count - found.messages, 0)
    taken_back = found.taken_back if reverted_to else None
    return replace(evidence, context=found.context, messages_gone=gone, taken_back=taken_back)


async def _with_tail(server: SessionServer, cursor: Cursor, evidence: Evidence) -> Evidence:
    """Add the last recorded message, and the first one if the last is gone."""
    if cursor.last_message_id is None or not isinstance(evidence.session, Found):
        return evidence
    seen = of_id(evidence.newest, cursor.last_message_id)
    tail = seen or await look_up_message(server, cursor.session_id, cursor.last_message_id)
    if not isinstance(tail, Absent) or cursor.first_message_id is None:
        return replace(evidence, tail=tail)
    first = await look_up_message(server, cursor.session_id, cursor.first_message_id)
    return replace(evidence, tail=tail, first=first)


def _with_place_and_others(evidence: Evidence, thread: Thread, surroundings: Surroundings) -> Evidence:
    if not isinstance(evidence.session, Found):
        return evidence
    session = evidence.session.value
    same = surroundings.same_directory(thread.directory, session.directory)
    return replace(evidence, same_directory=same, others_writing=others_writing(evidence, session, surroundings))


def _is_open(evidence: Evidence) -> bool:
    """Whether there is an unfinished turn that this server does not run."""
    return isinstance(evidence.newest, Found) and not evidence.newest.value.ends_a_turn and evidence.activity is Activity.IDLE


def others_writing(evidence: Evidence, session: SessionFacts, surroundings: Surroundings) -> bool:
    """Whether an unfinished turn that this server does not run was written to recently, while another OpenCode process lives."""
    if not _is_open(evidence) or not isinstance(evidence.newest, Found):
        return False
    touched_ms = max(session.updated_ms, evidence.newest.value.created_ms)
    warm = surroundings.now().timestamp() * 1000 - touched_ms < STILL_WARM.total_seconds() * 1000
    return warm and surroundings.others_run()


def of_id(newest: Lookup[MessageFacts], message_id: str) -> Found[MessageFacts] | None:
    return newest if isinstance(newest, Found) and newest.value.id == message_id else None
