"""How T3 Code stands with the guard, for the list, the menu and notifications."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class GuardPhase(StrEnum):
    """ALONE: T3 Code's settings lead to a guard that does not listen. CHANGED: they were changed elsewhere.

    UNFIT: T3 Code is guarded, but speaks or writes by now what the guard cannot read.
    """

    NO_T3CODE = "no-t3code"
    OFF = "off"
    ON = "on"
    ALONE = "alone"
    CHANGED = "changed-elsewhere"
    UNFIT = "unfit"


# What the user has to be told without asking: T3 Code is not answered, or not protected as it was to be.
TROUBLED = frozenset({GuardPhase.ALONE, GuardPhase.CHANGED, GuardPhase.UNFIT})


@dataclass(frozen=True)
class GuardState:
    """All that the list and the menu need; `sentence` is for people, empty where there is nothing to say."""

    phase: GuardPhase = GuardPhase.NO_T3CODE
    sentence: str = ""


NO_GUARD = GuardState()
