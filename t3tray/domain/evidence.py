"""Evidence: what was found when OpenCode, T3 Code and the disk were asked about a thread. Values only; `threads.evidence`
collects them.

The three-valued rule starts here: a lookup is *found*, *absent* (OpenCode said so itself) or a *failure*. A failure cannot be
read as absence because it is another type.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from msgspec import Struct

from t3tray.domain.carries import Context

T = TypeVar("T")


class Failure(StrEnum):
    """Why a lookup gave no answer. The values are those of `verdict.Reason`."""

    SERVER_DOWN = "server-down"
    UNAUTHORIZED = "unauthorized"
    TIMEOUT = "timeout"
    SERVER_ERROR = "server-error"
    UNSUPPORTED = "unsupported"
    OTHER_DATABASE = "other-database"


class Found(Struct, Generic[T], frozen=True):
    value: T


class Absent(Struct, frozen=True):
    """A 404 with OpenCode's NotFound body (or, without a server, no such row in its database)."""


Lookup = Found[T] | Absent | Failure


class Role(StrEnum):
    USER = "user"
    ASSISTANT = "assistant"


# For lookups in loops over thousands of threads: Python 3.11 finds an enum member slowly.
_ASSISTANT = Role.ASSISTANT


class Activity(StrEnum):
    """Whether the server process that was asked runs a turn in the session. A turn in another process is not seen."""

    IDLE = "idle"
    BUSY = "busy"


class SessionFacts(Struct, frozen=True):
    """A session as OpenCode describes it. `reverted_to` is the message of a pending revert: the next prompt deletes from there
    on."""

    id: str
    directory: str
    title: str
    created_ms: int
    updated_ms: int
    version: str = ""
    parent_id: str | None = None
    archived: bool = False
    reverted_to: str | None = None


class MessageFacts(Struct, frozen=True):
    """A message without its content. `finished`: always true for the user's; for the assistant's when it completed or failed.

    `compaction`: it belongs to a compaction, as the user's message that requests it (`keeps_from`: first message of the tail that
    is kept) or as the summary (`is_summary`) that answers `parent_id`. `has_finish`: the model gave its reason to stop.
    `is_emptied`: all of its content was deleted, and the model gets nothing instead. `is_unsent`: it failed after it had said or
    done something, and OpenCode sends nothing of that to the model.
    """

    id: str
    role: Role
    created_ms: int
    finished: bool
    compaction: bool = False
    parent_id: str | None = None
    is_summary: bool = False
    has_finish: bool = False
    failed: bool = False
    keeps_from: str | None = None
    is_emptied: bool = False
    is_unsent: bool = False

    @property
    def ends_a_turn(self) -> bool:
        return self.finished and self.role is _ASSISTANT


class Claim(Struct, frozen=True):
    """A root session that claims to belong to the thread, and where that claim was found."""

    session_id: str
    learnt_from: str


# How far the clocks of two machines may differ.
_CLOCKS_DIFFER_MS = 10_000


# New fields go last: `threads.file_evidence` creates it by position.
class Evidence(Struct, frozen=True):
    """Everything that `decide` may look at.

    `newest`: the session's last message (Absent: it has none). `tail` and `first`: the messages that the cursor recorded; None if
    nothing was recorded, or there was no need to look. `same_directory` compares real paths; None if one cannot be resolved.
    `others_writing`: another process may be in the middle of a turn. `asked`: source of the evidence, for the receipt.
    `t3_works`: T3 Code runs a turn in the thread. `taken_back`: number of messages that a pending revert deletes with the next
    prompt. `asked_for`: a session was requested and no answer came, so there may be one. `handed_over`: T3 Code's new version
    took the thread over without its session. `directory_exists` is None if the folder cannot be inspected. `why`: known cause of
    a failure, a sentence. `context`: what the model would get of the session now; None if unknown. `in_doubt`: why the binding
    may not be the latest one, a clause; empty if nothing says so. `opencode2`: number of messages that only OpenCode 2 holds, in
    tables that OpenCode 1 never reads; None if not looked up. `messages_gone`: number of recorded messages that the session no
    longer has, or has emptied; None if not counted. `server_time_ms`: time by the server's clock; None if no server gave it.
    """

    taken_at: datetime
    session: Lookup[SessionFacts]
    newest: Lookup[MessageFacts]
    tail: Lookup[MessageFacts] | None = None
    first: Lookup[MessageFacts] | None = None
    activity: Activity | Failure = Activity.IDLE
    directory_exists: bool | None = True
    same_directory: bool | None = True
    has_turns: bool = False
    others_writing: bool = False
    messages_gone: int | None = None
    split: tuple[Claim, ...] = ()
    conflict: tuple[Claim, ...] = ()
    asked: str = ""
    t3_works: bool = False
    taken_back: int | None = None
    asked_for: bool = False
    handed_over: bool = False
    why: str = ""
    context: Context | None = None
    in_doubt: str = ""
    opencode2: int | None = None
    server_time_ms: int | None = None

    @property
    def dated_ahead_ms(self) -> int | None:
        """When the newest message is dated, if that is in the future: until then OpenCode 1 stores a prompt without asking the
        model (1.18.33, after a clock that was ahead)."""
        if not isinstance(self.newest, Found):
            return None
        at_ms = self.newest.value.created_ms
        now_ms = self.taken_at.timestamp() * 1000 if self.server_time_ms is None else self.server_time_ms
        return at_ms if at_ms > now_ms + _CLOCKS_DIFFER_MS else None
