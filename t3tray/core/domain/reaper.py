"""The reaper's view of a thread: is something open in it, and when would it be ended?

A reaper ends processes, never bindings. Times are aware; the clock is passed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from t3tray.core.domain.verdict import Kind, Reason, Verdict


class ReaperPhase(StrEnum):
    """Where a thread stands with the reaper."""

    ACTIVE = "active"
    IDLE = "idle"
    SAFE = "safe"
    AT_RISK = "at-risk"


@dataclass(frozen=True)
class ReaperState:
    """`reap_at` is set only while idle under a reaper that is on."""

    phase: ReaperPhase
    reap_at: datetime | None = None


def reaper_state(verdict: Verdict, server_runs: bool) -> ReaperState:
    """A thread's state under t3tray's own server, which no reaper ends yet."""
    if verdict.reason is Reason.BUSY:
        return ReaperState(ReaperPhase.ACTIVE)
    if verdict.kind is Kind.BLOCKED:
        return ReaperState(ReaperPhase.AT_RISK)
    return ReaperState(ReaperPhase.IDLE if server_runs else ReaperPhase.SAFE)
