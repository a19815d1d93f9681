"""Sentences on versions of OpenCode that t3tray cannot work with, or that lack an ability."""

from __future__ import annotations

from t3tray.domain.versions import MINIMUM, NEXT, SINCE, Ability, minimum, numbers_of

HINT = "Bring it up to date with `opencode upgrade`, or name another program: `t3tray settings opencode_path PATH`."


HINT_NEXT = "Name an OpenCode 1 program: `t3tray settings opencode_path PATH`; `npm install -g opencode-ai@1` brings one."


_DOES = {Ability.MOVE_SESSION: "move a session to another folder", Ability.OPENCODE2_MESSAGES: "tell what OpenCode 2 holds"}


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


def lacking(ability: Ability, version: str) -> str:
    """Return the sentence for a server that lacks the ability."""
    since = ".".join(map(str, SINCE[ability][:2]))
    return f"OpenCode {version} cannot {_DOES[ability]}; OpenCode {since} or newer can."
