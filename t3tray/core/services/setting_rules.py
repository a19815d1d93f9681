"""What a setting may be, before it is kept: the rules of its value (`domain.setting_limits`), and those that look at files.

Its sentences stand beside a field. It looks at files, and changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import msgspec

from t3tray.core.domain.setting_limits import STATE, trouble_with
from t3tray.core.domain.settings import Settings
from t3tray.core.errors import BadValue, BinaryNotFound, UsageError
from t3tray.core.opencode.binary import find_binary
from t3tray.core.system.environment import SERVER_URL_VARIABLE


def changed(settings: Settings, name: str, value: object) -> Settings:
    """The same with this one set. Raises UsageError when there is no such setting, or it is not made of such values."""
    if name not in asdict(settings):
        raise UsageError(f"There is no setting called {name}.", "`t3tray settings` shows them all.")
    try:
        return msgspec.convert(asdict(settings) | {name: value}, Settings)
    except (msgspec.ValidationError, OverflowError) as error:
        raise BadValue(f"{name} cannot be {value!r}.") from error


def check(settings: Settings, name: str) -> None:
    """Whether this one can be gone by. Raises BadValue, in a sentence for people. May look at files: for a worker thread."""
    value = getattr(settings, name)
    if trouble := trouble_with(name, value):
        raise BadValue(trouble)
    rule = _RULES.get(name)
    if rule:
        rule(value)


def refuse_bad_address(environment: Mapping[str, str]) -> None:
    """Raises UsageError when the server that the environment names for this process can be none.

    What stands there is not repeated: there may be a password in it.
    """
    if trouble := trouble_with("server_url", environment.get(SERVER_URL_VARIABLE, "")):
        hidden = trouble if trouble[0] != "“" else "It is not an address."
        raise UsageError(f"{SERVER_URL_VARIABLE} cannot be used. {hidden}", "Give an address such as http://127.0.0.1:4096.")


def refuse_state(name: str) -> None:
    """Raises UsageError for what is shown among the settings and is none: it is changed by a command of its own."""
    if name in STATE:
        raise UsageError(f"{name} cannot be set by itself.", STATE[name])


def _check_program(path: str) -> None:
    if not path:
        return
    try:
        find_binary(path, {}, Path.home())
    except BinaryNotFound as error:
        # The rest of its message says where the setting came from, which is known here.
        raise BadValue(f"There is no program that can be run at {path}.", error.hint) from error


def _check_homes(homes: tuple[str, ...]) -> None:
    for home in homes:
        if not Path(os.path.expanduser(home)).is_absolute():
            raise BadValue(f"{home} is not a full path.")
        if not Path(os.path.expanduser(home)).is_dir():
            raise BadValue(f"There is no folder {home}.")


_RULES: dict[str, Callable[..., None]] = {"opencode_path": _check_program, "t3_homes": _check_homes}
