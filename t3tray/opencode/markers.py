"""Marks that t3tray writes into OpenCode's sessions and messages to recognise its own."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from msgspec import Raw, Struct


@dataclass(frozen=True)
class Marker:
    """The mark `metadata.t3tray` in a session created by t3tray. `store` is the id of the store whose journal has the intent;
    empty in sessions of versions that did not write it."""

    thread: str
    intent: str
    store: str = ""

    @property
    def fields(self) -> dict[str, str]:
        """The mark as stored in the session's metadata."""
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
    """Return our marker in a session's metadata (JSON). Any program may write metadata, so another shape is not ours."""
    try:
        mark = msgspec.json.decode(metadata, type=_Metadata).t3tray
    except msgspec.DecodeError:
        return None
    return Marker(mark.thread, mark.intent, mark.store)


def part_mark(metadata: bytes | Raw) -> str:
    """Return our mark in a message part's metadata (JSON); empty where there is none."""
    try:
        return msgspec.json.decode(metadata, type=_MarkedPart).t3tray
    except msgspec.DecodeError:
        return ""


def plain_metadata(metadata: str) -> dict[str, object]:
    """Return a session's metadata (JSON text) in the form that the server accepts."""
    theirs = msgspec.json.decode(metadata) if metadata else None
    return theirs if isinstance(theirs, dict) else {}


def marked_metadata(metadata: str, marker: Marker) -> dict[str, object]:
    """Return the metadata with our marker added; other programs' metadata stays."""
    return {**plain_metadata(metadata), "t3tray": marker.fields}
