"""A conversation's words, whoever told them: OpenCode, our vault, or T3 Code's own copy. Values only.

It owns no file and no wire; what a transcript looks like as text is `domain.telling`. A long conversation is tens of thousands of
them, none in a circle: the collector would hold everything up to go through them in vain.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from t3tray.domain.evidence import Role


class Origin(StrEnum):
    """Who told it, as people read it."""

    OPENCODE = "OpenCode"
    VAULT = "t3tray's vault"
    T3CODE = "T3 Code's copy"


class ToolCall(Struct, frozen=True, gc=False):
    """One use of a tool. `status` as OpenCode says it (pending, running, completed, error); `input` is JSON text.

    A sub-agent's has a session of its own, `child_session`, and the agent's name.
    """

    name: str
    status: str = ""
    title: str = ""
    input: str = ""
    output: str = ""
    child_session: str | None = None
    agent: str = ""


class PieceKind(StrEnum):
    """What a piece of a message is."""

    TEXT = "text"
    THOUGHT = "thought"
    TOOL = "tool"


class Piece(Struct, frozen=True, gc=False):
    """A part of a message, in its place among the others. Only a TOOL has a `tool`; `id` is the one that its teller gave it."""

    id: str
    kind: PieceKind
    text: str = ""
    tool: ToolCall | None = None


class Message(Struct, frozen=True, gc=False):
    """One message. `text` is what its author wrote, without reasoning and without what OpenCode added by itself.

    `created_ms` counts from the epoch. `files` are the names of what was attached. `summarises`: a compaction's summary stands in
    place of what came before it. `pieces` are text, thoughts and tools as they followed each other, where the teller knows.
    `stopped`: its turn was broken off on somebody's word, which is no error to mend. `sent_tokens` are what the model was sent
    for it, `cost` is in US dollars; both 0 where nobody tells.
    """

    id: str
    role: Role
    created_ms: int
    text: str = ""
    tools: tuple[ToolCall, ...] = ()
    files: tuple[str, ...] = ()
    error: str = ""
    model: str = ""
    finished: bool = True
    summarises: bool = False
    pieces: tuple[Piece, ...] = ()
    stopped: bool = False
    sent_tokens: int = 0
    cost: float = 0.0

    @property
    def in_order(self) -> tuple[Piece, ...]:
        """The pieces; where their order is not known, the text before the tools."""
        if self.pieces:
            return self.pieces
        words = (Piece(f"{self.id}-text", PieceKind.TEXT, self.text),) if self.text else ()
        used = (Piece(f"{self.id}-{number}", PieceKind.TOOL, tool=tool) for number, tool in enumerate(self.tools))
        return (*words, *used)


@dataclass(frozen=True)
class Transcript:
    """The messages of one session (or thread), oldest first. `missing` are sentences about what is known not to be in it.

    `kept_at` is when a copy was made, None where that is not known or the words are the program's own.
    """

    origin: Origin
    messages: tuple[Message, ...]
    session_id: str | None = None
    missing: tuple[str, ...] = ()
    kept_at: datetime | None = None


# In seconds: so long a prompt that was handed over and brought no answer may still arrive.
MAY_ARRIVE_FOR = 20.0


class Prompt(Struct, frozen=True):
    """A message of the user's on its way to a session, in which it has the id `message_id` once it is there. `at`: when it was
    handed over."""

    message_id: str
    thread_id: str
    session_id: str
    text: str
    at: datetime
