"""What t3tray's own reaper did, or why it did not, and how that is said. Values and pure sentences; deciding is `reaper`'s."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from t3tray.domain.reaper import Blocker


@dataclass(frozen=True)
class IdleState:
    """What came of looking whether the server may be ended. Without a `why` it was."""

    at: datetime
    why: Blocker | None = None

    @property
    def ended(self) -> bool:
        return self.why is None

    def same_as(self, other: IdleState | None) -> bool:
        """Whether it came to the same, earlier or later."""
        return other is not None and self.why is other.why


def idle_sentence(rest: IdleState | None, idle_after: timedelta, runs: bool, reap_at: datetime | None = None) -> str:
    """What the reaper did last, or what it will do. Times are local.

    `runs`: the managed server does; `reap_at` is when it would be ended at the earliest, where that is known.
    """
    minutes = round(idle_after / timedelta(minutes=1))
    so_long = "1 minute" if minutes == 1 else f"{minutes} minutes"
    if idle_after <= timedelta(0):
        return "t3tray never stops its server for being idle."
    if rest and rest.ended and not runs:
        return (
            f"t3tray stopped its server at {rest.at.astimezone():%Y-%m-%d %H:%M}, because nothing had used it for"
            f" {so_long}. The next resume starts it again."
        )
    if rest and rest.why and rest.why not in (Blocker.RECENT, Blocker.OFF) and runs:
        return f"t3tray has not stopped its server, though nothing had used it for {so_long}: {rest.why}."
    if runs and reap_at:
        return f"t3tray stops its server at {reap_at.astimezone():%H:%M} if nothing uses it before."
    return f"While t3tray runs, it stops the server once nothing has used it for {so_long}."
