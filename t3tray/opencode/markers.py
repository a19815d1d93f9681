"""What t3tray writes into OpenCode's sessions and messages so that it knows its own again."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from msgspec import Raw, Struct


@dataclass(frozen=True)
class Marker:
    """What t3tray wrote into a session that it created: `metadata.t3tray`. `store` is the id of the store whose journal has the
    intent; empty in sessions from before it was written."""

    thread: str
    intent: str
    store: str = ""

    @property
    def fields(self) -> dict[str, str]:
        """As it lies in the session's metadata."""
        return {"thread": self.thread, "intent": self.intent, **({"store": self.store} if self.store else {})}


class _Metadata(Struct, frozen=True):
    t3tray: _OurMark


class _OurMark(Struct, frozen=True):
    thread: str
    intent: str
    store: str = ""


class _MarkedPart(Struct, frozen=True):
    t3tray: str


def marker_in(metadata: bytes | Raw) -> Marker | None:
    """Our marker in a session's metadata (JSON). Metadata belongs to anybody, so any other shape simply is not ours."""
    try:
        mark = msgspec.json.decode(metadata, type=_Metadata).t3tray
    except msgspec.DecodeError:
        return None
    return Marker(mark.thread, mark.intent, mark.store)


def part_mark(metadata: bytes | Raw) -> str:
    """What we wrote into a part of a message (JSON); empty where that is not ours."""
    try:
        return msgspec.json.decode(metadata, type=_MarkedPart).t3tray
    except msgspec.DecodeError:
        return ""


def plain_metadata(metadata: str) -> dict[str, object]:
    """A session's metadata (JSON text) as it goes back to the server."""
    theirs = msgspec.json.decode(metadata) if metadata else None
    return theirs if isinstance(theirs, dict) else {}


def marked_metadata(metadata: str, marker: Marker) -> dict[str, object]:
    """The same with our marker in it; what others wrote there stays."""
    return {**plain_metadata(metadata), "t3tray": marker.fields}
