"""What a setting may be: the one place that judges a value before it is kept, for the window and the command line alike.

Its sentences stand beside a field. It looks at files, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import time
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from t3tray.core.errors import BinaryNotFound, UsageError
from t3tray.core.opencode.binary import find_binary
from t3tray.core.store.settings import Settings

_LOWEST_PORT, _HIGHEST_PORT = 1024, 65_535


def changed(settings: Settings, name: str, value: object) -> Settings:
    """The same with this one set. Raises UsageError when there is no such setting, or it is not made of such values."""
    if name not in asdict(settings):
        raise UsageError(f"There is no setting called {name}.", "`t3tray settings` shows them all.")
    try:
        return msgspec.convert(asdict(settings) | {name: value}, Settings)
    except msgspec.ValidationError as error:
        raise UsageError(f"{name} cannot be {value!r}.") from error


def check(settings: Settings, name: str) -> None:
    """Whether this one can be gone by. Raises UsageError, in a sentence for people. May look at files: for a worker thread."""
    value = getattr(settings, name)
    if isinstance(value, int) and value < 0:
        raise UsageError("It cannot be less than nothing.")
    rule = _RULES.get(name)
    if rule:
        rule(value)


def _check_program(path: str) -> None:
    if not path:
        return
    try:
        find_binary(path, {}, Path.home())
    except BinaryNotFound as error:
        # The rest of its message says where the setting came from, which is known here.
        raise UsageError(f"There is no program that can be run at {path}.", error.hint) from error


def _check_address(url: str) -> None:
    parts = urlsplit(url)
    if not url:
        return
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("An address begins with http:// or https://, and names a host.")
    if parts.username or parts.password:
        raise UsageError("A password does not belong here: give it in OPENCODE_SERVER_PASSWORD.")


def _check_port(port: int) -> None:
    if port and not _LOWEST_PORT <= port <= _HIGHEST_PORT:
        raise UsageError(f"A port is between {_LOWEST_PORT} and {_HIGHEST_PORT}.")


def _check_homes(homes: tuple[str, ...]) -> None:
    for home in homes:
        if not Path(home).expanduser().is_absolute():
            raise UsageError(f"{home} is not a full path.")
        if not Path(home).expanduser().is_dir():
            raise UsageError(f"There is no folder {home}.")


def _check_minutes(minutes: int) -> None:
    if minutes < 1:
        raise UsageError("It is one minute at least.")


def _one_of(*values: str) -> Callable[[str], None]:
    def check_value(value: str) -> None:
        if value not in values:
            raise UsageError(f"It is {', '.join(values[:-1])} or {values[-1]}.")

    return check_value


def _check_megabytes(megabytes: int) -> None:
    if megabytes < 1:
        raise UsageError("It is one megabyte at least. To keep nothing, turn the vault off.")


def _check_time(text: str) -> None:
    if not text:
        return
    try:
        told = time.fromisoformat(text)
    except ValueError:
        told = None
    if told is None or told.tzinfo is not None:
        raise UsageError(f"It is a time as in 22:30, not “{text}”.")


_RULES: dict[str, Callable[..., None]] = {
    "opencode_path": _check_program,
    "server_url": _check_address,
    "server_port": _check_port,
    "t3_homes": _check_homes,
    "t3_idle_minutes": _check_minutes,
    "t3_sweep_minutes": _check_minutes,
    "vault_megabytes": _check_megabytes,
    "appearance": _one_of("system", "light", "dark"),
    "tray_icon": _one_of("auto", "light", "dark"),
    "quiet_from": _check_time,
    "quiet_until": _check_time,
}
