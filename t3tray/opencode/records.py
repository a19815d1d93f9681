"""Sessions and messages of OpenCode's as the rest of t3tray reads them, whatever the version says on the wire."""

from __future__ import annotations

from dataclasses import dataclass

from t3tray.domain.evidence import MessageFacts, SessionFacts
from t3tray.opencode.markers import Marker


@dataclass(frozen=True)
class SessionRecord:
    """A session, whether we made it, and which agent works in it. `metadata` is all that anybody wrote into it, as JSON text.

    `input_tokens` are those of its whole life, what a provider read from its cache or wrote into it included.
    """

    facts: SessionFacts
    marker: Marker | None = None
    agent: str = ""
    metadata: str = ""
    input_tokens: int = 0


@dataclass(frozen=True)
class MessageRecord:
    """A message with its words. `text` is what was written by its author, without reasoning, tools and what OpenCode added.

    `finish` is the model's reason to stop (`stop`, `tool-calls`, …), `error` a sentence when the message failed. `mark` is what
    we wrote into it when we added it.
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
    """Some messages, oldest first. `older` asks for the page before, None at the beginning of the session. `server_time_ms`:
    when it was
    sent, by the server's clock, cut off to a second; None where that is not told."""

    messages: tuple[MessageRecord, ...]
    older: str | None = None
    server_time_ms: int | None = None


@dataclass(frozen=True)
class MessageSpan:
    """How many messages a session has, and when the first and the last were written (ms); None where there is none."""

    messages: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
