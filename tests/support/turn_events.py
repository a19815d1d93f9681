"""The events of a turn, as OpenCode sends them, for tests of the code that follows turns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from t3tray.opencode.events import ServerEvent
from t3tray.opencode.wire import WireMessage

SESSION = "ses_1"
OURS, TEXT = "msg_5", "what is it?"
Told = tuple[str, dict[str, Any]]
BUSY: Told = ("session.status", {"status": {"type": "busy"}})
IDLE: Told = ("session.idle", {})


def message(name: str, parent: str | None = None, at: int = 5, **more: Any) -> Told:
    """Return a message of the user, or an answer to `parent`."""
    done = more.pop("done", False)
    info: dict[str, object] = {"id": name, "sessionID": SESSION, "role": "user" if parent is None else "assistant"}
    info |= {"time": {"created": at} | ({"completed": at + 1} if done else {}), "parentID": parent}
    return "message.updated", {"info": info | more}


def answer(name: str, parent: str, at: int, **more: Any) -> Told:
    """Return an answer with its end."""
    return message(name, parent, at, done=True, **{"finish": "stop"} | more)


def part(owner: str, text: str, name: str = "", **more: Any) -> Told:
    told = {"type": "text", "id": name or f"prt_{owner}", "messageID": owner, "text": text}
    return "message.part.updated", {"part": told | more}


def grown(owner: str, words: str) -> Told:
    return "message.part.delta", {"messageID": owner, "partID": f"prt_{owner}", "field": "text", "delta": words}


def error(name: str, words: str = "") -> Told:
    return "session.error", {"error": {"name": name, "data": {"message": words}}}


ASKED = (message(OURS), part(OURS, TEXT))
BEGUN = (*ASKED, BUSY)


def events(told: Iterable[Told]) -> list[ServerEvent]:
    return [ServerEvent(kind, "", SESSION, properties) for kind, properties in told]


def read(*told: tuple[Told, Told]) -> tuple[WireMessage, ...]:
    """Return the same as messages with one part each."""
    each = [{"info": info[1]["info"], "parts": [piece[1]["part"]]} for info, piece in told]
    return msgspec.json.decode(msgspec.json.encode(each), type=tuple[WireMessage, ...])
