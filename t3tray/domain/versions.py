"""Versions of OpenCode that t3tray works with, and what each of them can do."""

from __future__ import annotations

import re
from enum import StrEnum

# Older ones run a turn in the server's folder, or accept a prompt for a session that does not exist.
MINIMUM = (1, 15, 13)
NEXT = 2
_NUMBERS = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")
HINT = "Bring it up to date with `opencode upgrade`, or name another program: `t3tray settings opencode_path PATH`."
HINT_NEXT = "Name an OpenCode 1 program: `t3tray settings opencode_path PATH`; `npm install -g opencode-ai@1` brings one."


class Ability(StrEnum):
    """An ability that not every supported version has."""

    MOVE_SESSION = "move-session"
    OPENCODE2_MESSAGES = "opencode2-messages"


_DOES = {Ability.MOVE_SESSION: "move a session to another folder", Ability.OPENCODE2_MESSAGES: "tell what OpenCode 2 holds"}
_SINCE = {Ability.MOVE_SESSION: (1, 17, 0), Ability.OPENCODE2_MESSAGES: (1, 17, 0)}


def numbers_of(version: str) -> tuple[int, int, int] | None:
    """Return the version as numbers; None if it has none, as a development build."""
    found = _NUMBERS.match(version)
    if found is None:
        return None
    numbers = (int(found[1]), int(found[2]), int(found[3] or 0))
    return numbers if any(numbers) else None


def minimum() -> str:
    return ".".join(map(str, MINIMUM))


def trouble_with_version(version: str, program: str = "") -> tuple[str, str]:
    """Return why t3tray cannot work with this version, and what to do; empty if it can, or the version is unknown.

    `program` is its path, empty if only its server is known.
    """
    numbers = numbers_of(version)
    if numbers is None or (numbers[0] == 1 and numbers >= MINIMUM):
        return "", ""
    if numbers[0] >= NEXT:
        return opencode2_sentence(version, program), HINT_NEXT
    at = f" ({program})" if program else ""
    return f"OpenCode {version}{at} is too old: t3tray needs OpenCode {minimum()} or a newer 1.x.", HINT


def opencode2_sentence(version: str, place: str) -> str:
    """`place` is the program's path or the server's address. Either argument may be empty."""
    known = ", ".join(filter(None, (version, place)))
    return f"This is OpenCode 2{f' ({known})' if known else ''}, and t3tray works with OpenCode {minimum()} or a newer 1.x."


def abilities_of(version: str) -> frozenset[Ability]:
    """Return a version's abilities. A version without numbers is expected to have all: it is built from the newest source."""
    numbers = numbers_of(version)
    return frozenset(ability for ability, since in _SINCE.items() if numbers is None or numbers >= since)


def can(ability: Ability, version: str) -> bool | None:
    """Whether a server of this version has the ability; None if the version is unknown."""
    return ability in abilities_of(version) if version else None


def lacking(ability: Ability, version: str) -> str:
    """Return the sentence for a server that lacks the ability."""
    since = ".".join(map(str, _SINCE[ability][:2]))
    return f"OpenCode {version} cannot {_DOES[ability]}; OpenCode {since} or newer can."
