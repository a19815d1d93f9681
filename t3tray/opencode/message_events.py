"""What the server's events say about a conversation, as typed values.

It owns the names and shapes of these events. It keeps nothing and puts nothing together; an event that cannot be read is told as
such, so that the messages are read instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import msgspec

from t3tray.domain.evidence import Activity
from t3tray.opencode.events import ServerEvent
from t3tray.opencode.message_error import MessageError
from t3tray.opencode.wire import MessageInfo, Part, Status

T = TypeVar("T")


@dataclass(frozen=True)
class MessageTold:
    """A message is new, or something about it is; its parts are told apart from it."""

    info: MessageInfo


@dataclass(frozen=True)
class MessageGone:
    message_id: str


@dataclass(frozen=True)
class PartTold:
    """A part as it is now."""

    part: Part


@dataclass(frozen=True)
class PartGrew:
    """These words were added at the end of a part's text."""

    message_id: str
    part_id: str
    words: str


@dataclass(frozen=True)
class PartGone:
    message_id: str
    part_id: str


@dataclass(frozen=True)
class StatusTold:
    """Whether a turn runs. `retrying` says why the model is asked again."""

    is_busy: bool
    retrying: str = ""


@dataclass(frozen=True)
class TurnBroke:
    """The turn ended with this error, which mostly stands in its message too."""

    error: MessageError


@dataclass(frozen=True)
class Unclear:
    """Something changed, and the event does not tell what in words that are understood."""


Change = MessageTold | MessageGone | PartTold | PartGrew | PartGone | StatusTold | TurnBroke | Unclear


def change_of(event: ServerEvent) -> Change | None:
    """What the event changes in the conversation of its session; None when that is nothing."""
    try:
        return _change(event.kind, event.properties)
    except msgspec.MsgspecError:
        return Unclear()


def _change(kind: str, said: dict[str, object]) -> Change | None:
    match kind:
        case "message.updated":
            return MessageTold(_shaped(said.get("info"), MessageInfo))
        case "message.removed":
            return MessageGone(_shaped(said.get("messageID"), str))
        case "message.part.updated":
            return PartTold(_shaped(said.get("part"), Part))
        case "message.part.delta":
            return _growth(said)
        case "message.part.removed":
            return PartGone(_shaped(said.get("messageID"), str), _shaped(said.get("partID"), str))
        case "session.status":
            status = _shaped(said.get("status"), Status)
            return StatusTold(status.activity is Activity.BUSY, status.message)
        case "session.idle":
            return StatusTold(False)
        case "session.error":
            return TurnBroke(_shaped(said.get("error"), MessageError))
        case "session.compacted" | "session.deleted":
            return Unclear()
    return None


def _growth(said: dict[str, object]) -> PartGrew | None:
    """Apart from the others because it comes thousands of times: nothing is converted."""
    message_id, part_id, words = said.get("messageID"), said.get("partID"), said.get("delta")
    if said.get("field") != "text":
        return None
    if isinstance(message_id, str) and isinstance(part_id, str) and isinstance(words, str):
        return PartGrew(message_id, part_id, words)
    raise msgspec.ValidationError("a delta without its place")


def _shaped(value: object, shape: type[T]) -> T:
    # Through JSON, because some of a message's fields are kept as they were written.
    return msgspec.json.decode(msgspec.json.encode(value), type=shape)
