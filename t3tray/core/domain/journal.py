"""The journal's entries, and how they fold into what is true now.

It owns the meaning of an entry; storing entries belongs to `store.journal`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from t3tray.core.domain.cursor import Cursor
from t3tray.core.domain.remedy import Deed


class Event(StrEnum):
    """One kind of change of a binding.

    PUT_AWAY: that session is no part of the thread, the user said. DONE: a remedy that changes something else came to its end.
    """

    INTENDED = "intended"
    CONFIRMED = "confirmed"
    PROVEN = "proven"
    SUPERSEDED = "superseded"
    RELEASED = "released"
    ABANDONED = "abandoned"
    PUT_AWAY = "put-away"
    DONE = "done"


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
    deed: Deed | None = None
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
        case Event.PUT_AWAY:
            return replace(binding, has_history=True)


_LETS_GO = frozenset({Event.SUPERSEDED, Event.RELEASED, Event.PUT_AWAY})
_FINISHES = frozenset({Event.CONFIRMED, Event.RELEASED, Event.DONE})
SETTLES = _FINISHES | {Event.ABANDONED}
CHANGES = frozenset({Event.CONFIRMED, Event.SUPERSEDED, Event.RELEASED, Event.PUT_AWAY, Event.DONE})


def put_away(entries: Iterable[Entry], by: Collection[Actor] = tuple(Actor)) -> frozenset[str]:
    """The sessions that were let go of by name, what was undone left out. `by`: whose word counts."""
    gone: set[str] = set()
    for entry in _standing(tuple(entries)):
        if entry.session_id and entry.event in _LETS_GO and entry.actor in by:
            gone.add(entry.session_id)
        elif entry.session_id and entry.event is Event.CONFIRMED:
            gone.discard(entry.session_id)
    return frozenset(gone)


def last_change(entries: Iterable[Entry]) -> int:
    """The place of the last line that changed the binding, or ended a remedy; 0: there is none. A renewed proof is none."""
    return max((entry.seq or 0 for entry in entries if entry.event in CHANGES), default=0)


def abandoned(entries: Iterable[Entry]) -> frozenset[str]:
    """The sessions that a remedy made before it was cut off, and that nobody has bound since. They are in OpenCode as ever."""
    left: set[str] = set()
    for entry in entries:
        if entry.session_id and entry.event is Event.PUT_AWAY and entry.actor is Actor.RECOVERY:
            left.add(entry.session_id)
        elif entry.session_id and entry.event is Event.CONFIRMED:
            left.discard(entry.session_id)
    return frozenset(left)


def last_remedy(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries of the latest remedy that came to its end and was not undone; none when there is nothing to undo."""
    standing = [entry for entry in _standing(tuple(entries)) if entry.deed and not entry.deed.undoes]
    finished = [entry.intent for entry in standing if entry.event in _FINISHES]
    return tuple(entry for entry in standing if finished and entry.intent == finished[-1])


def _standing(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    undone = {entry.deed.undoes for entry in entries if entry.deed and entry.deed.undoes and entry.event in _FINISHES}
    return tuple(entry for entry in entries if entry.intent is None or entry.intent not in undone)
