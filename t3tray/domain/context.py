"""Which of a session's messages reach the model. Pure.

OpenCode's own rule (`filterCompacted`, measured with 1.18.33): of a session with a finished compaction the model gets the
summary, the tail that the compaction kept, and everything after it.
"""

from __future__ import annotations

from t3tray.domain.carries import Context
from t3tray.domain.evidence import MessageFacts, Role


class ContextReader:
    """Reads a session's messages, newest first, until it `is_complete`: older ones do not reach the model.

    Messages from `taken_back` on are skipped: a pending revert deletes them before the model is asked.
    """

    def __init__(self, taken_back: str | None = None) -> None:
        self.is_complete = False
        self.seen = 0
        self._taken_back = taken_back
        self._read: list[MessageFacts] = []
        self._summaries: dict[str, MessageFacts] = {}
        self._boundary: MessageFacts | None = None
        self._keeps_from: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether no message read so far belongs to a compaction, is taken back, emptied or left out."""
        return self.seen == len(self._read) and not any(message.compaction or _is_lost(message) for message in self._read)

    def add(self, message: MessageFacts) -> None:
        """Add the next older message. Does nothing once the reader is complete."""
        if self.is_complete:
            return
        self.seen += 1
        if self._taken_back is not None and message.id >= self._taken_back:
            return
        self._read.append(message)
        if self._keeps_from is not None:
            self.is_complete = message.id == self._keeps_from
        elif message.role is Role.USER:
            if message.compaction and message.id in self._summaries:
                self._boundary, self._keeps_from = message, message.keeps_from
                self.is_complete = message.keeps_from in (None, message.id)
        elif message.is_summary and message.has_finish and not message.failed and message.parent_id is not None:
            self._summaries.setdefault(message.parent_id, message)

    def context(self, older: int | None) -> Context:
        """Return what reaches the model. `older`: number of messages that were not read; None if unknown."""
        oldest_first = self._read[::-1]
        dropped = _dropped(oldest_first)
        given = oldest_first[dropped:]
        boundary = self._boundary
        own = () if boundary is None else (boundary.id, self._summaries[boundary.id].id)
        return Context(
            messages=sum(not (message.compaction or _is_lost(message)) for message in given),
            before=None if older is None else older + dropped,
            since_ms=None if boundary is None else self._summaries[boundary.id].created_ms,
            is_pending=_is_pending(self._read),
            is_settled=not dropped and all(message.id in own for message in given if message.compaction),
            emptied=sum(message.is_emptied for message in given),
            unsent=sum(message.is_unsent and not message.compaction for message in given),
        )


def _is_lost(message: MessageFacts) -> bool:
    """Whether the model gets nothing of a message that once had content."""
    return message.is_emptied or message.is_unsent


def _dropped(oldest_first: list[MessageFacts]) -> int:
    """Return how many of the oldest messages do not reach the model although no summary of them was finished.

    A compaction that was to keep a tail and failed leaves that state behind.
    """
    for place in range(len(oldest_first) - 1, -1, -1):
        compaction = oldest_first[place]
        if compaction.role is Role.USER and compaction.keeps_from is not None:
            begun = any(one.is_summary and one.parent_id == compaction.id for one in oldest_first[place + 1 :])
            kept = (n for n, message in enumerate(oldest_first[:place]) if message.id == compaction.keeps_from)
            return next(kept, 0) if begun else 0
    return 0


def _is_pending(newest_first: list[MessageFacts]) -> bool:
    for message in newest_first:
        if message.role is Role.ASSISTANT and message.has_finish:
            return False
        if message.role is Role.USER and message.compaction:
            return True
    return False
