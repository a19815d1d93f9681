"""Which remedies can be chosen for a thread, and in which order: one pure function of the verdict and of what is known around it.

Used by the list, the page, every document and the command line alike. What would be refused for sure is not offered; what would
mend most without losing anything comes first. Where nobody looked (None, UNKNOWN), a remedy is named as if it could be done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from t3tray.domain.remedy import Remedy
from t3tray.domain.verdict import Kind, Reason, Verdict
from t3tray.messages.verdicts import WORDING


class SessionStanding(StrEnum):
    """Of a session that somebody names for a thread: NONE is named, it is GONE, THERE (a root session that works in the thread's
    folder), works ELSEWHERE, or is a sub-agent's (CHILD)."""

    NONE = "none"
    GONE = "gone"
    THERE = "there"
    ELSEWHERE = "elsewhere"
    CHILD = "child"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Situation:
    """What is known around a verdict. `bound` is the session that is used here, `named` the one that T3 Code goes on in; `is_one`
    says that they are the same.

    `is_t3`: T3 Code shows the thread. `others`: another session of its own is there and holds what the bound one may lack.
    `reverting`: a revert is pending in `named`, or in `bound` where none is named: what is told it now would be lost with it.
    `choices`: there is another session that it could be bound to. `copies`: somebody has words of it to carry. `can_repair`: T3
    Code's cursor may be written at all. `lacks`: T3 Code shows more of the conversation than its session holds, or the bound one
    is known to lack some of it. `can_move`: the server that runs can move a session to another folder.
    """

    bound: SessionStanding = SessionStanding.UNKNOWN
    named: SessionStanding = SessionStanding.UNKNOWN
    is_one: bool = False
    is_t3: bool = False
    others: bool | None = None
    reverting: bool = False
    choices: bool | None = None
    copies: bool | None = None
    can_repair: bool | None = None
    lacks: bool = False
    can_move: bool | None = None

    @property
    def is_two(self) -> bool:
        """T3 Code goes on in another session than the one that is used here."""
        return self.is_t3 and not self.is_one and self.bound is not SessionStanding.NONE


NOTHING_KNOWN = Situation()
# What a session lost that is there: T3 Code's goes on in it all the same.
_LOST = frozenset({Reason.SPLIT, Reason.CONFLICT, Reason.EMPTY, Reason.HISTORY_LOST})
# Nothing can be mended before the folder is there, or before it can be told what there is.
_FIRST_THINGS_FIRST = frozenset({Reason.DIRECTORY_MISSING, Reason.DIRECTORY_UNREADABLE})
_POSSIBLY_THERE = frozenset({SessionStanding.THERE, SessionStanding.UNKNOWN})

# What makes good that a thread was switched or lost its session. A fork or letting go does not, nor what has to be done first.
_ANSWERS = frozenset(
    {
        Remedy.HEAL,
        Remedy.BIND,
        Remedy.JOIN,
        Remedy.MOVE_SESSION,
        Remedy.RELOCATE,
        Remedy.CARRY,
        Remedy.START_AFRESH,
        Remedy.REPAIR,
    }
)
# The user has to choose a session or a folder first.
_NEEDS_A_CHOICE = frozenset({Remedy.BIND, Remedy.RELOCATE})


def offers(verdict: Verdict, known: Situation = NOTHING_KNOWN) -> tuple[Remedy, ...]:
    """What can be chosen, the best first."""
    wanted = WORDING[verdict.reason].remedies
    if verdict.kind is not Kind.UNKNOWN and verdict.reason not in _FIRST_THINGS_FIRST:
        wanted = (*_best(verdict, known), *wanted, Remedy.REPAIR)
    return tuple(dict.fromkeys(remedy for remedy in wanted if _can(remedy, verdict, known)))


def answer_to_alarm(offered: Sequence[Remedy], is_complete: bool = False) -> Remedy | None:
    """The first of what is offered, where it makes good what an alarm tells; `is_complete`: its name alone says what to do."""
    first = offered[0] if offered else None
    return first if first in _ANSWERS and not (is_complete and first in _NEEDS_A_CHOICE) else None


def _best(verdict: Verdict, known: Situation) -> tuple[Remedy, ...]:
    """What comes before the reason's own remedies: it keeps more, or mends the side where the user works."""
    if known.is_t3 and known.named is SessionStanding.ELSEWHERE:
        # T3 Code would fork it again: nothing else holds before it was moved.
        return (Remedy.MOVE_SESSION,)
    first: tuple[Remedy, ...] = (Remedy.HEAL,)
    if known.is_two and known.bound is SessionStanding.THERE and known.named in (SessionStanding.GONE, SessionStanding.NONE):
        return (Remedy.REPAIR,) if known.can_repair is not False else ()
    if known.bound is SessionStanding.GONE and verdict.kind is Kind.BLOCKED:
        # The copies hold what is gone, and what only another session holds comes with them; that session alone does not.
        return (*first, Remedy.CARRY, *((Remedy.START_AFRESH,) if known.copies else ()))
    if (verdict.reason in _LOST or known.lacks) and known.others:
        return (*first, Remedy.JOIN)
    if known.lacks and not known.is_t3 and known.choices:
        return (Remedy.BIND,)
    return first


def _can(remedy: Remedy, verdict: Verdict, known: Situation) -> bool:
    """False for what would be refused for sure."""
    match remedy:
        case Remedy.HEAL | Remedy.JOIN if known.reverting:
            return False
        case Remedy.MOVE_SESSION | Remedy.RELOCATE if known.can_move is False and known.bound is not SessionStanding.NONE:
            return False
        case Remedy.HEAL:
            return known.is_t3 and known.named in _POSSIBLY_THERE and (known.is_two or known.lacks or verdict.reason in _LOST)
        case Remedy.JOIN:
            return known.others is not False
        case Remedy.BIND:
            return known.choices is not False
        case Remedy.CARRY:
            return known.copies is not False
        case Remedy.MOVE_SESSION:
            return SessionStanding.ELSEWHERE in (known.bound, known.named) or known.bound is SessionStanding.UNKNOWN
        case Remedy.RELOCATE:
            return not known.is_t3
        case Remedy.REPAIR:
            return known.is_two and known.bound is SessionStanding.THERE and known.can_repair is not False
        case Remedy.FORK:
            return known.bound in _POSSIBLY_THERE or known.bound is SessionStanding.ELSEWHERE
        case Remedy.RELEASE:
            return known.bound is not SessionStanding.NONE
    return True
