"""The journal's entries, and the state that follows from them.

Defines what an entry means; `store.journal` stores them.
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

    PUT_AWAY: the user said that this session is not part of the thread. RETURNED: T3 Code wrote into it nevertheless, because it
    held it open, so it is part of the thread again. DONE: a remedy that changes something other than the binding is complete.
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


# `why` of a proof that was renewed after a turn whose message was sent by t3tray.
TURN_OF_OURS = "the turn ended"


class Actor(StrEnum):
    """Who made the change. TURN is a turn that ended: it only renews the proof."""

    USER = "user"
    IMPORT = "import"
    RECOVERY = "recovery"
    TURN = "turn"


@dataclass(frozen=True)
class Entry:
    """One line of the journal. `seq` is None until the store has assigned its position.

    `intent` joins an INTENDED with the CONFIRMED, RELEASED, DONE or ABANDONED that settles it, and is the marker in the session's
    metadata; all entries of one remedy share it. `cursor` is what was known of the session at that moment. `deed` is the remedy
    that the entry belongs to; it is named like its column and its field in `journal.jsonl`.
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
    """The state that follows from a thread's entries: live cursor, intents that are not settled, and whether there was any
    entry."""

    cursor: Cursor | None = None
    pending: tuple[str, ...] = ()
    has_history: bool = False


def fold(entries: Iterable[Entry]) -> Binding:
    """Return the state after these entries of one thread, oldest first."""
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
    """Return the sessions that were dismissed by name: they are no longer part of the thread.

    A remedy that was undone does not count, nor does its undoing; but undoing a remedy dismisses the session that the remedy
    made.
    """
    lines = tuple(entries)
    void = _void(lines)
    gone: set[str] = set()
    for entry in lines:
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
    """Return the sessions that T3 Code wrote into after they were dismissed, and that are not settled since: a split."""
    lines = tuple(entries)
    back: set[str] = set()
    for entry in lines:
        if entry.session_id and entry.event is Event.RETURNED:
            back.add(entry.session_id)
        elif entry.session_id and (entry.event in _LETS_GO or entry.event is Event.CONFIRMED):
            back.discard(entry.session_id)
    return frozenset(back)


def left_sessions(entries: Iterable[Entry], by: Collection[Actor]) -> frozenset[str]:
    """Return the sessions that were left for another one and not returned to. Only entries of the actors in `by` count.

    A remedy that was undone does not count, but its undoing does: it leaves what the remedy had chosen, and T3 Code may have been
    brought there meanwhile.
    """
    lines = tuple(entries)
    undone = {entry.deed.undoes for entry in lines if entry.deed and entry.deed.undoes and entry.event in _FINISHES}
    left: set[str] = set()
    for entry in lines:
        if entry.session_id is None or (entry.intent and entry.intent in undone):
            continue
        if entry.event in _LETS_GO and entry.actor in by:
            left.add(entry.session_id)
        elif entry.event is Event.CONFIRMED:
            left.discard(entry.session_id)
    return frozenset(left)


def last_change(entries: Iterable[Entry]) -> int:
    """Return the position of the last entry that changed the binding or completed a remedy; 0 without one. Renewed proofs do
    not count."""
    return max((entry.seq or 0 for entry in entries if entry.event in CHANGES), default=0)


def abandoned(entries: Iterable[Entry]) -> frozenset[str]:
    """Return the sessions that a remedy made before it was interrupted, and that no thread was bound to since. They still exist
    in OpenCode."""
    left: set[str] = set()
    for entry in standing(entries):
        if entry.session_id and entry.event is Event.PUT_AWAY and entry.actor is Actor.RECOVERY:
            left.add(entry.session_id)
        elif entry.session_id and entry.event is Event.CONFIRMED:
            left.discard(entry.session_id)
    return frozenset(left)


def last_remedy(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the entries of the latest remedy that was completed and not undone; empty if there is nothing to undo."""
    done = [entry for entry in standing(entries) if entry.deed and not entry.deed.undoes]
    finished = [entry.intent for entry in done if entry.event in _FINISHES]
    return tuple(entry for entry in done if finished and entry.intent == finished[-1])


def standing(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the entries without remedies that were undone, and without their undoing."""
    lines = tuple(entries)
    void = _void(lines)
    return tuple(entry for entry in lines if entry.intent is None or entry.intent not in void)


def _void(entries: tuple[Entry, ...]) -> frozenset[str | None]:
    """Return the intents of remedies that were undone, and of those that undid them."""
    undoing = [entry for entry in entries if entry.deed and entry.deed.undoes and entry.event in _FINISHES]
    return frozenset(intent for entry in undoing if entry.deed for intent in (entry.intent, entry.deed.undoes))
