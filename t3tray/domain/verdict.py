"""The verdict: can this thread be resumed? One pure, total function of the cursor and the evidence.

It defines the order in which facts are weighed. The sentences and remedies are in `messages.verdicts`.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from t3tray.domain.carries import Carries, CarriesKind, Context, local_time
from t3tray.domain.cursor import Cursor
from t3tray.domain.evidence import Absent, Activity, Evidence, Failure, Found, MessageFacts, Role, SessionFacts


class Kind(StrEnum):
    """The three values of a verdict."""

    RESUMABLE = "resumable"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Every reason; each belongs to exactly one kind (`KIND_OF`)."""

    PROVED = "proved"
    UNPROVEN = "unproven"
    INTERRUPTED = "interrupted"
    REWOUND = "rewound"
    BUSY = "busy"
    NEW = "new"

    UNBOUND = "unbound"
    MISSING = "missing"
    HISTORY_LOST = "history-lost"
    EMPTY = "empty"
    DIRECTORY_MISSING = "directory-missing"
    DIRECTORY_MISMATCH = "directory-mismatch"
    SPLIT = "split"
    CONFLICT = "conflict"
    CHILD = "child"
    BAD_CURSOR = "bad-cursor"

    SERVER_DOWN = "server-down"
    UNAUTHORIZED = "unauthorized"
    TIMEOUT = "timeout"
    SERVER_ERROR = "server-error"
    UNSUPPORTED = "unsupported"
    OTHER_DATABASE = "other-database"
    OPEN_ELSEWHERE = "open-elsewhere"
    DIRECTORY_UNREADABLE = "directory-unreadable"
    STRANDED = "stranded"


_RESUMABLE = frozenset({Reason.PROVED, Reason.UNPROVEN, Reason.INTERRUPTED, Reason.REWOUND, Reason.BUSY, Reason.NEW})
_UNKNOWN = frozenset(
    {*(Reason(failure.value) for failure in Failure), Reason.OPEN_ELSEWHERE, Reason.DIRECTORY_UNREADABLE, Reason.STRANDED}
)


def _kind_of(reason: Reason) -> Kind:
    if reason in _RESUMABLE:
        return Kind.RESUMABLE
    return Kind.UNKNOWN if reason in _UNKNOWN else Kind.BLOCKED


# Thousands are assessed at once, and Python 3.11 finds an enum member six times as slowly as a module's name.
_PROVED, _REWOUND = Reason.PROVED, Reason.REWOUND
_WHOLE, _PART, _NOT_KNOWN = CarriesKind.WHOLE, CarriesKind.PART, CarriesKind.UNKNOWN
_BUSY = Activity.BUSY
_UNKNOWN_CARRIES = Carries(CarriesKind.UNKNOWN)
_NOTHING = Carries(CarriesKind.NOTHING, messages=0, summary=0)
_CARRIES_NOTHING = frozenset({Reason.UNBOUND, Reason.MISSING, Reason.HISTORY_LOST, Reason.EMPTY, Reason.NEW, Reason.STRANDED})
KIND_OF: dict[Reason, Kind] = {reason: _kind_of(reason) for reason in Reason}


class Verdict(Struct, frozen=True):
    """A reason, the details of this case (a clause for people, or empty), and what the next message carries."""

    reason: Reason
    detail: str = ""
    carries: Carries = Carries(CarriesKind.UNKNOWN)

    @property
    def kind(self) -> Kind:
        return KIND_OF[self.reason]


_STANDS, _STANDS_UNPROVEN = Verdict(Reason.PROVED), Verdict(Reason.UNPROVEN)

# T3 Code's own limit for what it hands over (0.0.45).
HANDED_OVER = (
    "T3 Code's new version took the thread over without it: its next message there would get at most the last 32,000 characters"
)


COMPACTION_PENDING = (
    "a compaction was begun and never finished: OpenCode makes up for it with your next message, and may not answer"
)


def decide(cursor: Cursor | None, evidence: Evidence) -> Verdict:
    """Return the verdict on a thread with this cursor, given this evidence. Never raises; every path names its reason.

    Order: what makes the question void (no cursor, a malformed one), what could not be learnt, the session, its folder, whether
    its history is the recorded one, what happens in it now. What a remedy did to the binding is always added as a detail.
    """
    verdict = _decide(cursor, evidence)
    reason = verdict.reason
    if evidence.in_doubt and reason is _PROVED:
        # What was recorded exists; whether it is the latest is unknown.
        reason = Reason.UNPROVEN
    if reason in _CARRIES_NOTHING:
        carries = _NOTHING
    elif reason in _RESUMABLE and cursor is not None and evidence.context is not None and not evidence.in_doubt:
        carries = _carries(reason, cursor, evidence, evidence.context)
    else:
        carries = _UNKNOWN_CARRIES
    detail = verdict.detail
    is_odd = (
        evidence.in_doubt
        or evidence.opencode2
        or (evidence.messages_gone and _gone(evidence))
        or (evidence.context is not None and (evidence.context.emptied or evidence.context.unsent))
        or evidence.dated_ahead_ms is not None
        or carries is _UNKNOWN_CARRIES
    )
    if is_odd or (cursor is not None and (cursor.restored or cursor.lacks)):
        detail = "; ".join(filter(None, [detail, *_remarks(reason, cursor, evidence)]))
    return Verdict(reason, detail, carries)


def _remarks(reason: Reason, cursor: Cursor | None, evidence: Evidence) -> Iterator[str]:
    if cursor is not None and cursor.restored:
        yield f"restored {cursor.restored}"
    if reason in _UNKNOWN:
        yield evidence.why.rstrip(".")
    if reason not in _RESUMABLE:
        return
    if cursor is not None and cursor.lacks:
        yield cursor.lacks
    if evidence.in_doubt:
        yield evidence.in_doubt
    if evidence.context is not None and evidence.context.is_pending and reason is not Reason.BUSY:
        yield COMPACTION_PENDING
    yield from thinned(evidence)
    if (ahead := evidence.dated_ahead_ms) is not None:
        yield (
            f"its newest message is dated in the future, {local_time(ahead)}:"
            " OpenCode may store your message without asking the model until then"
        )


def thinned(evidence: Evidence) -> Iterator[str]:
    """Yield what the model does not get of the session's messages (deleted, failed or unknown to OpenCode 1), as clauses for
    people."""
    emptied = evidence.context.emptied if evidence.context is not None else 0
    if emptied and _is_being_written(evidence):
        emptied -= 1
    if emptied:
        yield f"{emptied} message{' of it is' if emptied == 1 else 's of it are'} empty, because what was said there was deleted"
    if evidence.context is not None and (unsent := evidence.context.unsent):
        what = "1 answer that failed is" if unsent == 1 else f"{unsent} answers that failed are"
        yield f"{what} shown, and OpenCode gives nothing of {'it' if unsent == 1 else 'them'} to the model"
    if (gone := _gone(evidence) - emptied) > 0:
        yield f"{gone} recorded message{' is' if gone == 1 else 's are'} gone from the session"
    if evidence.opencode2:
        yield f"{_holds(evidence.opencode2, 'more ')} in this session that OpenCode 1 does not carry"


def _is_being_written(evidence: Evidence) -> bool:
    """Whether the newest message is the user's and has no text yet: OpenCode stores the text a moment after the message."""
    newest = evidence.newest.value if isinstance(evidence.newest, Found) else None
    return evidence.activity is Activity.BUSY and newest is not None and newest.role is Role.USER and newest.is_emptied


def _gone(evidence: Evidence) -> int:
    """Return how many recorded messages are known to be gone although the last of them exists."""
    return evidence.messages_gone or 0 if isinstance(evidence.tail, Found) else 0


def _holds(messages: int, more: str = "") -> str:
    return f"OpenCode 2 holds {messages} {more}message{'' if messages == 1 else 's'}"


def _carries(reason: Reason, cursor: Cursor, evidence: Evidence, context: Context) -> Carries:
    """Return what the next message carries: the whole conversation only if that is proved."""
    if context.is_pending:
        return _UNKNOWN_CARRIES
    if context.emptied or context.unsent or (evidence.messages_gone and _gone(evidence)):
        return Carries(_PART, None, context.messages, 0 if context.since_ms is None else context.before)
    if context.since_ms is not None:
        return Carries(CarriesKind.SINCE_COMPACTION, context.since_ms, context.messages, context.before)
    if cursor.last_message_id is None and context.is_all:
        return Carries(_NOT_KNOWN, messages=context.messages)
    is_changed = isinstance(evidence.session, Found) and evidence.session.value.reverted_to is not None
    is_recorded = isinstance(evidence.tail, Found) and not is_changed and not cursor.restored and not evidence.opencode2
    is_whole = context.is_all and is_recorded and reason is not _REWOUND and not cursor.lacks
    if is_whole and cursor.message_count is not None and evidence.messages_gone is None:
        # The last recorded message exists; whether one before it was deleted was not checked.
        return Carries(_NOT_KNOWN, messages=context.messages)
    return Carries(_WHOLE if is_whole else _PART, None, context.messages, 0)


def _decide(cursor: Cursor | None, evidence: Evidence) -> Verdict:
    if evidence.conflict:
        return Verdict(Reason.CONFLICT, _listed(tuple(claim.session_id for claim in evidence.conflict)))
    if cursor is None:
        return _without_cursor(evidence)
    if not cursor.is_well_formed:
        return Verdict(Reason.BAD_CURSOR)
    match evidence.session:
        case Found() as found:
            session = found.value
            return _place(session, evidence) or _history(cursor, session, evidence)
        case Failure() as failure:
            return _unknown(failure)
        case Absent():
            return Verdict(Reason.MISSING)


def _without_cursor(evidence: Evidence) -> Verdict:
    if evidence.split:
        return Verdict(Reason.SPLIT, _listed(tuple(claim.session_id for claim in evidence.split)))
    if evidence.asked_for:
        return Verdict(
            Reason.TIMEOUT, "it was asked for one and the answer never came; this is settled when the server answers again"
        )
    if evidence.handed_over:
        return Verdict(Reason.UNBOUND, HANDED_OVER)
    return Verdict(Reason.UNBOUND if evidence.has_turns else Reason.NEW)


def _place(session: SessionFacts, evidence: Evidence) -> Verdict | None:
    if session.parent_id is not None:
        return Verdict(Reason.CHILD)
    if evidence.split:
        return Verdict(Reason.SPLIT, _listed(tuple(claim.session_id for claim in evidence.split)))
    if evidence.directory_exists is None:
        return Verdict(Reason.DIRECTORY_UNREADABLE)
    if not evidence.directory_exists:
        elsewhere = f"and its session works in {session.directory}" if evidence.same_directory is False else ""
        return Verdict(Reason.DIRECTORY_MISSING, elsewhere)
    if evidence.same_directory is False:
        return Verdict(Reason.DIRECTORY_MISMATCH, f"in {session.directory}")
    return None


def _history(cursor: Cursor, session: SessionFacts, evidence: Evidence) -> Verdict:
    match evidence.newest:
        case Found() as newest:
            standing = _standing(cursor, evidence)
            if standing.reason in _RESUMABLE:
                standing = _taken_back(cursor, session, evidence) or standing
            return _now(cursor, newest.value, standing, evidence) if standing.reason in _RESUMABLE else standing
        case Failure() as failure:
            return _unknown(failure)
        case Absent():
            if evidence.opencode2:
                return Verdict(Reason.STRANDED, _holds(evidence.opencode2))
            had_words = (evidence.has_turns and not cursor.afresh) or cursor.last_message_id is not None
            if not had_words and isinstance(evidence.activity, Failure):
                # A first message may be on its way: "not begun yet" is a claim too.
                return _unknown(evidence.activity)
            return Verdict(Reason.EMPTY if had_words else Reason.NEW)


def _taken_back(cursor: Cursor, session: SessionFacts, evidence: Evidence) -> Verdict | None:
    """Handle a pending revert: the messages still exist, and the next prompt deletes them for good (ids sort by time)."""
    start = session.reverted_to
    if start is None or (cursor.last_message_id is not None and start > cursor.last_message_id):
        return None
    if cursor.first_message_id is not None and start <= cursor.first_message_id:
        return Verdict(Reason.HISTORY_LOST, "a revert that is pending takes everything back with the next message")
    count = evidence.taken_back
    what = "messages" if count is None else f"{count} message{'' if count == 1 else 's'}"
    return Verdict(Reason.REWOUND, f"a revert is pending: the next message deletes {what} for good")


def _standing(cursor: Cursor, evidence: Evidence) -> Verdict:
    """Check whether the recorded history exists."""
    if cursor.last_message_id is None:
        return _STANDS_UNPROVEN
    match evidence.tail:
        case Found():
            return _STANDS
        case Failure() as failure:
            return _unknown(failure)
        case None:
            return Verdict(Reason.SERVER_ERROR, "the recorded tail was not looked up")
        case Absent():
            return _beginning(evidence)


def _beginning(evidence: Evidence) -> Verdict:
    match evidence.first:
        case Found():
            gone = evidence.messages_gone
            return Verdict(Reason.REWOUND, "" if gone is None else f"{gone} message{'' if gone == 1 else 's'} gone")
        case Failure() as failure:
            return _unknown(failure)
        case Absent() | None:
            return Verdict(Reason.HISTORY_LOST)


def _now(cursor: Cursor, newest: MessageFacts, standing: Verdict, evidence: Evidence) -> Verdict:
    """The recorded history exists: check what happens in the session now."""
    if isinstance(evidence.activity, Failure):
        return _unknown(evidence.activity)
    if evidence.activity is _BUSY:
        return Verdict(Reason.BUSY)
    if newest.ends_a_turn or newest.id == cursor.last_finished_id:
        return standing
    return Verdict(Reason.OPEN_ELSEWHERE if evidence.others_writing else Reason.INTERRUPTED, standing.detail)


def _unknown(failure: Failure) -> Verdict:
    return Verdict(Reason(failure.value))


def _listed(sessions: tuple[str, ...]) -> str:
    return ", ".join(sessions)
