"""Locations of t3tray's files. Creates and opens no folder."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from t3tray.errors import NotUtf8, Refused, UsageError

VARIABLE = "T3TRAY_DATA_DIR"
_NAME = "t3tray"
# Owner of files whose user is unknown inside a container.
_OVERFLOW = 65_534


def data_directory(explicit: str | None, environment: Mapping[str, str]) -> Path:
    """Return the absolute data folder: `explicit`, otherwise the environment's, otherwise the user's default one.

    Raises UsageError like `whole_path` and for a path that is not UTF-8, Refused for root in another user's folder.
    """
    chosen = explicit or environment.get(VARIABLE)
    if NotUtf8.applies_to(chosen or ""):
        raise NotUtf8(chosen or "")
    data = whole_path(chosen) if chosen else usual_data_directory()
    _refuse_root_in_anothers(data)
    return data


def whole_path(named: str) -> Path:
    """Return the absolute path of what the user named, with `~` expanded.

    Raises UsageError for an unknown `~name`, and when the current folder is gone.
    """
    try:
        return Path(named).expanduser().absolute()
    except RuntimeError as error:
        raise UsageError(f"There is no user {named.split('/')[0]} on this machine.") from error
    except FileNotFoundError as error:
        raise UsageError(f"“{named}” is relative to the current folder, which is gone.", "Use a full path.") from error


def real_path(path: str | Path) -> Path:
    """Return the path with links resolved where possible; unchanged where it is relative to a folder that is gone."""
    try:
        # `Path.resolve` raises an error for circular links.
        return Path(os.path.realpath(path))
    except OSError:
        return Path(path)


def close_own_folder(data: Path) -> None:
    """Make our default folder accessible to its owner only. Another folder that the user named is not changed, nor is one that we
    may not change."""
    if data != usual_data_directory() or sys.platform == "win32":
        return
    # An inaccessible folder is reported when the store is opened.
    with suppress(OSError):
        if stat.S_IMODE(data.stat().st_mode) & 0o077:
            data.chmod(0o700)


def log_directory(data: Path) -> Path:
    """Return the folder of logs: the user's default one, or inside a data folder that is not the default."""
    if data != usual_data_directory():
        return data / "logs"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Logs" / _NAME
    if sys.platform == "win32":
        import platformdirs

        return platformdirs.user_log_path(_NAME, appauthor=False)
    return _of_user("XDG_STATE_HOME", ".local/state") / "log"


def is_usual(data: Path) -> bool:
    """Return whether this is the data folder that is used without --data-dir."""
    return data == usual_data_directory() and VARIABLE not in os.environ


def usual_data_directory() -> Path:
    """Return the user's default data folder. On macOS XDG_DATA_HOME is ignored: it is set in shells but not for apps started by
    Finder, so the data would be in two places."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / _NAME
    if sys.platform == "win32":
        import platformdirs

        return platformdirs.user_data_path(_NAME, appauthor=False)
    return _of_user("XDG_DATA_HOME", ".local/share")


def _of_user(variable: str, usual: str) -> Path:
    """Return our folder in one of XDG's. platformdirs does the same, but its import would delay the icon by 8 ms."""
    named = os.environ.get(variable, "")
    return (Path(named) if Path(named).is_absolute() else _home() / usual) / _NAME


def _home() -> Path:
    """Return the user's home. Raises RuntimeError where there is none."""
    if sys.platform != "win32" and not Path(os.environ.get("HOME", "/")).is_absolute():
        import pwd

        with suppress(KeyError):
            return Path(pwd.getpwuid(os.getuid()).pw_dir)
    return Path.home()


def _refuse_root_in_anothers(data: Path) -> None:
    """Raises Refused for root in another user's folder: files written by `sudo t3tray …` would be inaccessible to the user."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return
    for folder in (data, *data.parents):
        with suppress(OSError):
            owner = folder.stat().st_uid
            if owner not in (0, _OVERFLOW):
                name = _name_of(owner)
                raise Refused(
                    f"t3tray was started as root, but {folder} belongs to {name}, who could not use files created by root.",
                    f"Start it as {name}. If root has created files already: chown -R {name} {data}",
                )


def _name_of(user: int) -> str:
    if sys.platform == "win32":
        return str(user)
    import pwd

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
