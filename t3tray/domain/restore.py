"""A restore: t3tray's data is older than what happened, because t3tray or another program restored a copy. Values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Restore:
    """`trouble`: what was wrong with the data ("was damaged (…)"). `copy_at`: time of the copy that was put back, None without
    one. `last_seq`: last entry of the journal that was known then, or after which entries are missing. `complete`: every change
    of a binding since then was read back from `journal.jsonl`, so that no binding is in doubt.

    It stays until the user settles it; a later proof (greater `seq`) settles a single thread.
    """

    at: datetime
    trouble: str
    last_seq: int
    complete: bool
    copy_at: datetime | None = None
    aside: str = ""
    settled_at: datetime | None = None
    id: int | None = None


@dataclass(frozen=True)
class SettlePlan:
    """What settling a restore would do. Each line is a sentence or a fact for people.

    `hindrance`: what has to be done before; empty if nothing has.
    """

    title: str
    button: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    kept: tuple[str, ...]
    lost: tuple[str, ...] = ()
    hindrance: str = ""
