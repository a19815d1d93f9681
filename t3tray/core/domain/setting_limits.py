"""What each setting may be, as far as the value alone tells: the rules that hold when it is set and when it is read again.

Pure. A rule returns what is wrong with a value as a sentence, empty where it may be used. Rules that look at files are in
`services.setting_rules`: a program that is gone is no reason to forget what was set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import time
from urllib.parse import urlsplit

from t3tray.core.domain.controls import has_controls

Rule = Callable[[object], str]

LOWEST_PORT, HIGHEST_PORT = 1024, 65_535
_WEEK = 7 * 24 * 60  # minutes
_TERABYTE = 1_000_000  # MB
_LONGEST_CARRIED = 10_000_000  # characters: more than any model reads


def trouble_with(name: str, value: object) -> str:
    """What is wrong with this value of the setting, as a sentence; empty where it may be used."""
    return RULES[name](value)


def _whole(lowest: int, highest: int, unit: str, off: bool = False, hint: str = "") -> Rule:
    """A whole number within bounds; `off`: or 0, which turns it off or leaves the choice to t3tray."""
    unit = f" {unit}" if unit else ""
    wanted = f"{'0, or ' if off else ''}{lowest:,} to {highest:,}{unit}"

    def rule(value: object) -> str:
        fits = isinstance(value, int) and (lowest <= value <= highest or (off and value == 0))
        return "" if fits else " ".join(filter(None, (f"Must be {wanted}.", hint)))

    return rule


def _one_of(*values: str) -> Rule:
    def rule(value: object) -> str:
        return "" if value in values else f"Choose {', '.join(values[:-1])} or {values[-1]}."

    return rule


def _port(value: object) -> str:
    fits = isinstance(value, int) and (value == 0 or LOWEST_PORT <= value <= HIGHEST_PORT)
    return "" if fits else f"A port is between {LOWEST_PORT} and {HIGHEST_PORT}; 0 means any free one."


def _address(value: object) -> str:
    if not value:
        return ""
    try:
        parts = urlsplit(str(value))
        port = parts.port
    except ValueError:
        return f"“{value}” is not an address."
    if parts.scheme not in ("http", "https") and "//" not in str(value):
        return "The http:// or https:// before it is missing."
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "An address begins with http:// or https://, and names a host."
    if port == 0:
        return "A port is between 1 and 65535."
    if parts.username or parts.password:
        return "A user and a password do not belong in an address: give them beside it."
    return ""


def _time_of_day(value: object) -> str:
    if not value:
        return ""
    try:
        told = time.fromisoformat(str(value))
    except ValueError:
        told = None
    return f"Must be a time as in 22:30, not “{value}”." if told is None or told.tzinfo is not None else ""


def _plain_text(value: object) -> str:
    texts = value if isinstance(value, tuple) else (value,)
    bad = any(has_controls(str(text)) for text in texts)
    return "It holds characters that cannot be shown." if bad else ""


def _switch(value: object) -> str:
    return "" if isinstance(value, bool) else "Must be true or false."


_MINUTES = _whole(1, _WEEK, "minutes")

RULES: Mapping[str, Rule] = {
    "opencode_path": _plain_text,
    "server_url": _address,
    "server_user": _plain_text,
    "server_password_place": _one_of("", "file", "keyring"),
    "server_port": _port,
    "server_with_app": _switch,
    "terminal": _plain_text,
    "t3_homes": _plain_text,
    "t3_idle_minutes": _MINUTES,
    "t3_sweep_minutes": _MINUTES,
    "stop_idle_minutes": _whole(1, _WEEK, "minutes", off=True),
    "carry_characters": _whole(1_000, _LONGEST_CARRIED, "characters"),
    "t3_repair": _switch,
    "vault": _switch,
    "vault_megabytes": _whole(1, _TERABYTE, "MB", hint="To keep nothing, turn the vault off."),
    "guard": _switch,
    "guard_port": _port,
    "guard_secret_place": _one_of("", "file", "keyring"),
    "appearance": _one_of("system", "light", "dark"),
    "tray_icon": _one_of("auto", "light", "dark"),
    **{f"notice_{what}": _switch for what in ("turn", "approval", "question", "blocked", "switch", "guard", "server", "reap")},
    "quiet_from": _time_of_day,
    "quiet_until": _time_of_day,
}

# What t3tray keeps for itself beside the settings, and how it is changed. It is shown with them, and never set by name.
STATE: Mapping[str, str] = {
    "guard": "Use `t3tray guard on` or `t3tray guard off`: they change T3 Code's settings with it.",
    "server_password_place": "Set the password in the window's Settings, or give OPENCODE_SERVER_PASSWORD to the process.",
    "guard_port": "t3tray chooses it when the guard is first used, and T3 Code's settings name it from then on.",
    "guard_secret_place": "t3tray chooses it when the guard is first used.",
}
