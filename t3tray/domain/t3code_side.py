"""Where T3 Code's next message in a thread goes, and whether it carries the conversation: T3 Code's side, beside our own verdict.
Pure.

Decided from T3 Code's database, from what OpenCode has of the session it names, and from our verdict. T3 Code's rules were
measured with 0.0.33, and with the second orchestrator (`is_v2`). The sentence for each case is in `messages.t3code_side`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, structs

from t3tray.domain.evidence import Absent, Found, Lookup, SessionFacts
from t3tray.domain.remedy import Remedy
from t3tray.domain.verdict import Kind, Reason, Verdict

# In characters: how much the second orchestrator hands over of a thread that it imported.
HAND_OFF_LIMIT = 32_000


class NextReason(StrEnum):
    """Where the next message goes, or why that is unknown. PARTIAL: to a session that holds only a part of the conversation.

    LIVE: T3 Code holds the right session open, and would not find it again once it lets go. STUCK: T3 Code waits for a reply that
    is finished. FAILS: nothing is sent, and T3 Code says so. AS_HERE: the reason that blocks the thread here blocks it there too.
    """

    CONTINUES = "continues"
    GUARDED = "guarded"
    LIVE = "live"
    NEW = "new"
    OTHER_SESSION = "other-session"
    LIVE_ELSEWHERE = "live-elsewhere"
    SESSION_GONE = "session-gone"
    STARTS_EMPTY = "starts-empty"
    INSTANCE_CHANGED = "instance-changed"
    HAND_OFF = "hand-off"
    WOULD_FORK = "would-fork"
    PARTIAL = "partial"
    STUCK = "stuck"
    FAILS = "fails"
    AS_HERE = "as-here"
    UNKNOWN = "unknown"


class NextCase(StrEnum):
    """What happens to the next message, finer than `NextReason`. HELD: by a session that T3 Code holds open, past its cursor."""

    CONTINUES = "continues"
    BEGINS = "begins"
    GUARDED = "guarded"
    UNKNOWN = "unknown"
    GUARD_SILENT = "guard-silent"
    MALFORMED = "malformed"
    HOLDS_NOTHING = "holds-nothing"
    HOLDS_PART = "holds-part"
    KNOWS_PART = "knows-part"
    LACKS = "lacks"
    AS_HERE = "as-here"
    OTHER_SESSION = "other-session"
    HELD = "held"
    HELD_IN_DOUBT = "held-in-doubt"
    HELD_OTHER = "held-other"
    HELD_OTHER_GONE = "held-other-gone"
    HELD_GONE = "held-gone"
    NOTHING_NAMED = "nothing-named"
    NAMED_GONE = "named-gone"
    WHOLE_COPY = "whole-copy"
    CUT_COPY = "cut-copy"
    INSTANCE_CHANGED = "instance-changed"
    COPIED_ELSEWHERE = "copied-elsewhere"
    ANSWERED_ELSEWHERE = "answered-elsewhere"
    STUCK = "stuck"


class Otherwise(StrEnum):
    """What T3 Code does with a message for which its own session serves no longer. REFUSED: the guard refuses it."""

    EMPTY = "empty"
    SUMMARY = "summary"
    OTHER_SESSION = "other-session"
    REFUSED = "refused"


class GuardSide(StrEnum):
    """Whether the T3 Code that shows the thread goes through the guard. DOWN: T3 Code is set to use it, and it does not
    listen. UNPROVED: what listens there does not prove to be the guard."""

    OFF = "off"
    ON = "on"
    DOWN = "down"
    UNPROVED = "unproved"


@dataclass(frozen=True)
class LetGo:
    """When T3 Code let go of every session that it held open; not `is_sure`: that was requested, and nothing confirms it."""

    at: datetime
    is_sure: bool


class T3Side(Struct, frozen=True):
    """What is known of T3 Code's side of a thread.

    `names`: session in its cursor; `bound`: the one used here; `named`: what OpenCode has of `names`, None if nothing is named.
    `live`: session that a running T3 Code holds open, whatever its cursor says; `live_in_doubt`: it may have let go of it.
    `instance`, `was_instance`: provider that the next message is for, and the one that the cursor belongs to; equal or empty if
    nothing changed. `same_folder`: the named session works in the thread's folder. `shown`, `known`: number of the model's
    answers that T3 Code shows, and how many of those the named session has; None if all may be there. `imported_characters`:
    length of what the second orchestrator took over; None if unknown. `reply_at`: when a reply was finished for which T3 Code
    still waits. `reverting`: a revert is pending in the named session and deletes `taken_back` messages with the next one (None:
    not counted). `lacks`: what the session `bound` is known to lack, a clause; `thinned`: what the model does not get of its
    messages.
    """

    is_v2: bool = False
    has_turns: bool = True
    names: str | None = None
    named: Lookup[SessionFacts] | None = None
    named_messages: int | None = None
    bound: str | None = None
    live: str | None = None
    live_in_doubt: bool = False
    instance: str = ""
    was_instance: str = ""
    is_opencode: bool = True
    same_folder: bool | None = True
    handed_over: bool = False
    imported_characters: int | None = None
    shown: int | None = None
    known: int | None = None
    reply_at: datetime | None = None
    reverting: bool = False
    taken_back: int | None = None
    lacks: str = ""
    thinned: str = ""

    @property
    def instance_changed(self) -> bool:
        return bool(self.instance and self.was_instance and self.instance != self.was_instance)


class NextFacts(Struct, frozen=True):
    """The facts that the sentence of a `NextCase` names; those of other cases stay at their defaults.

    `messages`: number in the session that T3 Code names. `shown`, `known`: see `T3Side`. `characters`: length of what was taken
    over. `reply_at`: when the reply was finished. `lacks`: clause on what the session lacks. `guarded`: the guard answers, and
    refuses what would not continue. `reverting`, `taken_back`: a pending revert deletes so many messages (None: not counted).
    """

    messages: int | None = None
    shown: int = 0
    known: int = 0
    characters: int | None = None
    instance: str = ""
    was_instance: str = ""
    reply_at: datetime | None = None
    lacks: str = ""
    otherwise: Otherwise = Otherwise.EMPTY
    guarded: bool = False
    reverting: bool = False
    taken_back: int | None = None


_NO_FACTS = NextFacts()


@dataclass(frozen=True)
class NextMessage:
    """`kind` resumable: it carries the conversation. Blocked: it does not, or is not sent. `remedies` would repair that."""

    kind: Kind
    reason: NextReason
    case: NextCase
    remedies: tuple[Remedy, ...] = ()
    facts: NextFacts = _NO_FACTS

    @property
    def is_fine(self) -> bool:
        """Whether there is nothing to report."""
        return self.kind is Kind.RESUMABLE and self.reason in _FINE

    @property
    def is_fault(self) -> bool:
        """Whether this thread needs a repair. FAILS is not the thread's own fault: the protection is down for all of them."""
        return self.reason is NextReason.LIVE or (self.kind is Kind.BLOCKED and self.reason not in _NO_FAULT)


_FINE = frozenset({NextReason.CONTINUES, NextReason.GUARDED, NextReason.NEW})
_NO_FAULT = frozenset({NextReason.FAILS, NextReason.AS_HERE, NextReason.GUARDED})
_REACHES_NAMED = frozenset(
    {NextReason.CONTINUES, NextReason.OTHER_SESSION, NextReason.LIVE_ELSEWHERE, NextReason.PARTIAL, NextReason.STARTS_EMPTY}
)
CONTINUES = NextMessage(Kind.RESUMABLE, NextReason.CONTINUES, NextCase.CONTINUES)
NEW = NextMessage(Kind.RESUMABLE, NextReason.NEW, NextCase.BEGINS)
UNKNOWN = NextMessage(Kind.UNKNOWN, NextReason.UNKNOWN, NextCase.UNKNOWN)
_GUARDED = {kind: NextMessage(kind, NextReason.GUARDED, NextCase.GUARDED) for kind in Kind}


def next_message(side: T3Side, verdict: Verdict, guard: GuardSide = GuardSide.OFF) -> NextMessage:
    """Return where T3 Code's next message goes. Total; never raises. `verdict` is our own, on the session `bound`.

    In this order: what keeps T3 Code from sending at all; a session that it holds open, which nothing else reaches; the provider;
    the guard; then its cursor. A revert that is pending there is mentioned with it: nothing can be brought into that session.
    """
    next_one = _next(side, verdict, guard)
    if side.thinned and next_one.kind is Kind.RESUMABLE and next_one.reason in (NextReason.CONTINUES, NextReason.GUARDED):
        next_one = replace(_lacking(side.thinned, guarded=next_one.reason is NextReason.GUARDED), remedies=())
    if not side.reverting or next_one.reason not in _REACHES_NAMED:
        return next_one
    facts = structs.replace(next_one.facts, reverting=True, taken_back=side.taken_back)
    return replace(next_one, facts=facts, remedies=tuple(remedy for remedy in next_one.remedies if remedy is not Remedy.HEAL))


def _next(side: T3Side, verdict: Verdict, guard: GuardSide) -> NextMessage:
    if side.reply_at is not None:
        return _stuck(side, side.reply_at)
    if guard is GuardSide.UNPROVED:
        return UNKNOWN
    if guard is GuardSide.DOWN:
        return _blocked(NextReason.FAILS, NextCase.GUARD_SILENT)
    is_guarded = guard is GuardSide.ON and side.is_opencode and not side.is_v2
    if side.instance_changed and not is_guarded:
        return _instance_changed(side)
    if side.live is not None and not side.instance_changed:
        return _live(side, side.live, verdict, guard)
    if is_guarded and side.has_turns and side.lacks and verdict.kind is Kind.RESUMABLE:
        return _lacking(side.lacks, guarded=True)
    if is_guarded:
        return NEW if not side.has_turns else _GUARDED[verdict.kind]
    return _by_cursor(side, verdict)


def _by_cursor(side: T3Side, verdict: Verdict) -> NextMessage:
    if side.names is None:
        return _nothing_named(side)
    if verdict.reason is Reason.BAD_CURSOR and side.names == side.bound:
        return _blocked(NextReason.FAILS, NextCase.MALFORMED)
    match side.named:
        case Absent():
            return _gone(side)
        case Found():
            return _other(side, verdict) if _is_other(side) else _same(side, verdict)
        case _ if _is_other(side):
            return _elsewhere(side)
    return UNKNOWN


def _same(side: T3Side, verdict: Verdict) -> NextMessage:
    """T3 Code names the session that is used here, and it exists."""
    if not side.has_turns:
        return NEW
    if side.same_folder is False:
        return _would_fork(side)
    if side.shown is not None and side.known is not None and side.known < side.shown:
        return _partial(side.shown, side.known)
    if side.lacks and verdict.kind is Kind.RESUMABLE:
        return _lacking(side.lacks)
    if verdict.kind is Kind.RESUMABLE or verdict.reason is Reason.OPEN_ELSEWHERE:
        # The other process at work may well be T3 Code's own.
        return CONTINUES
    if verdict.kind is Kind.UNKNOWN:
        return UNKNOWN
    match verdict.reason:
        case Reason.EMPTY | Reason.HISTORY_LOST:
            return _blocked(NextReason.STARTS_EMPTY, NextCase.HOLDS_NOTHING, Remedy.HEAL)
        case Reason.SPLIT:
            return _blocked(NextReason.PARTIAL, NextCase.HOLDS_PART, Remedy.HEAL)
    return NextMessage(verdict.kind, NextReason.AS_HERE, NextCase.AS_HERE)


def _other(side: T3Side, verdict: Verdict) -> NextMessage:
    if side.bound is None:
        return _same(side, verdict)
    return _would_fork(side) if side.same_folder is False else _elsewhere(side)


def _is_other(side: T3Side) -> bool:
    return side.bound is not None and side.names != side.bound


def _elsewhere(side: T3Side) -> NextMessage:
    facts = NextFacts(messages=side.named_messages)
    return _blocked(NextReason.OTHER_SESSION, NextCase.OTHER_SESSION, Remedy.HEAL, *_repair(side), facts=facts)


def _live(side: T3Side, live: str, verdict: Verdict, guard: GuardSide) -> NextMessage:
    """T3 Code sends straight into the session that it holds open, past its cursor and the guard."""
    guarded = guard is GuardSide.ON and not side.is_v2
    if side.bound is not None and live != side.bound:
        if side.live_in_doubt:
            return NextMessage(Kind.UNKNOWN, NextReason.UNKNOWN, NextCase.HELD_IN_DOUBT)
        if live == side.names and isinstance(side.named, Absent):
            return _blocked(NextReason.SESSION_GONE, NextCase.HELD_OTHER_GONE, *_repair(side))
        facts = NextFacts(messages=side.named_messages, guarded=guarded)
        return _blocked(NextReason.LIVE_ELSEWHERE, NextCase.HELD_OTHER, Remedy.HEAL, *_repair(side), facts=facts)
    if live == side.names:
        if isinstance(side.named, Absent):
            facts = NextFacts(otherwise=Otherwise.REFUSED if guarded else _unserved(side))
            return _blocked(NextReason.SESSION_GONE, NextCase.HELD_GONE, *_repair(side), facts=facts)
        return _by_cursor(side, verdict)
    if verdict.kind is not Kind.RESUMABLE:
        return UNKNOWN if verdict.kind is Kind.UNKNOWN else _by_cursor(side, verdict)
    if guarded:
        return _lacking(side.lacks) if side.lacks else _GUARDED[Kind.RESUMABLE]
    facts = NextFacts(lacks=side.lacks, otherwise=Otherwise.EMPTY if side.names is None else Otherwise.OTHER_SESSION)
    return NextMessage(Kind.RESUMABLE, NextReason.LIVE, NextCase.HELD, _repair(side), facts)


def _nothing_named(side: T3Side) -> NextMessage:
    if not side.has_turns:
        return NEW
    if side.handed_over:
        return _handed_over(side.imported_characters)
    facts = NextFacts(otherwise=_unserved(side))
    if side.is_v2:
        return _blocked(NextReason.HAND_OFF, NextCase.NOTHING_NAMED, facts=facts)
    return _blocked(NextReason.STARTS_EMPTY, NextCase.NOTHING_NAMED, *_repair(side), facts=facts)


def _handed_over(characters: int | None) -> NextMessage:
    facts = NextFacts(characters=characters)
    if characters is not None and characters <= HAND_OFF_LIMIT:
        return NextMessage(Kind.RESUMABLE, NextReason.HAND_OFF, NextCase.WHOLE_COPY, facts=facts)
    return _blocked(NextReason.HAND_OFF, NextCase.CUT_COPY, facts=facts)


def _gone(side: T3Side) -> NextMessage:
    remedies = _repair(side) if _is_other(side) else ()
    return _blocked(NextReason.SESSION_GONE, NextCase.NAMED_GONE, *remedies, facts=NextFacts(otherwise=_unserved(side)))


def _instance_changed(side: T3Side) -> NextMessage:
    if not side.has_turns:
        return NEW
    facts = NextFacts(instance=side.instance, was_instance=side.was_instance)
    # The second orchestrator may hand over a summary.
    kind = Kind.UNKNOWN if side.is_v2 else Kind.BLOCKED
    return NextMessage(kind, NextReason.INSTANCE_CHANGED, NextCase.INSTANCE_CHANGED, facts=facts)


def _would_fork(side: T3Side) -> NextMessage:
    case = NextCase.ANSWERED_ELSEWHERE if side.is_v2 or side.live else NextCase.COPIED_ELSEWHERE
    return _blocked(NextReason.WOULD_FORK, case, Remedy.MOVE_SESSION)


def _partial(shown: int, known: int) -> NextMessage:
    return _blocked(NextReason.PARTIAL, NextCase.KNOWS_PART, Remedy.HEAL, facts=NextFacts(shown=shown, known=known))


def _lacking(lacks: str, *, guarded: bool = False) -> NextMessage:
    """As here: it continues with a part, as the preview of that choice said."""
    facts = NextFacts(lacks=lacks, guarded=guarded)
    return NextMessage(Kind.RESUMABLE, NextReason.PARTIAL, NextCase.LACKS, (Remedy.HEAL,), facts)


def _stuck(side: T3Side, at: datetime) -> NextMessage:
    move = (Remedy.MOVE_SESSION,) if side.same_folder is False else ()
    return _blocked(NextReason.STUCK, NextCase.STUCK, *move, facts=NextFacts(reply_at=at))


def _repair(side: T3Side) -> tuple[Remedy, ...]:
    """T3 Code's cursor can be written only in the first orchestrator's database."""
    return () if side.is_v2 or side.bound is None else (Remedy.REPAIR,)


def _unserved(side: T3Side) -> Otherwise:
    return Otherwise.SUMMARY if side.is_v2 else Otherwise.EMPTY


def _blocked(reason: NextReason, case: NextCase, *remedies: Remedy, facts: NextFacts = _NO_FACTS) -> NextMessage:
    return NextMessage(Kind.BLOCKED, reason, case, remedies, facts)
