"""A thread in T3 Code's database, whichever of its two orchestrators wrote it. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from t3tray.domain.reaper import Runtime

OPENCODE = "opencode"


class Shape(StrEnum):
    """The form of T3 Code's database. UNSUPPORTED is only watched, nothing in it is interpreted."""

    V1 = "V1"
    V2 = "V2"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True)
class NativeSession:
    """A provider's session that T3 Code recorded for a thread. `since` is None if unknown."""

    session_id: str
    since: datetime | None = None


# A struct, no dataclass: one scan makes ten thousand, and a frozen dataclass takes six times as long. New fields go last:
# `state_v1` creates it by position.
class T3Thread(Struct, frozen=True):
    """`session_id`: where T3 Code would send the next message (None: to a new session). `earlier`: those before it, oldest first.
    `before_import`: what the first orchestrator named, for a thread that the second has taken over.

    `directory` may be empty if the database does not have it. `handed_over`: taken over by the second orchestrator without a
    session of its own, so the next message gets a hand-off of the transcript's end only; the whole is `imported_characters` long.
    `instance`: provider of the next message, `was_instance` that of the last: if they differ, T3 Code drops its cursor.
    `sent_at`: when the last message was sent, by the clock of T3 Code's machine.
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
