"""The table that the benchmark prints: measurements beside their budgets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One measurement. `budget` is None for a value without a limit; `base` is its reference value, if any."""

    name: str
    value: float
    unit: str
    budget: float | None = None
    base: str = ""

    def as_text(self) -> str:
        budget = "" if self.budget is None else f"≤ {self.budget:g} {self.unit}"
        mark = "" if self.budget is None else ("ok" if self.value <= self.budget else "OVER")
        return f"{self.name:<44} {self.value:>9.2f} {self.unit:<3}  {budget:<12} {mark:<5} {self.base}".rstrip()
