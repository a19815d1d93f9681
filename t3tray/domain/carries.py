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


def local_time(at_ms: int) -> str:
    """Format a time in ms in the user's time zone. A number that is no valid time is shown as such."""
    try:
        return f"{local(exact_from_ms(at_ms)):%Y-%m-%d %H:%M}"
    except OverflowError:
        return f"{at_ms} ms"
