"""Messages read one by one, so that one that cannot be understood does not hide the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from msgspec import Raw, Struct

from t3tray.core.opencode.wire import Message, MessageInfo


@dataclass(frozen=True)
class Reading:
    """Some messages, oldest first. `unread`: so many could not be understood, wholly or in their parts."""

    messages: tuple[Message, ...]
    unread: int = 0


class _Outline(Struct, frozen=True):
    """A message without its parts."""

    info: MessageInfo


def read_messages(each: Iterable[Raw]) -> Reading:
    """Those of these messages that can be understood; one whose parts cannot is taken without them."""
    found: list[Message] = []
    unread = 0
    for raw in each:
        try:
            found.append(msgspec.json.decode(raw, type=Message))
            continue
        except (msgspec.DecodeError, UnicodeDecodeError):
            unread += 1
        try:
            found.append(Message(msgspec.json.decode(raw, type=_Outline).info, ()))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return Reading(tuple(found), unread)
