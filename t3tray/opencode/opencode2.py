"""Detection of OpenCode 2: its messages, through a server of 1.17 or newer, and its own server."""

from __future__ import annotations

import httpx
import msgspec
from msgspec import Struct

from t3tray.domain.versions import NEXT, numbers_of
from t3tray.opencode.failures import is_json
from t3tray.opencode.wire import COMPACTION


class OpenCode2Message(Struct, frozen=True):
    """An entry of OpenCode 2's messages; only some types are messages."""

    id: str
    type: str

    @property
    def is_message(self) -> bool:
        return self.type in ("user", "assistant", COMPACTION)


class OpenCode2Page(Struct, frozen=True):
    """A page of entries; `cursor.next` requests the following ones."""

    data: tuple[OpenCode2Message, ...]
    cursor: dict[str, str | None] = {}


class _Self(Struct, frozen=True):
    """The server's health, or its refusal of a wrong password."""

    healthy: bool = False
    version: str = ""
    tag: str = msgspec.field(name="_tag", default="")


def opencode2_version(response: httpx.Response) -> str | None:
    """Return OpenCode 2's version from a response to its health request, empty where it has none; None for another server."""
    if not is_json(response):
        return None
    try:
        found = msgspec.json.decode(response.content, type=_Self)
    except msgspec.DecodeError:
        return None
    numbers = numbers_of(found.version)
    is_opencode2 = found.healthy or found.tag == "UnauthorizedError" or (numbers is not None and numbers[0] >= NEXT)
    return found.version if is_opencode2 else None
