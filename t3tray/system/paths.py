"""Where our files lie. It makes no folder, and opens none."""

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
# Who owns what belongs to nobody that a container knows of.
_OVERFLOW = 65_534


def data_directory(explicit: str | None, environment: Mapping[str, str]) -> Path:
    """The data folder, absolute: what was given, else what the environment says, else the user's own place for data.

    Raises UsageError as `whole_path` does and for what is not UTF-8, Refused for root in another user's folder.
    """
    chosen = explicit or environment.get(VARIABLE)
    if NotUtf8.applies_to(chosen or ""):
        raise NotUtf8(chosen or "")
    data = whole_path(chosen) if chosen else usual_data_directory()
    _refuse_root_in_anothers(data)
    return data


def whole_path(named: str) -> Path:
    """What the user named, with `~` and the folder that we were started in filled in.

    Raises UsageError for a `~name` that nobody has, and where that folder is gone.
    """
    try:
        return Path(named).expanduser().absolute()
    except RuntimeError as error:
        raise UsageError(f"There is no user {named.split('/')[0]} on this machine.") from error
    except FileNotFoundError as error:
        raise UsageError(f"“{named}” leads on from this folder, which is gone.", "Write the whole path.") from error


def real_path(path: str | Path) -> Path:
    """Without links, as far as they can be followed; as it is named where it leads on from a folder that is gone."""
    try:
        # `Path.resolve` raises an error where a link leads in a circle.
        return Path(os.path.realpath(path))
    except OSError:
        return Path(path)


def close_own_folder(data: Path) -> None:
    """Leave our usual folder to its owner alone, whoever made it. Another folder, which the user named, stays as it was wanted;
    so does one that is not ours to change."""
    if data != usual_data_directory() or sys.platform == "win32":
        return
    # One that cannot even be looked at is told by whoever opens the store in it.
    with suppress(OSError):
        if stat.S_IMODE(data.stat().st_mode) & 0o077:
            data.chmod(0o700)


def log_directory(data: Path) -> Path:
    """Where logs go: the user's place for logs, or inside the data folder when that is another than usual."""
    if data != usual_data_directory():
        return data / "logs"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Logs" / _NAME
    if sys.platform == "win32":
        import platformdirs

        return platformdirs.user_log_path(_NAME, appauthor=False)
    return _of_user("XDG_STATE_HOME", ".local/state") / "log"


def is_usual(data: Path) -> bool:
    """Whether this data folder is used where none is named."""
    return data == usual_data_directory() and VARIABLE not in os.environ


def usual_data_directory() -> Path:
    """The user's own place for data. On macOS whatever XDG_DATA_HOME says: a shell has it and Finder has not, and the data would
    lie in two places."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / _NAME
    if sys.platform == "win32":
        import platformdirs

        return platformdirs.user_data_path(_NAME, appauthor=False)
    return _of_user("XDG_DATA_HOME", ".local/share")


def _of_user(variable: str, usual: str) -> Path:
    """Our folder in one of XDG's. platformdirs does the same, but loads for it what the icon would have to wait for (8 ms)."""
    named = os.environ.get(variable, "")
    return (Path(named) if Path(named).is_absolute() else _home() / usual) / _NAME


def _home() -> Path:
    """Raises RuntimeError where the user has none."""
    if sys.platform != "win32" and not Path(os.environ.get("HOME", "/")).is_absolute():
        import pwd

        with suppress(KeyError):
            return Path(pwd.getpwuid(os.getuid()).pw_dir)
    return Path.home()


def _refuse_root_in_anothers(data: Path) -> None:
    """What root writes there (by `sudo t3tray …`) the user could neither read nor replace any more. Raises Refused."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return
    for folder in (data, *data.parents):
        with suppress(OSError):
            owner = folder.stat().st_uid
            if owner not in (0, _OVERFLOW):
                name = _name_of(owner)
                raise Refused(
                    f"t3tray was started as root, and {folder} belongs to {name}, whom what root writes there would lock out.",
                    f"Start it as {name}. Where root has written already: chown -R {name} {data}",
                )


def _name_of(user: int) -> str:
    if sys.platform == "win32":
        return str(user)
    import pwd

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
