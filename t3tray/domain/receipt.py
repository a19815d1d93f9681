"""The receipt of a verification: what was checked, what had been recorded and what was found. It is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from t3tray.domain.verdict import Verdict


@dataclass(frozen=True)
class Check:
    """One comparison. `passed` is None if there was nothing to compare or nothing was learnt."""

    name: str
    recorded: str
    found: str
    passed: bool | None


@dataclass(frozen=True)
class Receipt:
    """The result of one verification. `notes` are sentences on what a prompt would make final or has already changed."""

    thread_id: str
    session_id: str | None
    verdict: Verdict
    taken_at: datetime
    asked: str
    checks: tuple[Check, ...]
    notes: tuple[str, ...] = ()
