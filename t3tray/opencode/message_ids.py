"""Ids for t3tray's messages, in OpenCode's format.

`msg_`, then 12 hexadecimal digits (48 bits: 4096 times the time in ms, plus a counter within the ms; they wrap every 795 days),
then 14 characters. OpenCode's are random; ours begin with `T3` and six characters of our store's id, so that messages sent by
this store can be recognised. OpenCode 1.18 sorts messages by time. Older versions compare ids: while ours is later than its
answer's, they repeat the request to the model, and if it is earlier than the newest answer's, they never send it (1.15.13,
1.17.11). So ours increase with the time, by the server's clock (`time_for`).
Never use an id for a second prompt: OpenCode 1.18 adds the text to the existing message and sends no request to the model.
"""

from __future__ import annotations

import random

_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_LETTERS = 6
_STORE_LETTERS = 6
_IN_A_MS = 0x1000
# In ms: how far a response's date may be behind the server's clock. It has whole seconds, and Bun updates it once a second.
_BEHIND = 2_000
_BITS = 48
_MS_BITS = _BITS - 12
# Position of the mark in an id, counted from 1 as in SQL.
MARK_AT = len("msg_") + _BITS // 4 + 1


def mark_of(store_id: str) -> str:
    """Return the mark at `MARK_AT` in the ids made by a store."""
    return f"T3{store_id[:_STORE_LETTERS]:0<{_STORE_LETTERS}}"


def is_marked(message_id: str, mark: str) -> bool:
    return message_id.startswith(mark, MARK_AT - 1)


def is_later(message_id: str, at_ms: int) -> bool:
    """Return whether the id was made in a later ms than `at_ms`, by its maker's clock; correct within 397 days."""
    try:
        made = int(message_id[len("msg_") : MARK_AT - 1], 16) // _IN_A_MS
    except ValueError:
        return False
    return 0 < (made - at_ms) % (1 << _MS_BITS) < 1 << (_MS_BITS - 1)


def time_for(now_ms: int, server_time_ms: int | None, newest_ms: int | None) -> int:
    """Return the time for a new message, in ms: now, limited by the server's clock, and always after the newest message.

    `server_time_ms` is the server's clock, from the date of its response; None where it is not known. The caller must check
    whether the newest message is in the future.
    """
    ours = now_ms if server_time_ms is None or now_ms < server_time_ms + _BEHIND else server_time_ms
    return ours if newest_ms is None else max(ours, newest_ms + 1)


class MessageIds:
    """Makes ids that increase as long as their times do."""

    def __init__(self, randomness: random.Random, store_id: str) -> None:
        self._randomness = randomness
        self._mark = mark_of(store_id)
        self._last_ms = 0
        self._count = 0

    def next(self, at_ms: int) -> str:
        """Return an id for a message of this time, in ms since the epoch."""
        self._count = self._count + 1 if at_ms == self._last_ms else 1
        self._last_ms = at_ms
        when = (at_ms * _IN_A_MS + self._count) % (1 << _BITS)
        return f"msg_{when:012x}{self._mark}{''.join(self._randomness.choices(_LETTERS, k=_RANDOM_LETTERS))}"
