"""A conversation's words, whoever told them: OpenCode, our vault, or T3 Code's own copy. Values only.

It owns no file and no wire; what a transcript looks like as text is `domain.telling`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from t3tray.core.domain.evidence import Role


class Origin(StrEnum):
    """Who told it, as people read it."""

    OPENCODE = "OpenCode"
    VAULT = "t3tray's vault"
    T3CODE = "T3 Code's copy"


@dataclass(frozen=True)
class ToolCall:
    """One use of a tool. `status` as OpenCode says it (pending, running, completed, error); `input` is JSON text."""

    name: str
    status: str = ""
    title: str = ""
    input: str = ""
    output: str = ""
    child_session: str | None = None


@dataclass(frozen=True)
class Utterance:
    """One message. `text` is what its author wrote, without reasoning and without what OpenCode added by itself.

    `created_ms` counts from the epoch. `files` are the names of what was attached. `summarises`: a compaction's summary stands in
    place of what came before it.
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


@dataclass(frozen=True)
class Transcript:
    """The messages of one session (or thread), oldest first. `missing` are sentences about what is known not to be in it."""

    origin: Origin
    utterances: tuple[Utterance, ...]
    session_id: str | None = None
    missing: tuple[str, ...] = ()
