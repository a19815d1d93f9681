"""The full status of the guard: its address, the settings of each home of T3 Code, and the effect of switching it on or off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from t3tray.domain.guard_state import NO_GUARD, GuardPhase, GuardState
from t3tray.guard.t3_settings import Protection, ProtectionView
from t3tray.messages.protection import (
    NOT_PROVED,
    NOT_RESPONDING,
    OFF_AFTER,
    OFF_KEPT,
    OFF_LOST,
    ON_AFTER,
    ON_KEPT,
    ON_LOST,
    PROTECT,
    STOP,
    STOP_PROTECTING,
    uses_guard,
    uses_now,
)
from t3tray.t3code.guard_sides import GuardSides


@dataclass(frozen=True)
class GuardStatus:
    """`url` is empty before the first use of the guard. `answers`: a guard of ours is listening there, in any process;
    `is_unproved`: a program is listening that may be a guard, but does not prove it.

    `trouble` is why this process's guard is not running, though it should; `unfit` is why it cannot decide T3 Code's requests, in
    the homes `unfit_homes`.
    """

    url: str
    answers: bool
    homes: tuple[ProtectionView, ...]
    trouble: str = ""
    is_unproved: bool = False
    unfit: str = ""
    unfit_homes: frozenset[Path] = frozenset()

    @property
    def is_pointed_at(self) -> bool:
        """Whether the settings of any T3 Code name this guard."""
        return bool(self.url) and any(place.server == self.url for view in self.homes for place in view.places)


@dataclass(frozen=True)
class ProtectionPlan:
    """What switching the guard on or off would do, in lines for people. `running`: the threads whose turns it would end."""

    on: bool
    title: str
    button: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    kept: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    running: tuple[str, ...] = ()


def plan_on(homes: Sequence[ProtectionView], url: str, running: tuple[str, ...]) -> ProtectionPlan:
    """Return what pointing these homes at the guard's address would do."""
    places = [(f"({place.name} in {view.home})", place.server) for view in homes for place in view.places]
    return ProtectionPlan(
        True,
        PROTECT,
        PROTECT,
        tuple(uses_now(server, where) for where, server in places),
        (*(uses_guard(url, where) for where, _ in places), ON_AFTER),
        ON_KEPT,
        ON_LOST,
        running,
    )


def plan_off(homes: Sequence[ProtectionView], running: tuple[str, ...]) -> ProtectionPlan:
    """Return what restoring the settings of these homes would do."""
    return ProtectionPlan(
        False,
        STOP_PROTECTING,
        STOP,
        tuple(view.sentence for view in homes),
        OFF_AFTER,
        OFF_KEPT,
        OFF_LOST,
        running,
    )


def guard_sides(status: GuardStatus) -> GuardSides:
    """Return which homes of T3 Code go through the guard."""
    homes = frozenset(view.home for view in status.homes if view.state is Protection.GUARDED)
    if status.answers:
        return GuardSides(answered=homes - status.unfit_homes)
    return GuardSides(unproved=homes) if status.is_unproved else GuardSides(unanswered=homes)


def guard_state(status: GuardStatus) -> GuardState:
    """Return the worst state of all homes of T3 Code."""
    states = {view.state for view in status.homes} - {Protection.NO_T3CODE}
    changed = [view.sentence for view in status.homes if view.state is Protection.CHANGED]
    if not states:
        return NO_GUARD
    if status.is_pointed_at and not status.answers:
        return GuardState(GuardPhase.ALONE, status.trouble or (NOT_PROVED if status.is_unproved else NOT_RESPONDING))
    if status.unfit:
        return GuardState(GuardPhase.UNFIT, status.unfit)
    if changed:
        return GuardState(GuardPhase.CHANGED, changed[0])
    return GuardState(GuardPhase.ON if Protection.GUARDED in states else GuardPhase.OFF, status.trouble)
