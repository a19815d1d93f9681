"""A conversation as the face shows it: one thread's messages, what goes on in it now, and its sub-agents'. Values only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from t3tray.domain.carries import local_time
from t3tray.domain.transcript import Message, Origin, PieceKind, ToolCall

# What providers' errors are called, and what that means; the provider's own words follow.
_ERRORS = {
    "ProviderAuthError": "The model's provider refused the key",
    "MessageOutputLengthError": "The reply grew longer than the model may write",
    "ContextOverflowError": "The conversation is longer than the model can read",
    "APIError": "The model did not answer",
}


@dataclass(frozen=True)
class SubAgent:
    """What a sub-agent has said and done, as far as it was asked for; its task is the tool call with this `child_session`."""

    session_id: str
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True)
class CopyInfo:
    """What is shown in place of a session that has no words to show: whose copy, how many messages it has, when it was made (None
    where that is not known), and sentences about what is known not to be in it."""

    origin: Origin
    messages: int
    at: datetime | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Conversation:
    """One picture of it, oldest message first.

    `session_id` is None where the thread has none. `kept`: the messages are none of the session's but a copy's. `has_older`: some
    are before the first of these. `retrying` says why the model is asked again, `trouble` why the last turn ended where no
    message tells it, `notice` why the messages could not be read just now (then these are the ones of before). `unanswered` are
    the ids of the newest messages of the user's where the model was not asked, as far as that is sure; `why_unanswered` is why,
    in a sentence, empty where nobody tells.
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


def error_sentence(name: str, message: str) -> str:
    """A model's error in plain words: what happened, and what the provider said about it."""
    what = _ERRORS.get(name, "The turn ended with an error")
    told = message.strip().rstrip(".")
    return f"{what}: {told}." if told else f"{what}."


def dated_ahead_sentence(at_ms: int) -> str:
    """Why OpenCode asks no model behind a message that is dated at this time, which is still to come."""
    return f"The newest message of this session is dated {local_time(at_ms)}, which is still to come."


def tasks_of(messages: Iterable[Message]) -> tuple[ToolCall, ...]:
    """The tool calls that gave a task to a sub-agent."""
    pieces = (piece for message in messages for piece in message.in_order if piece.kind is PieceKind.TOOL)
    return tuple(piece.tool for piece in pieces if piece.tool and piece.tool.child_session)
