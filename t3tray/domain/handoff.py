"""Messages that hand a conversation over to a session: t3tray's ("[Carried over by t3tray …") and T3 Code's ("Context handoff
(…"). Pure.

T3 Code's end with the user's own message. What they contain counts as known to the session.
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
# In ms: our times are written to the minute.
_MINUTE = 60_000
_OURS = re.compile(r"^(User|Assistant) \((\d{4}-\d\d-\d\d \d\d:\d\d) UTC\):\n", re.MULTILINE)
# Lines of T3 Code's import, and of its summary of a whole thread (one line for each message).
_THEIRS = re.compile(r"^(?:- )?(User|Assistant):[ \n]", re.MULTILINE)
_NO_WORDS = ("[used ", "[attached ", "[failed: ")
_CHECKPOINT = "\n- Checkpoint:"


def is_handoff(text: str) -> bool:
    """Whether T3 Code put a transcript before the user's own text in this message."""
    return text.startswith(HANDOFF)


def is_carried(text: str) -> bool:
    """Whether this message was carried over by t3tray."""
    return text.startswith(CARRIED)


def words_of(message: Message) -> Message:
    """Return the message with the user's own text only; the text is empty if there is none."""
    if not is_handoff(message.text):
        return message
    own = message.text.rpartition(_OWN_WORDS)[2] if _OWN_WORDS in message.text else ""
    return replace(message, text=own, pieces=())


def messages_in(message: Message) -> tuple[Message, ...]:
    """Return the messages that this one hands over. `created_ms` is the latest time at which each can have been written."""
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
