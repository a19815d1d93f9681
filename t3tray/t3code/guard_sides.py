"""Which homes of T3 Code go through the guard."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from t3tray.domain.t3code_side import GuardSide


@dataclass(frozen=True)
class GuardSides:
    """The homes of T3 Code whose settings name the guard: those where it responds, those where it is down (`unanswered`), and
    those where the listening program does not prove to be the guard."""

    answered: frozenset[Path] = frozenset()
    unanswered: frozenset[Path] = frozenset()
    unproved: frozenset[Path] = frozenset()

    def of(self, home: Path) -> GuardSide:
        if home in self.answered:
            return GuardSide.ON
        if home in self.unproved:
            return GuardSide.UNPROVED
        return GuardSide.DOWN if home in self.unanswered else GuardSide.OFF
