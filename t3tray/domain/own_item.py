"""What t3tray has outside of its program: files that it wrote, processes that it started, entries in other programs' settings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ItemOutcome(StrEnum):
    """What a command did with one item. PLANNED: nothing yet, it would be removed. NOTHING: there is none of ours."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    PLANNED = "planned"
    REMOVED = "removed"
    NOTHING = "nothing-there"
    FAILED = "failed"


@dataclass(frozen=True)
class OwnItem:
    """One item, and what a command did with it.

    `name` is one word for scripts. `subject` names the item: a path, an address, a process. `sentence` is why it failed, or what
    is left to do; else empty. `size` is in bytes; None where it has none.
    """

    name: str
    subject: str
    outcome: ItemOutcome
    sentence: str = ""
    size: int | None = None
