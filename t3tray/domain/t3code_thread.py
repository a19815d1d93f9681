"""A thread as T3 Code's database tells it, whichever of its two orchestrators wrote it. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from t3tray.domain.reaper import Runtime

OPENCODE = "opencode"


class Shape(StrEnum):
    """Which form of T3 Code's database it is. UNSUPPORTED is watched only: nothing in it is guessed at."""

    V1 = "V1"
    V2 = "V2"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True)
class NativeSession:
    """A provider's session that T3 Code itself recorded for a thread; `since` is when, where that is known."""

    session_id: str
    since: datetime | None = None


# A struct and no dataclass: ten thousand are made in one look, and a frozen dataclass takes six times as long to make. What comes
# new is put last: `state_v1` makes it by place.
class T3Thread(Struct, frozen=True):
    """`session_id` is where T3 Code would send the next message (None: to a new session); `earlier` are those before it, oldest
    first; `before_import` is what the first orchestrator named, of a thread that the second has taken over.

    `directory` may be empty where the database does not tell it. `handed_over`: taken over by the second orchestrator, with no
    session of its own yet, so the next message gets a hand-off of the transcript's end only; the whole is `imported_characters`
    long. `instance` is the provider that the next message is for, `was_instance` the one that the last was for: another one
    means that T3 Code drops what it names. `sent_at` is when the last message was sent, by the clock of T3 Code's machine.
    """

    id: str
    title: str
    project: str
    directory: str
    provider: str
    instance: str
    created_at: datetime
    last_activity_at: datetime
    model: str = ""
    session_id: str | None = None
    has_turns: bool = False
    runtime: Runtime | None = None
    was_instance: str = ""
    is_opencode_next: bool = True
    sent_at: datetime | None = None
    branch: str = ""
    earlier: tuple[NativeSession, ...] = ()
    is_working: bool = False
    awaits_approval: bool = False
    awaits_answer: bool = False
    last_error: str = ""
    archived_at: datetime | None = None
    settled_at: datetime | None = None
    snoozed_until: datetime | None = None
    pinned_at: datetime | None = None
    handed_over: bool = False
    before_import: str | None = None
    deleted_at: datetime | None = None
    imported_characters: int | None = None

    @property
    def is_opencode(self) -> bool:
        return self.provider == OPENCODE
