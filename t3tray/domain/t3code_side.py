"""Where T3 Code's next message in a thread goes, and whether it carries the conversation: T3 Code's side, beside our own verdict.
Pure.

Decided from T3 Code's database, from what OpenCode has of the session it names, and from our verdict. T3 Code's rules were
measured with 0.0.33, and with the second orchestrator (`is_v2`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from t3tray.domain.evidence import Absent, Found, Lookup, SessionFacts
from t3tray.domain.remedy import Remedy
from t3tray.domain.times import local
from t3tray.domain.verdict import Kind, Reason, Verdict

# What makes T3 Code let go of all sessions that it holds open, whatever else fails.
HOW_TO_FREE = "Quit T3 Code and start it again"
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


class GuardSide(StrEnum):
    """Whether the T3 Code that shows the thread goes through the guard. DOWN: T3 Code is set to use it, and it does not
    listen. UNPROVED: what listens there does not prove to be the guard."""

    OFF = "off"
    ON = "on"
    DOWN = "down"
    UNPROVED = "unproved"


@dataclass(frozen=True)
class LetGo:
    """When T3 Code let go of every session that it held open; not `is_sure`: it was told to, and nothing confirms it."""

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


@dataclass(frozen=True)
class NextMessage:
    """`kind` resumable: it carries the conversation. Blocked: it does not, or is not sent. `remedies` would repair that."""

    kind: Kind
    reason: NextReason
    sentence: str
    remedies: tuple[Remedy, ...] = ()

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
_NEXT = "In T3 Code your next message"
CONTINUES = NextMessage(Kind.RESUMABLE, NextReason.CONTINUES, f"{_NEXT} continues this conversation.")
NEW = NextMessage(Kind.RESUMABLE, NextReason.NEW, f"{_NEXT} begins this conversation.")
UNKNOWN = NextMessage(Kind.UNKNOWN, NextReason.UNKNOWN, "Where your next message in T3 Code would go cannot be told now.")
_PROTECTED = "T3 Code is protected"
_GUARDED = {
    Kind.RESUMABLE: f"{_NEXT} continues this conversation, or fails with a clear message: {_PROTECTED}.",
    Kind.BLOCKED: f"{_NEXT} fails with a clear message, and nothing is lost: {_PROTECTED}.",
    Kind.UNKNOWN: (
        f"{_NEXT} continues this conversation or fails with a clear message: {_PROTECTED}, and which of them cannot be told now."
    ),
}


def next_message(side: T3Side, verdict: Verdict, guard: GuardSide = GuardSide.OFF) -> NextMessage:
    """Return where T3 Code's next message goes. Total; never raises. `verdict` is our own, on the session `bound`.

    In this order: what keeps T3 Code from sending at all; a session that it holds open, which nothing else reaches; the provider;
    the guard; then its cursor. A revert that is pending there is mentioned with it: nothing can be brought into that session.
    """
    next_one = _next(side, verdict, guard)
    if side.thinned and next_one.kind is Kind.RESUMABLE and next_one.reason in (NextReason.CONTINUES, NextReason.GUARDED):
        or_else = ", or fails with a clear message" if next_one.reason is NextReason.GUARDED else ""
        next_one = replace(_lacking(side.thinned, or_else), remedies=())
    if not side.reverting or next_one.reason not in _REACHES_NAMED:
        return next_one
    count = side.taken_back
    what = "messages" if count is None else f"{count:,} message{'' if count == 1 else 's'}"
    text = f"{next_one.sentence} A revert is pending there: your next message deletes {what} for good."
    return replace(next_one, sentence=text, remedies=tuple(remedy for remedy in next_one.remedies if remedy is not Remedy.HEAL))


def _next(side: T3Side, verdict: Verdict, guard: GuardSide) -> NextMessage:
    if side.reply_at is not None:
        return _stuck(side, side.reply_at)
    if guard is GuardSide.UNPROVED:
        return UNKNOWN
    if guard is GuardSide.DOWN:
        return _blocked(
            NextReason.FAILS, f"{_NEXT} fails: T3 Code is set to go through t3tray's protection, which does not answer."
        )
    is_guarded = guard is GuardSide.ON and side.is_opencode and not side.is_v2
    if side.instance_changed and not is_guarded:
        return _instance_changed(side)
    if side.live is not None and not side.instance_changed:
        return _live(side, side.live, verdict, guard)
    if is_guarded and side.has_turns and side.lacks and verdict.kind is Kind.RESUMABLE:
        return _lacking(side.lacks, ", or fails with a clear message")
    if is_guarded:
        return NEW if not side.has_turns else NextMessage(verdict.kind, NextReason.GUARDED, _GUARDED[verdict.kind])
    return _by_cursor(side, verdict)


def _by_cursor(side: T3Side, verdict: Verdict) -> NextMessage:
    if side.names is None:
        return _nothing_named(side)
    if verdict.reason is Reason.BAD_CURSOR and side.names == side.bound:
        return _blocked(NextReason.FAILS, f"{_NEXT} fails: what T3 Code keeps as the thread's session is not the id of one.")
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
            return _blocked(
                NextReason.STARTS_EMPTY, f"{_NEXT} goes to a session that holds nothing of this conversation.", Remedy.HEAL
            )
        case Reason.SPLIT:
            return _blocked(
                NextReason.PARTIAL, f"{_NEXT} goes to a session that holds only a part of this conversation.", Remedy.HEAL
            )
    return NextMessage(verdict.kind, NextReason.AS_HERE, f"{_NEXT} meets the same trouble as here.")


def _other(side: T3Side, verdict: Verdict) -> NextMessage:
    if side.bound is None:
        return _same(side, verdict)
    return _would_fork(side) if side.same_folder is False else _elsewhere(side)


def _is_other(side: T3Side) -> bool:
    return side.bound is not None and side.names != side.bound


def _elsewhere(side: T3Side) -> NextMessage:
    what = f"another session{_counted(side)}, not to the one that is used here"
    return _blocked(NextReason.OTHER_SESSION, f"{_NEXT} goes to {what}.", Remedy.HEAL, *_repair(side))


def _live(side: T3Side, live: str, verdict: Verdict, guard: GuardSide) -> NextMessage:
    """T3 Code sends straight into the session that it holds open, past its cursor and the guard."""
    if side.bound is not None and live != side.bound:
        if side.live_in_doubt:
            text = (
                f"Where your next message in T3 Code goes cannot be told: it may still hold another session open. {HOW_TO_FREE}."
            )
            return NextMessage(Kind.UNKNOWN, NextReason.UNKNOWN, text)
        if live == side.names and isinstance(side.named, Absent):
            text = f"{_NEXT} fails: T3 Code still holds a session open that is gone. {HOW_TO_FREE}."
            return _blocked(NextReason.SESSION_GONE, text, *_repair(side))
        later = f". {HOW_TO_FREE}, and it goes into this one" if guard is GuardSide.ON and not side.is_v2 else ""
        text = f"T3 Code holds another session open{_counted(side)}: your next message there goes into it{later}."
        return _blocked(NextReason.LIVE_ELSEWHERE, text, Remedy.HEAL, *_repair(side))
    if live == side.names:
        if isinstance(side.named, Absent):
            then = "would get only a summary" if side.is_v2 else "would start empty"
            then = "fails with a clear message" if guard is GuardSide.ON and not side.is_v2 else then
            text = f"{_NEXT} fails with “Session not found”, and after T3 Code was started again it {then}."
            return _blocked(NextReason.SESSION_GONE, text, *_repair(side))
        return _by_cursor(side, verdict)
    if verdict.kind is not Kind.RESUMABLE:
        return UNKNOWN if verdict.kind is Kind.UNKNOWN else _by_cursor(side, verdict)
    if guard is GuardSide.ON and not side.is_v2:
        if side.lacks:
            return _lacking(side.lacks)
        return NextMessage(Kind.RESUMABLE, NextReason.GUARDED, _GUARDED[Kind.RESUMABLE])
    after = "it would start empty" if side.names is None else "it goes to another session"
    goes = f"goes on with only a part of this conversation ({side.lacks})" if side.lacks else "continues this conversation"
    text = f"{_NEXT} {goes} as long as T3 Code holds its session open. After that {after}."
    return NextMessage(Kind.RESUMABLE, NextReason.LIVE, text, _repair(side))


def _nothing_named(side: T3Side) -> NextMessage:
    if not side.has_turns:
        return NEW
    if side.handed_over:
        return _handed_over(side.imported_characters)
    if side.is_v2:
        text = f"{_NEXT} would get only a summary of this conversation: T3 Code knows no session for this thread."
        return _blocked(NextReason.HAND_OFF, text)
    text = f"{_NEXT} would start empty: T3 Code knows no session for this thread."
    return _blocked(NextReason.STARTS_EMPTY, text, *_repair(side))


def _handed_over(characters: int | None) -> NextMessage:
    if characters is not None and characters <= HAND_OFF_LIMIT:
        text = f"{_NEXT} goes to a new session, with a written copy of the whole conversation ({characters:,} characters)."
        return NextMessage(Kind.RESUMABLE, NextReason.HAND_OFF, text)
    rest = f" of {characters:,}" if characters is not None else ""
    most = "the" if characters is not None else "at most the"
    text = f"{_NEXT} would carry only {most} last {HAND_OFF_LIMIT:,}{rest} characters of this conversation, into a new session."
    return _blocked(NextReason.HAND_OFF, text)


def _gone(side: T3Side) -> NextMessage:
    what = "would get only a summary" if side.is_v2 else "would start empty"
    text = f"{_NEXT} {what}: the session that T3 Code names no longer exists."
    return _blocked(NextReason.SESSION_GONE, text, *(_repair(side) if _is_other(side) else ()))


def _instance_changed(side: T3Side) -> NextMessage:
    changed = f"the thread was set from “{side.was_instance}” to “{side.instance}”"
    if not side.has_turns:
        return NEW
    if side.is_v2:
        text = f"Where your next message in T3 Code would go cannot be told: {changed}, and T3 Code may hand over a summary only."
        return NextMessage(Kind.UNKNOWN, NextReason.INSTANCE_CHANGED, text)
    return _blocked(NextReason.INSTANCE_CHANGED, f"{_NEXT} would start empty: {changed}.")


def _would_fork(side: T3Side) -> NextMessage:
    where = "is answered" if side.is_v2 or side.live else "goes to a copy of the session that works"
    text = f"{_NEXT} {where} in another folder, and T3 Code waits for the reply for ever."
    return _blocked(NextReason.WOULD_FORK, text, Remedy.MOVE_SESSION)


def _partial(shown: int, known: int) -> NextMessage:
    text = f"{_NEXT} goes to a session that knows {known:,} of the {shown:,} answers shown there, not the earlier ones."
    return _blocked(NextReason.PARTIAL, text, Remedy.HEAL)


def _lacking(lacks: str, or_else: str = "") -> NextMessage:
    """As here: it continues with a part, which the user was told when choosing that."""
    text = f"{_NEXT} goes to a session that holds only a part of this conversation{or_else} ({lacks})."
    return NextMessage(Kind.RESUMABLE, NextReason.PARTIAL, text, (Remedy.HEAL,))


def _stuck(side: T3Side, at: datetime) -> NextMessage:
    move = (Remedy.MOVE_SESSION,) if side.same_folder is False else ()
    first = "Move the session first, then quit" if move else "Quit"
    text = f"T3 Code still waits for a reply that was finished at {local(at):%H:%M} and can be read here."
    return _blocked(NextReason.STUCK, f"{text} {first} T3 Code and start it again to free the thread.", *move)


def _repair(side: T3Side) -> tuple[Remedy, ...]:
    """T3 Code's cursor can be written only in the first orchestrator's database."""
    return () if side.is_v2 or side.bound is None else (Remedy.REPAIR,)


def _counted(side: T3Side) -> str:
    count = side.named_messages
    return "" if count is None else f" ({count:,} message{'' if count == 1 else 's'})"


def _blocked(reason: NextReason, sentence: str, *remedies: Remedy) -> NextMessage:
    return NextMessage(Kind.BLOCKED, reason, sentence, remedies)
