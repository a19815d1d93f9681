"""A thread's history in lines for people: journal entries and the guard's answers."""

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


def entry_line(entry: Entry) -> str:
    """Return the journal entry as a line: what happened, by which remedy, why, and by whom."""
    what = _EVENTS[entry.event].format(session=entry.session_id or "a session")
    remedy = f"{entry.deed.remedy}: " if entry.deed else ""
    return f"{remedy}{what} · {entry.why} · {_ACTORS[entry.actor]}"


@dataclass(frozen=True)
class HistoryLine:
    """One line of a history. `thread_id` is empty where it belongs to no thread."""

    at: datetime
    thread_id: str
    sentence: str


def history(entries: Iterable[Entry], answers: Iterable[GuardAnswer]) -> tuple[HistoryLine, ...]:
    """Return the changes of bindings and the guard's answers as one history, oldest first."""
    bindings = tuple(HistoryLine(entry.at, entry.thread_id, entry_line(entry)) for entry in entries)
    timed = (*_timed(bindings), *_timed(answer_lines(answers)))
    return tuple(line for _, line in sorted(timed, key=lambda each: each[0]))


def answer_lines(answers: Iterable[GuardAnswer]) -> tuple[HistoryLine, ...]:
    """Return the guard's answers as history lines, in their order."""
    return tuple(HistoryLine(answer.at, answer.decision.thread_id or "", answer_sentence(answer)) for answer in answers)


def _timed(lines: tuple[HistoryLine, ...]) -> Iterable[tuple[datetime, HistoryLine]]:
    """Pair each line with a time that is not before its predecessor's, so that the lines of one change keep their order when
    the clock was set."""
    return zip(accumulate((line.at for line in lines), max), lines, strict=True)
