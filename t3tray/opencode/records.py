"""OpenCode's sessions and messages as used by the rest of t3tray, independent of the protocol's version."""

from __future__ import annotations

from dataclasses import dataclass

from t3tray.domain.evidence import MessageFacts, SessionFacts
from t3tray.opencode.markers import Marker


@dataclass(frozen=True)
class SessionRecord:
    """A session with our marker, its agent, and its `metadata` from any program, as JSON text.

    `input_tokens` are those of its whole life, including tokens read from or written to a provider's cache.
    """

    facts: SessionFacts
    marker: Marker | None = None
    agent: str = ""
    metadata: str = ""
    input_tokens: int = 0


@dataclass(frozen=True)
class MessageRecord:
    """A message with its text. `text` is its author's, without reasoning, tools and OpenCode's additions.

    `finish` is the model's reason to stop (`stop`, `tool-calls`, …), `error` a sentence when the message failed. `mark` is ours,
    if t3tray added the message.
    """

    facts: MessageFacts
    session_id: str
    parent_id: str | None = None
    text: str = ""
    finish: str | None = None
    error: str | None = None
    mark: str = ""


@dataclass(frozen=True)
class Page:
    """Some messages, oldest first. `older` requests the previous page, None at the beginning of the session. `server_time_ms` is
    when it was sent, by the server's clock, in whole seconds; None where it is not known."""

    messages: tuple[MessageRecord, ...]
    older: str | None = None
    server_time_ms: int | None = None


@dataclass(frozen=True)
class MessageSpan:
    """A session's number of messages, and times of the first and the last in ms; None where there is none."""

    messages: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
