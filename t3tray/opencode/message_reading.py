"""Parses messages one by one, so that an unparsable one does not hide the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Raw, Struct

from t3tray.opencode.wire import MessageInfo, WireMessage


@dataclass(frozen=True)
class MessageReading:
    """Some messages, oldest first. `unread` is the number of those that could not be parsed completely."""

    messages: tuple[WireMessage, ...]
    unread: int = 0


class _Outline(Struct, frozen=True):
    """A message without its parts."""

    info: MessageInfo


# A message as far as it could be parsed, and whether that is all of it.
_Read = tuple[WireMessage | None, bool]


def read_messages(each: Iterable[Raw]) -> list[_Read]:
    """Parse each message; one whose parts cannot be parsed is returned without them."""
    return [_read(raw) for raw in each]


def reading_from(read: Sequence[_Read], message_id: str, written_ms: int) -> MessageReading | None:
    """Return this message (if it exists) and all after it; None when `read` does not go back to `written_ms`."""
    known = [(place, message.info) for place, (message, _) in enumerate(read) if message]
    start = next((place for place, info in known if info.id == message_id), None)
    if start is None:
        if not any(info.time.created < written_ms for _, info in known):
            return None
        start = next((place for place, info in known if info.time.created >= written_ms), len(read))
    later = read[start:]
    return MessageReading(tuple(message for message, _ in later if message), sum(not is_whole for _, is_whole in later))


def _read(raw: Raw) -> _Read:
    try:
        return msgspec.json.decode(raw, type=WireMessage), True
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        return WireMessage(msgspec.json.decode(raw, type=_Outline).info, ()), False
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None, False
