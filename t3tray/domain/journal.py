"""The journal's entries, and how they fold into what is true now.

It owns the meaning of an entry; storing entries belongs to `store.journal`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from t3tray.domain.cursor import Cursor
from t3tray.domain.remedy import MAKES, RemedyRecord


class Event(StrEnum):
    """One kind of change of a binding.

    PUT_AWAY: that session is no part of the thread, the user said. RETURNED: T3 Code wrote into it all the same, since it held it
    open, so it is one again. DONE: a remedy that changes something else came to its end.
    """

    INTENDED = "intended"
    CONFIRMED = "confirmed"
    PROVEN = "proven"
    SUPERSEDED = "superseded"
    RELEASED = "released"
    ABANDONED = "abandoned"
    PUT_AWAY = "put-away"
    DONE = "done"
    RETURNED = "returned"


# Why the proof of a turn was renewed whose message was sent by t3tray.
TURN_OF_OURS = "the turn ended"


class Actor(StrEnum):
    """Who made the change. `TURN` is a turn that ended: it only ever renews the proof."""

    USER = "user"
    IMPORT = "import"
    RECOVERY = "recovery"
    TURN = "turn"


@dataclass(frozen=True)
class Entry:
    """One line of the journal. `seq` is None until the store has given it its place.

    `intent` joins an INTENDED with the CONFIRMED, RELEASED, DONE or ABANDONED that settles it, and is the marker in the session's
    metadata; all entries of one remedy have the same. `cursor` is what was known of the session at that moment. `deed` says which
    remedy the entry belongs to.
    """

    thread_id: str
    event: Event
    actor: Actor
    why: str
    at: datetime
    session_id: str | None = None
    intent: str | None = None
    cursor: Cursor | None = None
    deed: RemedyRecord | None = None
    seq: int | None = None


@dataclass(frozen=True)
class Binding:
    """What a thread's entries come to: the live cursor, the intents that nobody has settled, and whether there ever was one."""

    cursor: Cursor | None = None
    pending: tuple[str, ...] = ()
    has_history: bool = False


def fold(entries: Iterable[Entry]) -> Binding:
    """The state after these entries of one thread, oldest first."""
    binding = Binding()
    for entry in entries:
        binding = _step(binding, entry)
    return binding


def _step(binding: Binding, entry: Entry) -> Binding:
    settled = tuple(intent for intent in binding.pending if intent != entry.intent)
    match entry.event:
        case Event.INTENDED:
            pending = (*binding.pending, entry.intent) if entry.intent else binding.pending
            return replace(binding, pending=pending, has_history=True)
        case Event.CONFIRMED:
            return Binding(entry.cursor, settled, True)
        case Event.PROVEN:
            return replace(binding, cursor=entry.cursor, has_history=True)
        case Event.SUPERSEDED:
            return replace(binding, cursor=None, has_history=True)
        case Event.RELEASED:
            return replace(binding, cursor=None, pending=settled, has_history=True)
        case Event.ABANDONED | Event.DONE:
            return replace(binding, pending=settled, has_history=True)
        case Event.PUT_AWAY | Event.RETURNED:
            return replace(binding, has_history=True)


_LETS_GO = frozenset({Event.SUPERSEDED, Event.RELEASED, Event.PUT_AWAY})
_FINISHES = frozenset({Event.CONFIRMED, Event.RELEASED, Event.DONE})
SETTLES = _FINISHES | {Event.ABANDONED}
CHANGES = frozenset({Event.CONFIRMED, Event.SUPERSEDED, Event.RELEASED, Event.PUT_AWAY, Event.DONE})


def put_away(entries: Iterable[Entry]) -> frozenset[str]:
    """The sessions that were let go of by name: no part of the thread any more.

    A remedy that was undone counts for nothing, and neither does the undoing; but who undoes lets go of what was made by it.
    """
    told = tuple(entries)
    void = _void(told)
    gone: set[str] = set()
    for entry in told:
        if entry.session_id is None:
            continue
        if entry.intent in void:
            if entry.event is Event.CONFIRMED and entry.deed and entry.deed.remedy in MAKES:
                gone.add(entry.session_id)
        elif entry.event in _LETS_GO:
            gone.add(entry.session_id)
        elif entry.event in (Event.CONFIRMED, Event.RETURNED):
            gone.discard(entry.session_id)
    return frozenset(gone)


def returned(entries: Iterable[Entry]) -> frozenset[str]:
    """The sessions that T3 Code wrote into after they were let go of, and that nobody has settled since: a split."""
    told = tuple(entries)
    back: set[str] = set()
    for entry in told:
        if entry.session_id and entry.event is Event.RETURNED:
            back.add(entry.session_id)
        elif entry.session_id and (entry.event in _LETS_GO or entry.event is Event.CONFIRMED):
            back.discard(entry.session_id)
    return frozenset(back)


def left_sessions(entries: Iterable[Entry], by: Collection[Actor]) -> frozenset[str]:
    """The sessions that were left for another one, and not come back to; `by`: whose word counts.

    Who undoes a remedy leaves what it had chosen: T3 Code may have been brought there meanwhile.
    """
    told = tuple(entries)
    undone = {entry.deed.undoes for entry in told if entry.deed and entry.deed.undoes and entry.event in _FINISHES}
    left: set[str] = set()
    for entry in told:
        if entry.session_id is None or (entry.intent and entry.intent in undone):
            continue
        if entry.event in _LETS_GO and entry.actor in by:
            left.add(entry.session_id)
        elif entry.event is Event.CONFIRMED:
            left.discard(entry.session_id)
    return frozenset(left)


def last_change(entries: Iterable[Entry]) -> int:
    """The place of the last line that changed the binding, or ended a remedy; 0: there is none. A renewed proof is none."""
    return max((entry.seq or 0 for entry in entries if entry.event in CHANGES), default=0)


def abandoned(entries: Iterable[Entry]) -> frozenset[str]:
    """The sessions that a remedy made before it was cut off, and that nobody has bound since. They are in OpenCode as ever."""
    left: set[str] = set()
    for entry in standing(entries):
        if entry.session_id and entry.event is Event.PUT_AWAY and entry.actor is Actor.RECOVERY:
            left.add(entry.session_id)
        elif entry.session_id and entry.event is Event.CONFIRMED:
            left.discard(entry.session_id)
    return frozenset(left)


def last_remedy(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries of the latest remedy that came to its end and was not undone; none when there is nothing to undo."""
    done = [entry for entry in standing(entries) if entry.deed and not entry.deed.undoes]
    finished = [entry.intent for entry in done if entry.event in _FINISHES]
    return tuple(entry for entry in done if finished and entry.intent == finished[-1])


def standing(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries as if no remedy that was undone had ever been, and nobody had undone it."""
    told = tuple(entries)
    void = _void(told)
    return tuple(entry for entry in told if entry.intent is None or entry.intent not in void)


def _void(entries: tuple[Entry, ...]) -> frozenset[str | None]:
    """The intents of the remedies that were undone, and of those that undid them."""
    undoing = [entry for entry in entries if entry.deed and entry.deed.undoes and entry.event in _FINISHES]
    return frozenset(intent for entry in undoing if entry.deed for intent in (entry.intent, entry.deed.undoes))
