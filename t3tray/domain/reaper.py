"""The reaper's rules: is something open in a thread, when would it be stopped, and what would that mean for it?

A reaper ends processes, never bindings. Pure: times are aware, and the clock is passed in. The meaning of T3 Code's fields was
measured (T3 Code 0.0.33); its log lines are not used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from t3tray.domain.verdict import Kind, Reason, Verdict


class ReaperPhase(StrEnum):
    """A thread's state with the reaper. REAPED: stopped, and unknown whether it is safe."""

    ACTIVE = "active"
    IDLE = "idle"
    SAFE = "safe"
    AT_RISK = "at-risk"
    REAPED = "reaped"
    STOPPED = "stopped"


@dataclass(frozen=True)
class ReaperState:
    """`reap_at` is set only while idle under an active reaper; `idle_since` is what it counts from."""

    phase: ReaperPhase
    reap_at: datetime | None = None
    idle_since: datetime | None = None

    def fraction_left(self, now: datetime) -> float | None:
        """Return the fraction of the idle time that is left, 1.0 to 0.0; None if no clock runs."""
        if self.reap_at is None or self.idle_since is None:
            return None
        whole = (self.reap_at - self.idle_since).total_seconds()
        return min(max((self.reap_at - now).total_seconds() / whole, 0.0), 1.0) if whole > 0 else 0.0


@dataclass(frozen=True)
class ReaperClock:
    """When a reaper stops what is idle: at the first sweep after `threshold` of idle time.

    Sweeps come every `sweep` from `started` on (None if unknown). With a `sweep` of zero each is stopped when it is due.
    """

    threshold: timedelta = timedelta(minutes=30)
    sweep: timedelta = timedelta(minutes=5)
    started: datetime | None = None

    def reap_at(self, last_seen: datetime, now: datetime) -> datetime:
        """Return the first sweep, not in the past, at which it is due."""
        due = max(last_seen + self.threshold, now)
        if self.started is None or not self.sweep:
            return due
        sweeps = math.ceil((due - self.started) / self.sweep)
        return self.started + max(sweeps, 0) * self.sweep


class Runtime(Struct, frozen=True):
    """What T3 Code recorded of the process behind a thread. Times are None if unreadable.

    `status` "running" does not mean that a turn runs, and `session_status` "ready" does not mean that the process lives.
    """

    status: str
    session_status: str
    last_event: str
    last_seen_at: datetime | None
    session_updated_at: datetime | None = None


_CLEAN_STOP = "provider.stopAll"


def t3_reaper_state(
    runtime: Runtime | None, is_open: bool, verdict: Verdict | None, clock: ReaperClock, t3_runs: bool, now: datetime
) -> ReaperState:
    """Return a thread's state under T3 Code's reaper. `is_open`: a turn, an approval or an answer is open; `t3_runs`: its server
    lives.

    The reaper treats all providers alike. `verdict` is None for other providers than OpenCode; whether one that was reaped is
    safe is unknown then.
    """
    if is_open and t3_runs:
        return ReaperState(ReaperPhase.ACTIVE)
    if runtime is None or runtime.status == "error":
        return ReaperState(ReaperPhase.STOPPED)
    if runtime.status == "stopped":
        reaped = runtime.last_event != _CLEAN_STOP and runtime.session_status == "stopped"
        return ReaperState(_once_reaped(verdict) if reaped else ReaperPhase.STOPPED)
    if not t3_runs or runtime.last_seen_at is None:
        # Its processes ended together with T3 Code, which leaves no trace in the database.
        return ReaperState(ReaperPhase.STOPPED)
    return ReaperState(ReaperPhase.IDLE, clock.reap_at(runtime.last_seen_at, now), runtime.last_seen_at)


def own_reaper_state(verdict: Verdict, server_runs: bool) -> ReaperState:
    """Return a thread's state on t3tray's own server: everything idle is stopped together with it."""
    if verdict.reason is Reason.BUSY:
        return ReaperState(ReaperPhase.ACTIVE)
    if verdict.kind is Kind.BLOCKED:
        return ReaperState(ReaperPhase.AT_RISK)
    return ReaperState(ReaperPhase.IDLE if server_runs else ReaperPhase.SAFE)


class Blocker(StrEnum):
    """Why t3tray's own reaper leaves the server running."""

    OFF = "the reaper is off"
    RECENT = "it was used within the time"
    TURN = "a turn runs in it"
    PERMISSION = "a permission is waited for"
    QUESTION = "a question is waited for"
    NOT_RESUMABLE = "a thread that it serves could not be resumed"
    SHARED = "a terminal or another t3tray uses it, or it was started to stay"
    UNTOLD = "it cannot be told whether anything is open in it"


@dataclass(frozen=True)
class ServerUse:
    """How the managed server is used, and for how long it has not been. Anything not found to be idle counts as open."""

    idle: timedelta
    busy: int = 0
    permissions: int = 0
    questions: int = 0
    not_resumable: int = 0


def blocker_of(use: ServerUse, threshold: timedelta) -> Blocker | None:
    """Return the first reason not to stop the server now; None if it may be stopped. A `threshold` of zero turns the reaper
    off."""
    if threshold <= timedelta(0):
        return Blocker.OFF
    if use.idle < threshold:
        return Blocker.RECENT
    open_things = (
        (use.busy, Blocker.TURN),
        (use.permissions, Blocker.PERMISSION),
        (use.questions, Blocker.QUESTION),
        (use.not_resumable, Blocker.NOT_RESUMABLE),
    )
    return next((why for count, why in open_things if count), None)


def _once_reaped(verdict: Verdict | None) -> ReaperPhase:
    if verdict is None:
        return ReaperPhase.REAPED
    return {Kind.RESUMABLE: ReaperPhase.SAFE, Kind.BLOCKED: ReaperPhase.AT_RISK, Kind.UNKNOWN: ReaperPhase.REAPED}[verdict.kind]


@dataclass(frozen=True)
class IdleState:
    """Result of checking whether the server may be stopped. It was stopped if `why` is None."""

    at: datetime
    why: Blocker | None = None

    @property
    def ended(self) -> bool:
        return self.why is None

    def same_as(self, other: IdleState | None) -> bool:
        """Whether the result is the same, at whatever time."""
        return other is not None and self.why is other.why
