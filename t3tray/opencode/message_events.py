"""The server's events about a conversation, as typed values.

Defines the names and shapes of these events. An event that cannot be parsed gives `UnclearChange`, so that the messages are read
again.
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
class MessageUpdated:
    """A message is new or has changed; its parts have their own events."""

    info: MessageInfo


@dataclass(frozen=True)
class MessageRemoved:
    message_id: str


@dataclass(frozen=True)
class PartUpdated:
    """A part is new or has changed."""

    part: Part


@dataclass(frozen=True)
class PartDelta:
    """Text was appended to a part."""

    message_id: str
    part_id: str
    words: str


@dataclass(frozen=True)
class PartRemoved:
    message_id: str
    part_id: str


@dataclass(frozen=True)
class StatusChanged:
    """Whether a turn is running. `retrying` is the reason why a request to the model is repeated."""

    is_busy: bool
    retrying: str = ""


@dataclass(frozen=True)
class TurnErrored:
    """The turn ended with this error, which is mostly also in its message."""

    error: MessageError


@dataclass(frozen=True)
class UnclearChange:
    """Something changed, but the event could not be parsed or does not say what."""


Change = MessageUpdated | MessageRemoved | PartUpdated | PartDelta | PartRemoved | StatusChanged | TurnErrored | UnclearChange


def change_of(event: ServerEvent) -> Change | None:
    """Return the change of the session's conversation; None when the event changes nothing."""
    try:
        return _change(event.kind, event.properties)
    except msgspec.MsgspecError:
        return UnclearChange()


def _change(kind: str, properties: dict[str, object]) -> Change | None:
    match kind:
        case "message.updated":
            return MessageUpdated(_shaped(properties.get("info"), MessageInfo))
        case "message.removed":
            return MessageRemoved(_shaped(properties.get("messageID"), str))
        case "message.part.updated":
            return PartUpdated(_shaped(properties.get("part"), Part))
        case "message.part.delta":
            return _growth(properties)
        case "message.part.removed":
            return PartRemoved(_shaped(properties.get("messageID"), str), _shaped(properties.get("partID"), str))
        case "session.status":
            status = _shaped(properties.get("status"), Status)
            return StatusChanged(status.activity is Activity.BUSY, status.message)
        case "session.idle":
            return StatusChanged(False)
        case "session.error":
            return TurnErrored(_shaped(properties.get("error"), MessageError))
        case "session.compacted" | "session.deleted":
            return UnclearChange()
    return None


def _growth(properties: dict[str, object]) -> PartDelta | None:
    """Parse a delta. Separate from the others and without conversions, because there are thousands of them."""
    message_id, part_id, words = properties.get("messageID"), properties.get("partID"), properties.get("delta")
    if properties.get("field") != "text":
        return None
    if isinstance(message_id, str) and isinstance(part_id, str) and isinstance(words, str):
        return PartDelta(message_id, part_id, words)
    raise msgspec.ValidationError("a delta without its place")


def _shaped(value: object, shape: type[T]) -> T:
    # Through JSON, because some fields of a message are kept as raw JSON.
    return msgspec.json.decode(msgspec.json.encode(value), type=shape)
