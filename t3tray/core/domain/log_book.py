"""What an entry of the journal says to people, in one line. The only place where it is said."""

from __future__ import annotations

from t3tray.core.domain.journal import Actor, Entry, Event

_EVENTS = {
    Event.INTENDED: "began",
    Event.CONFIRMED: "bound to {session}",
    Event.PROVEN: "proved {session}",
    Event.SUPERSEDED: "no longer bound to {session}",
    Event.RELEASED: "let go of {session}",
    Event.ABANDONED: "gave up",
    Event.PUT_AWAY: "put away {session}",
    Event.DONE: "done",
}
_ACTORS = {
    Actor.USER: "by you",
    Actor.IMPORT: "taken over from T3 Code",
    Actor.RECOVERY: "after a crash",
    Actor.TURN: "after a turn",
}


def told(entry: Entry) -> str:
    """What happened, the remedy that it belongs to, why, and who did it."""
    what = _EVENTS[entry.event].format(session=entry.session_id or "a session")
    remedy = f"{entry.deed.remedy}: " if entry.deed else ""
    return f"{remedy}{what} · {entry.why} · {_ACTORS[entry.actor]}"
