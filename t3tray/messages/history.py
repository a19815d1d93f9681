"""What an entry of the journal says to people, in one line, and a thread's history with it. The only place where it is said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from t3tray.domain.guard import GuardAnswer
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.messages.guard import answer_sentence

_EVENTS = {
    Event.INTENDED: "began",
    Event.CONFIRMED: "bound to {session}",
    Event.PROVEN: "proved {session}",
    Event.SUPERSEDED: "no longer bound to {session}",
    Event.RELEASED: "let go of {session}",
    Event.ABANDONED: "gave up",
    Event.PUT_AWAY: "put away {session}",
    Event.DONE: "done",
    Event.RETURNED: "written into {session} again",
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


@dataclass(frozen=True)
class HistoryLine:
    """One line of a history; `thread_id` is empty where it belongs to no thread."""

    at: datetime
    thread_id: str
    sentence: str


def history(entries: Iterable[Entry], answers: Iterable[GuardAnswer]) -> tuple[HistoryLine, ...]:
    """What became of the bindings, and what the guard answered T3 Code; oldest first."""
    bindings = tuple(HistoryLine(entry.at, entry.thread_id, told(entry)) for entry in entries)
    timed = (*_timed(bindings), *_timed(answer_lines(answers)))
    return tuple(line for _, line in sorted(timed, key=lambda each: each[0]))


def answer_lines(answers: Iterable[GuardAnswer]) -> tuple[HistoryLine, ...]:
    """What the guard answered T3 Code, in their order."""
    return tuple(HistoryLine(answer.at, answer.decision.thread_id or "", answer_sentence(answer)) for answer in answers)


def _timed(lines: tuple[HistoryLine, ...]) -> Iterable[tuple[datetime, HistoryLine]]:
    """Each with a time that is not before its forerunner's: the lines of one change keep their order, whatever the clock did."""
    return zip(accumulate((line.at for line in lines), max), lines, strict=True)
