"""The reaper's clock: every pattern of T3 Code's fields, and times by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from t3tray.domain.reaper import (
    Blocker,
    IdleState,
    ReaperClock,
    ReaperPhase,
    ReaperState,
    Runtime,
    ServerUse,
    blocker_of,
    own_reaper_state,
    t3_reaper_state,
)
from t3tray.domain.verdict import Reason, Verdict
from t3tray.messages.idle_shutdown import idle_sentence

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
PROVED, MISSING, DOWN = Verdict(Reason.PROVED), Verdict(Reason.MISSING), Verdict(Reason.SERVER_DOWN)
RUNNING = Runtime("running", "ready", "provider.sendTurn", NOON)
REAPED = Runtime("stopped", "stopped", "provider.sendTurn", NOON)
STOPPED = Runtime("stopped", "ready", "provider.stopAll", NOON)
BROKEN = Runtime("error", "error", "provider.sendTurn", NOON)
CUT_OFF = Runtime("stopped", "error", "provider.stopAll", NOON)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.mark.parametrize(
    ("runtime", "is_open", "verdict", "t3_runs", "phase"),
    [
        (RUNNING, True, PROVED, True, ReaperPhase.ACTIVE),
        (RUNNING, True, MISSING, True, ReaperPhase.ACTIVE),
        (RUNNING, False, PROVED, True, ReaperPhase.IDLE),
        (REAPED, False, PROVED, True, ReaperPhase.SAFE),
        (REAPED, False, PROVED, False, ReaperPhase.SAFE),
        (REAPED, False, MISSING, True, ReaperPhase.AT_RISK),
        (REAPED, False, DOWN, True, ReaperPhase.REAPED),
        (STOPPED, False, PROVED, True, ReaperPhase.STOPPED),
        (STOPPED, False, MISSING, False, ReaperPhase.STOPPED),
        (CUT_OFF, False, PROVED, True, ReaperPhase.STOPPED),
        (BROKEN, False, PROVED, True, ReaperPhase.STOPPED),
        (None, False, PROVED, True, ReaperPhase.STOPPED),
        # "running" in the database of a T3 Code that was killed: nothing runs, nothing is reaped.
        (RUNNING, False, PROVED, False, ReaperPhase.STOPPED),
        (RUNNING, True, PROVED, False, ReaperPhase.STOPPED),
        (Runtime("running", "ready", "provider.sendTurn", None), False, PROVED, True, ReaperPhase.STOPPED),
    ],
)
def test_every_pattern_has_its_phase(
    runtime: Runtime | None, is_open: bool, verdict: Verdict, t3_runs: bool, phase: ReaperPhase
) -> None:
    assert t3_reaper_state(runtime, is_open, verdict, ReaperClock(), t3_runs, NOON).phase is phase


def test_an_idle_thread_is_reaped_at_the_first_sweep_after_half_an_hour() -> None:
    clock = ReaperClock(started=NOON - minutes(3))
    state = t3_reaper_state(RUNNING, False, PROVED, clock, True, NOON + minutes(1))
    assert (state.idle_since, state.reap_at) == (NOON, NOON + minutes(32))


def test_a_sweep_that_is_over_has_not_reaped_it_so_the_next_one_may() -> None:
    clock = ReaperClock(started=NOON)
    assert clock.reap_at(NOON, NOON + minutes(41)) == NOON + minutes(45)


def test_without_knowing_the_sweeps_it_is_due_after_the_threshold() -> None:
    clock = ReaperClock(threshold=minutes(10))
    assert clock.reap_at(NOON, NOON + minutes(1)) == NOON + minutes(10)
    assert clock.reap_at(NOON, NOON + minutes(11)) == NOON + minutes(11)


def test_of_a_reaped_thread_without_a_verdict_nobody_can_tell_what_that_means() -> None:
    assert t3_reaper_state(REAPED, False, None, ReaperClock(), True, NOON).phase is ReaperPhase.REAPED
    assert t3_reaper_state(RUNNING, False, None, ReaperClock(started=NOON), True, NOON).phase is ReaperPhase.IDLE


def test_a_reaper_without_sweeps_ends_what_is_due_at_once() -> None:
    clock = ReaperClock(sweep=minutes(0), started=NOON)
    assert clock.reap_at(NOON + minutes(3), NOON) == NOON + minutes(33)


def test_the_ring_empties() -> None:
    state = ReaperState(ReaperPhase.IDLE, NOON + minutes(30), NOON)
    assert [state.fraction_left(NOON + minutes(past)) for past in (-1, 0, 15, 30, 31)] == [1.0, 1.0, 0.5, 0.0, 0.0]
    assert ReaperState(ReaperPhase.SAFE).fraction_left(NOON) is None


def test_on_our_own_server_what_cannot_be_resumed_is_at_risk() -> None:
    assert own_reaper_state(Verdict(Reason.BUSY), True).phase is ReaperPhase.ACTIVE
    assert own_reaper_state(PROVED, True).phase is ReaperPhase.IDLE
    assert own_reaper_state(PROVED, False).phase is ReaperPhase.SAFE
    assert own_reaper_state(MISSING, False).phase is ReaperPhase.AT_RISK


@pytest.mark.parametrize(
    ("use", "why"),
    [
        (ServerUse(minutes(30)), None),
        (ServerUse(minutes(29)), Blocker.RECENT),
        (ServerUse(minutes(30), busy=1), Blocker.TURN),
        (ServerUse(minutes(30), permissions=1), Blocker.PERMISSION),
        (ServerUse(minutes(30), questions=1), Blocker.QUESTION),
        (ServerUse(minutes(30), not_resumable=1), Blocker.NOT_RESUMABLE),
    ],
)
def test_our_own_reaper_ends_nothing_in_which_anything_is_open(use: ServerUse, why: Blocker | None) -> None:
    assert blocker_of(use, minutes(30)) is why
    assert blocker_of(use, minutes(0)) is Blocker.OFF


def stopped_at(at: datetime) -> str:
    return f"t3tray stopped its server at {at.astimezone():%Y-%m-%d %H:%M}, because nothing had used it for 30 minutes."


@pytest.mark.parametrize(
    ("rest", "runs", "said"),
    [
        (None, True, f"t3tray stops its server at {(NOON + minutes(30)).astimezone():%H:%M} if nothing uses it before."),
        (None, False, "While t3tray runs, it stops the server once nothing has used it for 30 minutes."),
        (IdleState(NOON), False, f"{stopped_at(NOON)} The next resume starts it again."),
        (
            IdleState(NOON),
            True,
            f"t3tray stops its server at {(NOON + minutes(30)).astimezone():%H:%M} if nothing uses it before.",
        ),
        (IdleState(NOON, Blocker.TURN), False, "While t3tray runs, it stops the server once nothing has used it for 30 minutes."),
        *(
            (IdleState(NOON, why), True, f"t3tray has not stopped its server, though nothing had used it for 30 minutes: {why}.")
            for why in Blocker
            if why not in (Blocker.OFF, Blocker.RECENT)
        ),
    ],
)
def test_our_own_reaper_says_what_it_did_and_why_it_did_not(rest: IdleState | None, runs: bool, said: str) -> None:
    assert idle_sentence(rest, minutes(30), runs, NOON + minutes(30)) == said
    assert idle_sentence(rest, minutes(0), runs) == "t3tray never stops its server for being idle."
