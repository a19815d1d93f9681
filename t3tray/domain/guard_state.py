"""The guard's state for the list, the menu and notifications."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class GuardPhase(StrEnum):
    """ALONE: T3 Code's settings point to a guard that does not listen. CHANGED: they were changed elsewhere.

    UNFIT: T3 Code is guarded, but its requests or its database are of a form that the guard cannot read.
    """

    NO_T3CODE = "no-t3code"
    OFF = "off"
    ON = "on"
    ALONE = "alone"
    CHANGED = "changed-elsewhere"
    UNFIT = "unfit"


# States that the user is notified of: T3 Code gets no answer, or is not protected as it was meant to be.
TROUBLED = frozenset({GuardPhase.ALONE, GuardPhase.CHANGED, GuardPhase.UNFIT})


@dataclass(frozen=True)
class GuardState:
    """The state and a sentence for people, empty where there is nothing to say."""

    phase: GuardPhase = GuardPhase.NO_T3CODE
    sentence: str = ""


NO_GUARD = GuardState()
