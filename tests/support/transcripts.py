"""OpenCode's messages as pages and as events, for tests of the code that merges both."""

from __future__ import annotations

import msgspec

from t3tray.opencode.events import ServerEvent
from t3tray.opencode.wire import TranscriptPage, WireMessage

SESSION = "ses_1"


def info(number: int, role: str = "assistant", **more: object) -> dict[str, object]:
    """Return the server's data of a message; use even numbers for the user's."""
    known = {"id": f"msg_{number:04}", "sessionID": SESSION, "role": role, "time": {"created": 1000 + number}}
    return known | more


def text(number: int, words: str, part: int = 0, *, done: bool = True) -> dict[str, object]:
    time = {"start": 1, "end": 2} if done else {"start": 1}
    return _part(number, part) | {"type": "text", "text": words, "time": time}


def thought(number: int, words: str, part: int = 0) -> dict[str, object]:
    return _part(number, part) | {"type": "reasoning", "text": words, "time": {"start": 1, "end": 2}}


def tool(number: int, name: str = "bash", part: int = 0, **state: object) -> dict[str, object]:
    return _part(number, part) | {"type": "tool", "tool": name, "state": {"status": "completed", "input": {}} | state}


def _part(number: int, part: int) -> dict[str, object]:
    return {"id": f"prt_{number:04}_{part:02}", "messageID": f"msg_{number:04}", "sessionID": SESSION}


def message(known: dict[str, object], *parts: dict[str, object]) -> WireMessage:
    return msgspec.json.decode(msgspec.json.encode({"info": known, "parts": parts}), type=WireMessage)


def page(*messages: WireMessage, older: str | None = None) -> TranscriptPage:
    return TranscriptPage(messages, older)


def event(kind: str, session_id: str = SESSION, **properties: object) -> ServerEvent:
    return ServerEvent(kind, "/work", session_id, {"sessionID": session_id, **properties})


def told(known: dict[str, object]) -> ServerEvent:
    return event("message.updated", info=known)


def part_told(part: dict[str, object]) -> ServerEvent:
    return event("message.part.updated", part=part)


def grew(part: dict[str, object], words: str) -> ServerEvent:
    return event("message.part.delta", messageID=part["messageID"], partID=part["id"], field="text", delta=words)
