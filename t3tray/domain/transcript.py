"""A conversation's messages, from OpenCode, our archive, or T3 Code's own copy. Values only.

Their text form is in `messages.markdown_export`. Long conversations have tens of thousands of them and no reference cycles, so
the garbage collector does not track them (`gc=False`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from t3tray.domain.evidence import Role


class Origin(StrEnum):
    """The source of a transcript, as shown to people."""

    OPENCODE = "OpenCode"
    VAULT = "t3tray's vault"
    T3CODE = "T3 Code's copy"


class ToolCall(Struct, frozen=True, gc=False):
    """One use of a tool. `status` is OpenCode's (pending, running, completed, error); `input` is JSON text.

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
    """The kind of a part of a message."""

    TEXT = "text"
    THOUGHT = "thought"
    TOOL = "tool"


class Piece(Struct, frozen=True, gc=False):
    """A part of a message, in its position among the others. Only a TOOL has a `tool`; `id` is the source's."""

    id: str
    kind: PieceKind
    text: str = ""
    tool: ToolCall | None = None


class Message(Struct, frozen=True, gc=False):
    """One message. `text` is what its author wrote, without reasoning and without OpenCode's own additions.

    `created_ms` is since the epoch. `files`: names of attachments. `summarises`: it is a compaction's summary, which replaces
    what came before. `pieces`: text, thoughts and tools in their order, if the source knows it. `stopped`: its turn was aborted
    on request, which is no error. `sent_tokens`: size of the model's input; `cost`: US dollars; both 0 if unknown.
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
        """The pieces; if their order is unknown, the text before the tools."""
        if self.pieces:
            return self.pieces
        words = (Piece(f"{self.id}-text", PieceKind.TEXT, self.text),) if self.text else ()
        used = (Piece(f"{self.id}-{number}", PieceKind.TOOL, tool=tool) for number, tool in enumerate(self.tools))
        return (*words, *used)


@dataclass(frozen=True)
class Transcript:
    """The messages of one session (or thread), oldest first. `missing` are sentences on what is known not to be in it.

    `kept_at` is when the copy was made, None if unknown or if it is no copy.
    """

    origin: Origin
    messages: tuple[Message, ...]
    session_id: str | None = None
    missing: tuple[str, ...] = ()
    kept_at: datetime | None = None


# In seconds: a prompt that was handed over without an answer may still arrive for this long.
MAY_ARRIVE_FOR = 20.0


class Prompt(Struct, frozen=True):
    """A message of the user on its way to a session. `message_id` is its id in the session once it is stored there; `at` is when
    it was handed over."""

    message_id: str
    thread_id: str
    session_id: str
    text: str
    at: datetime
