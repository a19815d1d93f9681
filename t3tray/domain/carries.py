"""How much of the conversation the model gets with the next message. Values only."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from t3tray.domain.times import exact_from_ms, local


class CarriesKind(StrEnum):
    """How much of the conversation the next message carries.

    WHOLE: all of it, proved. SINCE_COMPACTION: everything since the last compaction and a summary of the rest. PART: less,
    without a summary of the rest. NOTHING: nothing, or there is nothing yet.
    """

    WHOLE = "whole"
    SINCE_COMPACTION = "since-compaction"
    PART = "part"
    NOTHING = "nothing"
    UNKNOWN = "unknown"


class Carries(Struct, frozen=True):
    """`since_ms`: end of the last compaction. `messages`: how many the model gets in full. `summary`: how many it has only a
    summary of. A number is None if unknown."""

    kind: CarriesKind
    since_ms: int | None = None
    messages: int | None = None
    summary: int | None = None


class Context(Struct, frozen=True):
    """What the model would get of a session's messages by OpenCode's own rule (`domain.context`).

    `messages`: number that it gets in full. `before`: number of older ones that it does not get; None if not counted. `since_ms`:
    when a finished compaction made the summary that replaces those; None without one. `is_pending`: a compaction was begun and
    never finished: OpenCode makes up for it with the next message instead of answering. `is_settled`: no failed compaction is
    among what the model gets, so later messages only add to this. `emptied`: messages that would be sent, but all of their
    content was deleted; `unsent`: answers that failed after they had said something, which OpenCode leaves out. Neither is
    counted in the two numbers.
    """

    messages: int
    before: int | None = 0
    since_ms: int | None = None
    is_pending: bool = False
    is_settled: bool = True
    emptied: int = 0
    unsent: int = 0

    @property
    def is_all(self) -> bool:
        """Whether the model gets every message of the session in full."""
        return self.before == 0 and self.since_ms is None and not self.is_pending and not (self.emptied or self.unsent)


def carried_sentence(carries: Carries) -> str:
    """Return what the next message carries as a sentence; empty where there is nothing particular to say."""
    match carries.kind:
        case CarriesKind.SINCE_COMPACTION:
            older = "" if carries.summary is None else f" ({_messages(carries.summary)})"
            since = "the last compaction" if carries.since_ms is None else local_time(carries.since_ms)
            return f"Your next message carries what was said since {since}, and a summary of what was before{older}."
        case CarriesKind.PART:
            some = "a part" if carries.messages is None else _messages(carries.messages)
            return f"Your next message carries {some}, which is not the whole conversation."
    return ""


def carried_words(carries: Carries) -> str:
    """Return the same in a few words: "14 messages and a summary of 212"."""
    known = None if carries.messages is None else _messages(carries.messages)
    match carries.kind:
        case CarriesKind.WHOLE:
            return f"{known or 'all messages'}, the whole conversation"
        case CarriesKind.SINCE_COMPACTION:
            older = "what was before" if carries.summary is None else f"{carries.summary:,}"
            return f"{known or 'what was said since the compaction'} and a summary of {older}"
        case CarriesKind.PART:
            return f"{known or 'a part'}, not the whole conversation"
        case CarriesKind.NOTHING:
            return "nothing"
    return f"{known}, not known whether that is the whole conversation" if known else "not known"


def local_time(at_ms: int) -> str:
    """Format a time in ms in the user's time zone. A number that is no valid time is shown as such."""
    try:
        return f"{local(exact_from_ms(at_ms)):%Y-%m-%d %H:%M}"
    except OverflowError:
        return f"{at_ms} ms"


def _messages(count: int) -> str:
    return f"{count:,} message{'' if count == 1 else 's'}"
