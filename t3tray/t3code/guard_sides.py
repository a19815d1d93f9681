"""Which homes of T3 Code go through the guard."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from t3tray.domain.t3code_side import GuardSide


@dataclass(frozen=True)
class GuardSides:
    """The homes of T3 Code that are pointed at the guard: those that it answers, those that it does not since it is down, and
    those where something listens that does not prove to be the guard."""

    answered: frozenset[Path] = frozenset()
    unanswered: frozenset[Path] = frozenset()
    unproved: frozenset[Path] = frozenset()

    def of(self, home: Path) -> GuardSide:
        if home in self.answered:
            return GuardSide.ON
        if home in self.unproved:
            return GuardSide.UNPROVED
        return GuardSide.DOWN if home in self.unanswered else GuardSide.OFF
