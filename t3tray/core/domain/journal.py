"""The journal's entries, and how they fold into what is true now.

It owns the meaning of an entry; storing entries belongs to `store.journal`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from t3tray.core.domain.cursor import Cursor


class Event(StrEnum):
    """One kind of change of a binding."""

    INTENDED = "intended"
    CONFIRMED = "confirmed"
    PROVEN = "proven"
    SUPERSEDED = "superseded"
    RELEASED = "released"
    ABANDONED = "abandoned"


class Actor(StrEnum):
    """Who made the change. `TURN` is a turn that ended: it only ever renews the proof."""

    USER = "user"
    IMPORT = "import"
    RECOVERY = "recovery"
    TURN = "turn"


@dataclass(frozen=True)
class Entry:
    """One line of the journal. `seq` is None until the store has given it its place.

    `intent` joins an INTENDED with the CONFIRMED or ABANDONED that settles it, and is the marker in the session's
    metadata. `cursor` is what was known of the session at that moment.
    """

    thread_id: str
    event: Event
    actor: Actor
    why: str
    at: datetime
    session_id: str | None = None
    intent: str | None = None
    cursor: Cursor | None = None
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
        case Event.SUPERSEDED | Event.RELEASED:
            return replace(binding, cursor=None, has_history=True)
        case Event.ABANDONED:
            return replace(binding, pending=settled, has_history=True)
