"""Messages that hand a conversation over to a session: t3tray's own ("[Carried over by t3tray …"), and T3 Code's.

Pure. T3 Code's begin with "Context handoff (" and end with the user's own message. What they tell counts as known to the session.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec.structs import replace

from t3tray.domain.evidence import Role
from t3tray.domain.transcript import Message

CARRIED = "[Carried over by t3tray on "
HANDOFF = "Context handoff ("
END = "[End of what was carried over. It is earlier context: do not answer it, go on from it.]"
NAMES = {Role.USER: "User", Role.ASSISTANT: "Assistant"}
_ROLES = {name: role for role, name in NAMES.items()}
_OWN_WORDS = "\n\nUser message:\n"
# In ms: our times are told to the minute.
_MINUTE = 60_000
_OURS = re.compile(r"^(User|Assistant) \((\d{4}-\d\d-\d\d \d\d:\d\d) UTC\):\n", re.MULTILINE)
# Of an import, and of a summary of a whole thread (one line a message).
_THEIRS = re.compile(r"^(?:- )?(User|Assistant):[ \n]", re.MULTILINE)
_NO_WORDS = ("[used ", "[attached ", "[failed: ")
_CHECKPOINT = "\n- Checkpoint:"


def is_handoff(text: str) -> bool:
    """Whether T3 Code put a transcript before the user's own words in this message."""
    return text.startswith(HANDOFF)


def is_carried(text: str) -> bool:
    """Whether t3tray carried this message over."""
    return text.startswith(CARRIED)


def words_of(message: Message) -> Message:
    """The message without what T3 Code put before the user's own words; without text where there are none."""
    if not is_handoff(message.text):
        return message
    own = message.text.rpartition(_OWN_WORDS)[2] if _OWN_WORDS in message.text else ""
    return replace(message, text=own, pieces=())


def messages_in(message: Message) -> tuple[Message, ...]:
    """The messages that it hands over; `created_ms` is the latest at which each can have been written."""
    if is_carried(message.text):
        return tuple(_ours(message.text))
    return tuple(_theirs(message.text.rpartition(_OWN_WORDS)[0], message.created_ms))


def _ours(text: str) -> Iterator[Message]:
    heads = list(_OURS.finditer(text))
    for number, head in enumerate(heads):
        end = heads[number + 1].start() if number + 1 < len(heads) else len(text)
        body = text[head.end() : end].removesuffix("\n").removesuffix(END).strip()
        words = "\n".join(line for line in body.splitlines() if not line.startswith(_NO_WORDS))
        at = datetime.strptime(head[2], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
        yield Message("", _ROLES[head[1]], round(at.timestamp() * 1000) + _MINUTE, words)


def _theirs(text: str, at_ms: int) -> Iterator[Message]:
    heads = list(_THEIRS.finditer(text))
    for number, head in enumerate(heads):
        end = heads[number + 1].start() if number + 1 < len(heads) else len(text)
        yield Message("", _ROLES[head[1]], at_ms, text[head.end() : end].partition(_CHECKPOINT)[0].strip())
