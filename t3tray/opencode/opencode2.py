"""What is told of OpenCode 2: of its messages by a server of 1.17 or newer, enough to know that they are there; and of itself by
its own server, enough to know it."""

from __future__ import annotations

import httpx
import msgspec
from msgspec import Struct

from t3tray.domain.versions import NEXT, numbers_of
from t3tray.opencode.failures import is_json
from t3tray.opencode.wire import COMPACTION


class OpenCode2Message(Struct, frozen=True):
    """A message that OpenCode 2 keeps; of the types only some are."""

    id: str
    type: str

    @property
    def is_message(self) -> bool:
        return self.type in ("user", "assistant", COMPACTION)


class OpenCode2Page(Struct, frozen=True):
    """`cursor.next` asks for the messages after these."""

    data: tuple[OpenCode2Message, ...]
    cursor: dict[str, str | None] = {}


class _Self(Struct, frozen=True):
    """Its health, or its refusal of a password that is not its own."""

    healthy: bool = False
    version: str = ""
    tag: str = msgspec.field(name="_tag", default="")


def opencode2_version(response: httpx.Response) -> str | None:
    """What an answer to its health question says of its version, empty where it says none; None where it is not OpenCode 2's."""
    if not is_json(response):
        return None
    try:
        told = msgspec.json.decode(response.content, type=_Self)
    except msgspec.DecodeError:
        return None
    numbers = numbers_of(told.version)
    is_it = told.healthy or told.tag == "UnauthorizedError" or (numbers is not None and numbers[0] >= NEXT)
    return told.version if is_it else None
