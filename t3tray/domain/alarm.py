"""Alarms: a thread is served by another session than before or by none, or its model was sent far less context.

Values and pure rules. `store.alarms` stores them, `alerts.switch_detector` raises them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from t3tray.domain.t3code_side import NextReason

CLIFF = 0.4


class AlarmKind(StrEnum):
    """What happened. LOST: the next message would go to a new, empty session. CLIFF: a turn was sent far less context than the
    one before.

    LEFT: the user chose to leave a fault on T3 Code's side as it is; such an alarm is created as seen.
    """

    SWITCHED = "switched"
    LOST = "lost"
    CLIFF = "cliff"
    LEFT = "left"


class Acknowledged(StrEnum):
    """What the user has acknowledged in a thread. ALARMS: its alarms. REFUSAL: that the guard refused a message.

    SIDE: the fault on T3 Code's side is to be left as it is, and its alarms were seen.
    """

    ALARMS = "alarms"
    SIDE = "side"
    REFUSAL = "refusal"


class Cause(StrEnum):
    """Why it happened, as far as known. HELD_OPEN: T3 Code sent a message into a session that it still held open."""

    SESSION_DELETED = "session-deleted"
    CURSOR_WAS_NULL = "cursor-was-null"
    MOVED_DIRECTORY = "moved-directory"
    V2_IMPORT = "v2-import"
    INSTANCE_CHANGED = "instance-changed"
    HELD_OPEN = "held-open"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class SessionContents:
    """How much a session contains; None where it does not exist and nothing was recorded of it."""

    session_id: str | None
    messages: int | None = None
    input_tokens: int | None = None


@dataclass(frozen=True)
class Alarm:
    """One event, reported once. `at`: when it happened, according to its source; `noticed_at`: when t3tray saw it. `id`: None
    until it is stored.

    `fault` is set for LEFT only: there `before` is the session that is used here, `now` the one that T3 Code names.
    """

    thread_id: str
    kind: AlarmKind
    cause: Cause
    before: SessionContents
    now: SessionContents
    at: datetime
    noticed_at: datetime
    seen_at: datetime | None = None
    id: int | None = None
    fault: NextReason | None = None

    @property
    def event(self) -> str:
        """The event's identity: two alarms with the same text are the same event. A loss stays the same whatever T3 Code
        writes meanwhile."""
        if self.fault is not None:
            return left_event(self.thread_id, self.before.session_id, self.now.session_id, self.fault)
        name = f"{self.thread_id} {self.kind} {self.before.session_id} {self.now.session_id}"
        if self.cause is Cause.HELD_OPEN:
            return f"{name} {self.cause}"
        return f"{name} {self.at.isoformat()}" if self.kind is AlarmKind.CLIFF else name


def left_event(thread_id: str, bound: str | None, named: str | None, fault: NextReason) -> str:
    """Return the `event` of a fault on T3 Code's side that the user left as it is. Another fault is another event."""
    return f"{thread_id} {AlarmKind.LEFT} {bound} {named} {fault}"


@dataclass(frozen=True)
class SwitchFacts:
    """What is known when the session that serves a thread has changed. `old_exists` is None where OpenCode could not be asked."""

    old_exists: bool | None
    is_fork_of_old: bool = False
    works_elsewhere: bool = False
    was_null: bool = False
    handed_over: bool = False


def cause_of(facts: SwitchFacts) -> Cause:
    """Return the cause that these facts show, the most certain one first."""
    if facts.handed_over:
        return Cause.V2_IMPORT
    if facts.old_exists is False:
        return Cause.SESSION_DELETED
    if facts.is_fork_of_old or facts.works_elsewhere:
        return Cause.MOVED_DIRECTORY
    return Cause.CURSOR_WAS_NULL if facts.was_null else Cause.UNKNOWN


def is_cliff(before: int, after: int, compacted_between: bool) -> bool:
    """Whether input tokens fell by more than 60 % from one turn to the next without a compaction between them."""
    return not compacted_between and before > 0 and after < before * CLIFF
