"""How T3 Code stands with the guard, in full: its address, each home's settings, and what switching it on or off would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from t3tray.domain.guard_state import NO_GUARD, GuardPhase, GuardState
from t3tray.guard.t3_settings import Protection, ProtectionView
from t3tray.t3code.guard_sides import GuardSides

_AT_ONCE = "T3 Code takes the change up at once, and ends every turn that runs in an OpenCode thread."


@dataclass(frozen=True)
class GuardStatus:
    """`url` is empty before the guard was ever used. `answers`: a guard of ours listens there now, in whatever process;
    `is_unproved`: something does that may be one, and does not prove it.

    `trouble` says why none of this process does, though it should; `unfit` why it cannot judge what T3 Code asks, and in which
    homes that is so stands in `unfit_homes`.
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
        """Whether the settings of any T3 Code lead to this guard."""
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
    own = "T3 Code starts an OpenCode server itself"
    return ProtectionPlan(
        True,
        "Protect T3 Code",
        "Protect T3 Code",
        tuple(f"{f'T3 Code goes to {server}' if server else own} {where}." for where, server in places),
        (
            *(f"T3 Code goes to the guard at {url}, with a password of the guard's {where}." for where, _ in places),
            "A follow-up goes on in its thread's own session, or fails with a clear message. It is never given an empty one.",
        ),
        (
            "What was in T3 Code's settings is copied first, and put back when you switch this off.",
            "The file is readable by you alone as long as the guard's password is in it.",
        ),
        (
            "T3 Code's own browser tools: agents are not offered them on a server that T3 Code did not start.",
            "While t3tray does not run, T3 Code cannot reach OpenCode. It says so, and loses nothing.",
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
            "T3 Code's settings are as they were before, where they still lead to the guard.",
            "The guard's password opens nothing any more.",
        ),
        ("Its threads, their sessions, and what t3tray knows of them.",),
        (
            "T3 Code can switch a thread to an empty session in silence again; t3tray tells you afterwards only.",
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
        alone = "T3 Code's settings lead to the guard, but it does not answer: T3 Code cannot reach OpenCode."
        if status.is_unproved:
            alone = "T3 Code's settings lead to the guard, but what listens there does not prove to be the guard."
        return GuardState(GuardPhase.ALONE, status.trouble or alone)
    if status.unfit:
        return GuardState(GuardPhase.UNFIT, status.unfit)
    if changed:
        return GuardState(GuardPhase.CHANGED, changed[0])
    return GuardState(GuardPhase.ON if Protection.GUARDED in states else GuardPhase.OFF, status.trouble)
