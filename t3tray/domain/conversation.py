"""A conversation as it is shown: a thread's messages, its state now, and its sub-agents' messages. Values only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from t3tray.domain.transcript import Message, Origin, PieceKind, ToolCall


@dataclass(frozen=True)
class SubAgent:
    """A sub-agent's messages, as far as they were requested; its task is the tool call with this `child_session`."""

    session_id: str
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True)
class CopyInfo:
    """The copy that is shown because the session has no messages to show: its origin, number of messages, time (None if
    unknown), and sentences on what is known to be missing."""

    origin: Origin
    messages: int
    at: datetime | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Conversation:
    """One state of the conversation, oldest message first.

    `session_id` is None if the thread has none. `kept`: the messages are a copy's, not the session's. `has_older`: there are
    messages before the first one. `retrying`: why the model is asked again. `trouble`: why the last turn ended, where no message
    says it. `notice`: why the messages could not be read just now (these are the ones from before). `unanswered`: ids of the
    user's newest messages for which the model was not asked, as far as that is certain; `why_unanswered` is the reason as a
    sentence, empty if unknown.
    """

    thread_id: str
    session_id: str | None = None
    messages: tuple[Message, ...] = ()
    has_older: bool = False
    is_busy: bool = False
    retrying: str = ""
    trouble: str = ""
    notice: str = ""
    agents: tuple[SubAgent, ...] = ()
    kept: CopyInfo | None = None
    unanswered: tuple[str, ...] = ()
    why_unanswered: str = ""

    def agent(self, session_id: str | None) -> SubAgent | None:
        return next((agent for agent in self.agents if agent.session_id == session_id), None)


def tasks_of(messages: Iterable[Message]) -> tuple[ToolCall, ...]:
    """Return the tool calls that gave a task to a sub-agent."""
    pieces = (piece for message in messages for piece in message.in_order if piece.kind is PieceKind.TOOL)
    return tuple(piece.tool for piece in pieces if piece.tool and piece.tool.child_session)
