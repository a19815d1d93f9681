"""Ids for messages of ours, made as OpenCode makes its own.

`msg_`, then 12 hexadecimal digits (48 bits: 4096 times the time in ms, and a counter within the ms; they wrap every 795 days),
then 14 random characters. OpenCode 1.18 sorts messages by time; older ones compare the ids too, so ours rise with the time.
An id must never be used for a second prompt: OpenCode 1.18 adds the text to the message that has it, and asks no model.
"""

from __future__ import annotations

import random
from collections.abc import Callable

_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_LETTERS = 14
_IN_A_MS = 0x1000
_BITS = 48


class MessageIds:
    """Makes ids that rise as long as the clock does. `now_ms` is the wall clock."""

    def __init__(self, now_ms: Callable[[], int], randomness: random.Random) -> None:
        self._now_ms = now_ms
        self._randomness = randomness
        self._last_ms = 0
        self._count = 0

    def next(self) -> str:
        now = self._now_ms()
        self._count = self._count + 1 if now == self._last_ms else 1
        self._last_ms = now
        when = (now * _IN_A_MS + self._count) % (1 << _BITS)
        return f"msg_{when:012x}{''.join(self._randomness.choices(_LETTERS, k=_RANDOM_LETTERS))}"
