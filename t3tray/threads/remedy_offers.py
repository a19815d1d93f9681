"""Which remedies are offered for a thread, and in which order: one pure function of the verdict and of what is known around it.

Used by the list, the page, the JSON documents and the command line alike. What would certainly be refused is not offered; what
repairs most without losing anything comes first. Where nothing was checked (None, UNKNOWN), a remedy counts as possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from t3tray.domain.remedy import Remedy
from t3tray.domain.verdict import Kind, Reason, Verdict
from t3tray.messages.verdicts import WORDING


class SessionStanding(StrEnum):
    """A session named for a thread: NONE is named, it is GONE, THERE (a root session in the thread's folder), works ELSEWHERE,
    or is a sub-agent's (CHILD)."""

    NONE = "none"
    GONE = "gone"
    THERE = "there"
    ELSEWHERE = "elsewhere"
    CHILD = "child"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Situation:
    """What is known around a verdict. `bound` is the session that is used here, `named` the one that T3 Code names; `is_one`:
    they are the same.

    `is_t3`: T3 Code shows the thread. `others`: another session of the thread exists and contains what the bound one may lack.
    `reverting`: a revert is pending in `named`, or in `bound` if none is named: anything told to it now would be lost. `choices`:
    there is another session to bind to. `copies`: a source has messages to carry. `can_repair`: T3 Code's cursor may be written.
    `lacks`: T3 Code shows more of the conversation than its session contains, or the bound one is known to lack some. `can_move`:
    the running server can move a session to another folder.
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
        """Whether T3 Code names another session than the one that is used here."""
        return self.is_t3 and not self.is_one and self.bound is not SessionStanding.NONE


NOTHING_KNOWN = Situation()
# Verdicts on an existing session that lost something: T3 Code continues in its session nevertheless.
_LOST = frozenset({Reason.SPLIT, Reason.CONFLICT, Reason.EMPTY, Reason.HISTORY_LOST})
# Nothing else can be repaired before the folder exists, or before it can be inspected.
_FIRST_THINGS_FIRST = frozenset({Reason.DIRECTORY_MISSING, Reason.DIRECTORY_UNREADABLE})
_POSSIBLY_THERE = frozenset({SessionStanding.THERE, SessionStanding.UNKNOWN})

# Remedies that make good a switch or a lost session. A fork or an unbinding does not, nor do preparatory steps.
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
    """Return the remedies that can be chosen, best first."""
    wanted = WORDING[verdict.reason].remedies
    if verdict.kind is not Kind.UNKNOWN and verdict.reason not in _FIRST_THINGS_FIRST:
        wanted = (*_best(verdict, known), *wanted, Remedy.REPAIR)
    return tuple(dict.fromkeys(remedy for remedy in wanted if _can(remedy, verdict, known)))


def answer_to_alarm(offered: Sequence[Remedy], is_complete: bool = False) -> Remedy | None:
    """Return the first remedy offered, if it makes good what an alarm reports. `is_complete`: only if its name alone says what
    to do."""
    first = offered[0] if offered else None
    return first if first in _ANSWERS and not (is_complete and first in _NEEDS_A_CHOICE) else None


def _best(verdict: Verdict, known: Situation) -> tuple[Remedy, ...]:
    """Return what comes before the reason's own remedies: it keeps more, or repairs the side where the user works."""
    if known.is_t3 and known.named is SessionStanding.ELSEWHERE:
        # T3 Code would fork it again: nothing else lasts before it is moved.
        return (Remedy.MOVE_SESSION,)
    first: tuple[Remedy, ...] = (Remedy.HEAL,)
    if known.is_two and known.bound is SessionStanding.THERE and known.named in (SessionStanding.GONE, SessionStanding.NONE):
        return (Remedy.REPAIR,) if known.can_repair is not False else ()
    if known.bound is SessionStanding.GONE and verdict.kind is Kind.BLOCKED:
        # The copies contain what is gone, and what only another session contains is carried with them; that session alone lacks
        # the former.
        return (*first, Remedy.CARRY, *((Remedy.START_AFRESH,) if known.copies else ()))
    if (verdict.reason in _LOST or known.lacks) and known.others:
        return (*first, Remedy.JOIN)
    if known.lacks and not known.is_t3 and known.choices:
        return (Remedy.BIND,)
    return first


def _can(remedy: Remedy, verdict: Verdict, known: Situation) -> bool:
    """Return False for what would certainly be refused."""
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
