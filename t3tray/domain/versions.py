"""Versions of OpenCode that t3tray works with, and what each of them can do."""

from __future__ import annotations

import re
from enum import StrEnum

# Older ones run a turn in the server's folder, or accept a prompt for a session that does not exist.
MINIMUM = (1, 15, 13)
NEXT = 2
_NUMBERS = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")


class Ability(StrEnum):
    """An ability that not every supported version has."""

    MOVE_SESSION = "move-session"
    OPENCODE2_MESSAGES = "opencode2-messages"


SINCE = {Ability.MOVE_SESSION: (1, 17, 0), Ability.OPENCODE2_MESSAGES: (1, 17, 0)}


def numbers_of(version: str) -> tuple[int, int, int] | None:
    """Return the version as numbers; None if it has none, as a development build."""
    found = _NUMBERS.match(version)
    if found is None:
        return None
    numbers = (int(found[1]), int(found[2]), int(found[3] or 0))
    return numbers if any(numbers) else None


def minimum() -> str:
    return ".".join(map(str, MINIMUM))


def abilities_of(version: str) -> frozenset[Ability]:
    """Return a version's abilities. A version without numbers is expected to have all: it is built from the newest source."""
    numbers = numbers_of(version)
    return frozenset(ability for ability, since in SINCE.items() if numbers is None or numbers >= since)


def can(ability: Ability, version: str) -> bool | None:
    """Whether a server of this version has the ability; None if the version is unknown."""
    return ability in abilities_of(version) if version else None
