"""Which versions of OpenCode t3tray works with, and what each of them can do. The only place where that is said."""

from __future__ import annotations

import re
from enum import StrEnum

# Older ones run a turn in the server's folder, or take a prompt to a session that is not there.
MINIMUM = (1, 15, 13)
NEXT = 2
_NUMBERS = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")
HINT = "Bring it up to date with `opencode upgrade`, or name another program: `t3tray settings opencode_path PATH`."
HINT_NEXT = "Name an OpenCode 1 program: `t3tray settings opencode_path PATH`; `npm install -g opencode-ai@1` brings one."


class Ability(StrEnum):
    """What a server can do that not every supported version can."""

    MOVE_SESSION = "move-session"
    OPENCODE2_MESSAGES = "opencode2-messages"


_DOES = {Ability.MOVE_SESSION: "move a session to another folder", Ability.OPENCODE2_MESSAGES: "tell what OpenCode 2 holds"}
_SINCE = {Ability.MOVE_SESSION: (1, 17, 0), Ability.OPENCODE2_MESSAGES: (1, 17, 0)}


def numbers_of(version: str) -> tuple[int, int, int] | None:
    """The version as numbers; None for one that has none, as a development build's."""
    found = _NUMBERS.match(version)
    if found is None:
        return None
    told = (int(found[1]), int(found[2]), int(found[3] or 0))
    return told if any(told) else None


def minimum() -> str:
    return ".".join(map(str, MINIMUM))


def trouble_with_version(version: str, program: str = "") -> tuple[str, str]:
    """Why t3tray cannot work with this version, as a sentence, and what to do; empty where it can, or none is known.

    `program` is its path, empty where only its server is known.
    """
    numbers = numbers_of(version)
    if numbers is None or (numbers[0] == 1 and numbers >= MINIMUM):
        return "", ""
    if numbers[0] >= NEXT:
        return opencode2_sentence(version, program), HINT_NEXT
    at = f" ({program})" if program else ""
    return f"OpenCode {version}{at} is too old: t3tray needs OpenCode {minimum()} or a newer 1.x.", HINT


def opencode2_sentence(version: str, place: str) -> str:
    """`place` is the program's path or the server's address; either may be empty."""
    known = ", ".join(filter(None, (version, place)))
    return f"This is OpenCode 2{f' ({known})' if known else ''}, and t3tray works with OpenCode {minimum()} or a newer 1.x."


def abilities_of(version: str) -> frozenset[Ability]:
    """What a server of this version can do. Of one without numbers everything is expected: it is built from the newest source."""
    numbers = numbers_of(version)
    return frozenset(ability for ability, since in _SINCE.items() if numbers is None or numbers >= since)


def can(ability: Ability, version: str) -> bool | None:
    """Whether a server of this version can do it; None where no version is known."""
    return ability in abilities_of(version) if version else None


def lacking(ability: Ability, version: str) -> str:
    """What is said where a server cannot do it."""
    since = ".".join(map(str, _SINCE[ability][:2]))
    return f"OpenCode {version} cannot {_DOES[ability]}; OpenCode {since} or newer can."
