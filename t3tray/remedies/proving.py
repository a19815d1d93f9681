"""Before a binding is replaced, ask the server that would serve: a scan reads a database, which may be another one than
OpenCode's. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from t3tray.domain.evidence import Failure, SessionFacts
from t3tray.domain.remedy import Remedy
from t3tray.domain.verdict import Kind, Reason, Verdict
from t3tray.errors import ServerError, SessionMissing
from t3tray.messages import remedy_refusals as refusals
from t3tray.opencode.message_ids import is_later, is_marked, mark_of
from t3tray.remedies.plan import Tools
from t3tray.threads.session_server import SessionServer
from t3tray.threads.snapshot import ThreadDetails

# Remedies that replace the bound session. Unbinding loses nothing, and is possible without a server.
REPLACES = frozenset({Remedy.BIND, Remedy.JOIN, Remedy.HEAL, Remedy.CARRY, Remedy.FORK, Remedy.START_AFRESH, Remedy.MOVE_SESSION})
# Remedies that are not needed while the session exists: the model starts from nothing with them.
_BEGINS_ANEW = frozenset({Remedy.CARRY, Remedy.START_AFRESH})
_ABSENCES = frozenset({Reason.MISSING, Reason.EMPTY, Reason.HISTORY_LOST})
# Several sessions are not found by asking for one.
_SEVERAL = frozenset({Reason.SPLIT, Reason.CONFLICT})
_PAGE = 100
_NO_ANSWER = frozenset(Reason(failure.value) for failure in Failure)


async def with_server_verdict(tools: Tools, details: ThreadDetails, remedy: Remedy, starts: bool) -> ThreadDetails:
    """Return the details with the verdict of the server that would serve. `starts`: start one if none runs, else use the scan's.

    Raises Refused if the server has the session and nothing needs this remedy, CannotTell if it cannot answer, and what
    connecting raises.
    """
    listed = details.row.verdict
    if remedy not in REPLACES and remedy is not Remedy.RELEASE:
        return details
    server = await (tools.connect() if starts and remedy in REPLACES else tools.join())
    if server is None:
        return details
    now = await tools.verdict_of(details.row.thread.id, server)
    if remedy is Remedy.RELEASE:
        return details if now.reason in _NO_ANSWER else _with(details, now)
    if now.reason in _NO_ANSWER:
        raise refusals.server_cannot_tell(now)
    was_absent = listed.reason in _ABSENCES or listed.kind is Kind.UNKNOWN
    if remedy in _BEGINS_ANEW and was_absent and now.kind is Kind.RESUMABLE:
        raise refusals.can_be_resumed(details.row.session_id)
    return _with(details, now)


async def refuse_gone(tools: Tools, session_id: str, starts: bool) -> None:
    """Raises Refused if the session no longer exists, CannotTell if the server cannot answer. Unless a server runs (`starts`:
    start one) OpenCode's database is asked, and what it cannot answer is left to the server."""
    server = await (tools.connect() if starts else tools.join())
    try:
        if server is not None:
            await server.session(session_id)
        else:
            await tools.run_sql(_read, tools, session_id)
    except SessionMissing as error:
        raise refusals.would_go_back_to_nothing(session_id) from error
    except ServerError as error:
        if server is not None:
            raise refusals.may_be_gone(session_id, error.message) from error


async def was_sent_into(server: SessionServer, session_id: str, store_id: str, since_ms: int = 0) -> bool:
    """Whether this session contains a message that this store sent after that time. Messages are only sent into the bound
    session, so it was bound, whatever the journal lacks. Raises a ServerError."""
    mark = mark_of(store_id)
    before: str | None = None
    while True:
        try:
            page = await server.messages(session_id, _PAGE, before)
        except SessionMissing:
            return False
        ids = (record.facts.id for record in page.messages)
        if any(is_marked(name, mark) and (not since_ms or is_later(name, since_ms)) for name in ids):
            return True
        before = page.older
        if before is None:
            return False


@dataclass(frozen=True)
class CheckedSession:
    """An existing session, from the server if one runs. `doubt`: why OpenCode's database is not believed about its messages, a
    sentence; empty if both have the same newest one."""

    facts: SessionFacts
    doubt: str = ""


async def check_session(tools: Tools, session_id: str) -> CheckedSession:
    """Return the session for which a remedy is planned. Raises Refused if it does not exist, CannotTell if the server cannot
    answer; without a server what reading the database raises."""
    server = await tools.join()
    try:
        if server is None:
            return CheckedSession(await tools.run_sql(_read, tools, session_id))
        doubt = ""
        # Twice: a message may be written between the two requests.
        for _ in range(2):
            facts = (await server.session(session_id)).facts
            newest = (await server.messages(session_id, 1)).messages
            doubt = await tools.run_sql(_doubt, tools, session_id, newest[-1].facts.id if newest else None)
            if not doubt:
                break
        return CheckedSession(facts, doubt)
    except SessionMissing as error:
        raise refusals.no_session(session_id) from error
    except ServerError as error:
        if server is None:
            raise
        raise refusals.session_unreadable(session_id, error.message) from error


def _doubt(tools: Tools, session_id: str, newest_id: str | None) -> str:
    another = refusals.doubt_other_messages(session_id)
    try:
        with tools.library() as library:
            newest = library.newest(session_id) if library.session(session_id) else None
    except SessionMissing:
        return another
    except ServerError as error:
        return error.message
    return "" if (newest.id if newest else None) == newest_id else another


def _read(tools: Tools, session_id: str) -> SessionFacts:
    with tools.library() as library:
        return library.session(session_id)


def _with(details: ThreadDetails, verdict: Verdict) -> ThreadDetails:
    if details.row.verdict.reason in _SEVERAL:
        return details
    return replace(details, row=replace(details.row, verdict=verdict))
