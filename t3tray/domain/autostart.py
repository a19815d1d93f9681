"""Whether t3tray starts when the user logs in, as the system has it configured now."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AutostartState:
    """`trouble` is a sentence where `is_on` is not the whole answer: another copy starts, or the system prevents the start."""

    is_on: bool
    trouble: str = ""


def starts_another(what: str) -> AutostartState:
    """Return the state "on, but for another copy, or for one that has been moved"."""
    return AutostartState(
        True, f"Another copy of t3tray, or one that has moved, is set to start: {what}. Turn it off and on to start this one."
    )


def kept_off(who: str) -> AutostartState:
    return AutostartState(False, f"{who} keeps t3tray from starting. Turn it on again here, or there.")


def unreadable(why: object) -> AutostartState:
    return AutostartState(False, f"It cannot be said whether t3tray starts: {why}.")
