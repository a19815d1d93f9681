"""Whether T3 Code uses the guard: the worst of its homes counts, and the effect of a switch is described before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from t3tray.domain.guard_state import NO_GUARD, GuardPhase
from t3tray.guard.status import GuardStatus, guard_sides, guard_state, plan_off, plan_on
from t3tray.guard.t3_settings import Place, Protection, ProtectionView

URL = "http://127.0.0.1:4096"
GUARDED = ProtectionView(Path("/a"), Protection.GUARDED, "It goes through the guard.", (Place("opencode", URL),))
OPEN = ProtectionView(Path("/b"), Protection.NOT_GUARDED, "It does not.", (Place("opencode", ""), Place("work", "http://other")))
CHANGED = ProtectionView(Path("/c"), Protection.CHANGED, "It was changed elsewhere.", (Place("opencode", "http://other"),))
NONE = ProtectionView(Path("/d"), Protection.NO_T3CODE, "There is none.")


@pytest.mark.parametrize(
    ("status", "phase", "trouble"),
    [
        (GuardStatus(URL, True, (GUARDED, NONE)), GuardPhase.ON, ""),
        (GuardStatus("", False, (OPEN,)), GuardPhase.OFF, ""),
        (GuardStatus(URL, True, (GUARDED, CHANGED)), GuardPhase.CHANGED, CHANGED.sentence),
        (GuardStatus(URL, True, (GUARDED, CHANGED), unfit="It was upgraded."), GuardPhase.UNFIT, "It was upgraded."),
        (GuardStatus(URL, False, (GUARDED,), "It has no port."), GuardPhase.ALONE, "It has no port."),
    ],
)
def test_the_worst_of_all_homes_is_the_state(status: GuardStatus, phase: GuardPhase, trouble: str) -> None:
    state = guard_state(status)
    assert state.phase is phase and state.sentence == trouble


def test_without_t3_code_there_is_no_state() -> None:
    assert guard_state(GuardStatus(URL, True, (NONE,))) == NO_GUARD == guard_state(GuardStatus("", False, ()))


def test_a_guard_that_does_not_answer_and_one_that_does_not_prove_itself_are_told_apart() -> None:
    alone = GuardStatus(URL, False, (GUARDED,))
    silent, unproved = guard_state(alone), guard_state(replace(alone, is_unproved=True))
    assert silent.phase is unproved.phase is GuardPhase.ALONE and silent.sentence != unproved.sentence
    assert alone.is_pointed_at and not replace(alone, url="").is_pointed_at and not replace(alone, homes=(OPEN,)).is_pointed_at


def test_only_homes_that_go_through_the_guard_have_its_side() -> None:
    status = GuardStatus(URL, True, (GUARDED, OPEN, CHANGED))
    assert guard_sides(status).answered == {Path("/a")}
    assert guard_sides(replace(status, unfit_homes=frozenset({Path("/a")}))).answered == frozenset()
    assert guard_sides(replace(status, answers=False)).unanswered == {Path("/a")}
    assert guard_sides(replace(status, answers=False, is_unproved=True)).unproved == {Path("/a")}


def test_a_plan_says_for_each_place_what_was_and_what_will_be() -> None:
    plan = plan_on((OPEN,), URL, ("Report",))
    assert plan.on and plan.running == ("Report",)
    own, other = plan.before
    assert own.endswith("(opencode in /b).") and other.endswith("(work in /b).") and "http://other" in other
    assert len(plan.after) == 3 and all(URL in line for line in plan.after[:2])


def test_a_plan_to_stop_says_how_each_home_stands() -> None:
    plan = plan_off((GUARDED, CHANGED), ("Report",))
    assert not plan.on and plan.before == (GUARDED.sentence, CHANGED.sentence) and plan.running == ("Report",)
    assert plan.lost and plan.lost[-1] == plan_on((OPEN,), URL, ()).lost[-1], "turns are ended either way"
