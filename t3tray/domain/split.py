"""Split: whether several sessions hold different parts of one thread's conversation. Values and a pure rule."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from t3tray.domain.evidence import Claim


@dataclass(frozen=True)
class Candidate:
    """A session that belonged to the thread at some time, as far as known. `learnt_from`: where each claim was found.

    `exists` is None if unknown. Times are in ms since the epoch; `messages` and `input_tokens` are the session's now.
    `reverting`: a revert is pending in it.
    """

    session_id: str
    learnt_from: tuple[str, ...]
    exists: bool | None = None
    directory: str = ""
    title: str = ""
    parent_id: str | None = None
    archived: bool = False
    created_ms: int = 0
    messages: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    input_tokens: int = 0
    reverting: bool = False

    @property
    def claim(self) -> Claim:
        return Claim(self.session_id, ", ".join(self.learnt_from))

    def is_contained_in(self, other: Candidate) -> bool:
        """Whether `other` was forked from this one after its last message, and so contains all of it.

        A fork copies the messages with their times (OpenCode 1.18), so both begin at the same time.
        """
        if self.first_ms is None or self.last_ms is None:
            return True
        return self.first_ms == other.first_ms and self.last_ms <= other.created_ms


@dataclass(frozen=True)
class Served:
    """A period in which one session served the thread, according to a log. `exists`: whether it still exists; None if unknown."""

    session_id: str
    began: datetime
    ended: datetime
    exists: bool | None = None


def split_of(bound: str | None, candidates: Iterable[Candidate], put_away: Collection[str]) -> tuple[Claim, ...]:
    """Return the sessions that hold a part of the conversation which the bound one lacks, the bound one first; empty without a
    split.

    `put_away` are sessions that the user dismissed by name. Without a bound session the fullest one takes its place.
    """
    there = [found for found in candidates if found.exists and not found.parent_id and found.session_id not in put_away]
    if not there:
        return ()
    bound_one = next((found for found in there if found.session_id == bound), None)
    main = bound_one or max(there, key=lambda found: (found.messages, found.created_ms))
    rivals = [found for found in there if found is not main and not found.is_contained_in(main)]
    return (main.claim, *(found.claim for found in rivals)) if rivals else ()
