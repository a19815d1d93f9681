"""Evidence: what was found when the world was asked about a thread. Values only; gathering them is `services.evidence`.

The rule of three values begins here: a lookup is *found*, *absent* (OpenCode said so in its own words) or a *failure*,
and a failure can never be read as absence because it is another type.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from msgspec import Struct

from t3tray.domain.carries import Context

T = TypeVar("T")


class Failure(StrEnum):
    """Why a lookup told nothing."""

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


# For what is asked of thousands at once: Python 3.11 finds a member of an enum slowly.
_ASSISTANT = Role.ASSISTANT


class Activity(StrEnum):
    """What the server process that was asked is doing in the session. A busy state of another process is not seen."""

    IDLE = "idle"
    BUSY = "busy"


class SessionFacts(Struct, frozen=True):
    """A session as OpenCode tells it. `reverted_to` is the message of a pending revert: the next prompt deletes from there."""

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
    """A message without its words. `finished`: a user's message always is; an assistant's when it completed or failed.

    `compaction`: it belongs to a compaction, as the user's message that asks for it (`keeps_from`: the first message of the tail
    that is kept) or as the summary (`is_summary`) that answers `parent_id`. `has_finish`: the model named its reason to stop.
    `is_emptied`: everything that it said was deleted, and the model gets nothing in its place. `is_unsent`: it failed
    after it had said or done something, and OpenCode gives nothing of that to the model.
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
    """A root session that says it belongs to the thread, and where that was learnt."""

    session_id: str
    learnt_from: str


# Between two machines.
_CLOCKS_DIFFER_MS = 10_000


# What comes new is put last: `services.file_evidence` makes it by place.
class Evidence(Struct, frozen=True):
    """Everything that `decide` may look at.

    `newest` is the session's last message (Absent: the session has none). `tail` and `first` are the messages that the
    cursor recorded; None means there was nothing recorded to look for, or no need to look. `same_directory` compares
    real paths, None where one of them cannot be resolved. `others_writing`: another process may be in the middle of a turn.
    `asked` names who gave the evidence, for the receipt. `t3_works`: T3 Code has a turn running in the thread. `taken_back` is
    how many messages a pending revert deletes with the next one. `asked_for`: a session was asked for and no answer came, so that
    there may be one. `handed_over`: T3 Code's new version took the thread over without its session. `directory_exists` is None
    where the folder cannot be looked at. `why`: what is known of a failure's cause, in a sentence. `context`: what the model
    would get of the session now; None where that is not known. `in_doubt`: why the binding may not be the latest one, a clause;
    empty where nothing says so. `opencode2`: how many messages of the session only OpenCode 2 holds, in tables of its own that
    OpenCode 1 never reads; None where that was not looked up. `messages_gone`: how many of the recorded messages the session has
    no more, or has emptied; None where nobody counted. `server_time_ms` is the time by the server's clock, None where no
    server told it.
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
