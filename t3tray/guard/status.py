"""The full status of the guard: its address, the settings of each home of T3 Code, and the effect of switching it on or off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from t3tray.domain.guard_state import NO_GUARD, GuardPhase, GuardState
from t3tray.guard.t3_settings import Protection, ProtectionView
from t3tray.t3code.guard_sides import GuardSides

_AT_ONCE = "T3 Code applies the change at once, and ends every running turn of an OpenCode thread."


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
    own = "T3 Code starts its own OpenCode server"
    return ProtectionPlan(
        True,
        "Protect T3 Code",
        "Protect T3 Code",
        tuple(f"{f'T3 Code uses {server}' if server else own} {where}." for where, server in places),
        (
            *(f"T3 Code uses the guard at {url}, with the guard's own password {where}." for where, _ in places),
            "A follow-up continues in its thread's own session, or fails with a clear message. It never gets an empty session.",
        ),
        (
            "T3 Code's settings are copied first, and restored when you switch this off.",
            "The file is readable only by you as long as it contains the guard's password.",
        ),
        (
            "T3 Code's own browser tools: agents do not get them on a server that T3 Code did not start.",
            "While t3tray is not running, T3 Code cannot reach OpenCode. It says so, and loses nothing.",
            _AT_ONCE,
        ),
        running,
    )


def plan_off(homes: Sequence[ProtectionView], running: tuple[str, ...]) -> ProtectionPlan:
    """Return what restoring the settings of these homes would do."""
    return ProtectionPlan(
        False,
        "Stop Protecting T3 Code",
        "Stop Protecting",
        tuple(view.sentence for view in homes),
        (
            "T3 Code's settings are restored where they still name the guard.",
            "The guard's password is no longer valid.",
        ),
        ("Its threads, their sessions, and what t3tray has recorded of them.",),
        (
            "T3 Code can silently switch a thread to an empty session again; t3tray only tells you afterwards.",
            _AT_ONCE,
        ),
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
        alone = "T3 Code's settings name the guard, but it is not responding: T3 Code cannot reach OpenCode."
        if status.is_unproved:
            alone = "T3 Code's settings name the guard, but the program at its address does not prove to be the guard."
        return GuardState(GuardPhase.ALONE, status.trouble or alone)
    if status.unfit:
        return GuardState(GuardPhase.UNFIT, status.unfit)
    if changed:
        return GuardState(GuardPhase.CHANGED, changed[0])
    return GuardState(GuardPhase.ON if Protection.GUARDED in states else GuardPhase.OFF, status.trouble)
