"""What t3tray found on this machine, and for each thing that is missing the one step to take."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class FoundProgram:
    """`path` is empty if there is none; `places` are then the places that were searched: none if the settings name a program
    that does not exist, as `trouble` says."""

    path: str = ""
    version: str = ""
    trouble: str = ""
    places: tuple[str, ...] = ()


@dataclass(frozen=True)
class FoundHome:
    """A home of T3 Code, present or not. `threads` counts all in it, `ours` those of OpenCode; `trouble` is why they cannot be
    read. `added_as` is its name in the settings, empty for the default home."""

    path: str
    is_there: bool = False
    runs: bool = False
    threads: int = 0
    ours: int = 0
    trouble: str = ""
    added_as: str = ""


@dataclass(frozen=True)
class Inventory:
    """`keyring` is the system's name for its keyring, empty without one. `vault` is the archive's size in bytes. `notices` is
    why the desktop shows no notifications: empty if it does, None if not checked."""

    program: FoundProgram
    homes: tuple[FoundHome, ...]
    keyring: str
    data: str
    vault: int
    notices: str | None = None


class ItemState(StrEnum):
    """FINE needs nothing; NOTED works in a limited way; MISSING needs the user."""

    FINE = "fine"
    NOTED = "noted"
    MISSING = "missing"


@dataclass(frozen=True)
class InventoryItem:
    """One item of the inventory. `advice` is the one thing to do; each of `commands` does it."""

    name: str
    standing: ItemState
    sentence: str
    advice: str = ""
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class AutostartState:
    """Whether t3tray starts at login, as the system has it configured now.

    `trouble` is a sentence where `is_on` is not the whole answer: another copy starts, or the system prevents the start.
    `is_ours` is false for an entry of another copy, and for one that cannot be read.
    """

    is_on: bool
    trouble: str = ""
    is_ours: bool = True
