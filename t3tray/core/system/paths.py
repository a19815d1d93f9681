"""Where our files lie. It makes no folder, and opens none."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import platformdirs

VARIABLE = "T3TRAY_DATA_DIR"
_NAME = "t3tray"


def data_directory(explicit: str | None, environment: Mapping[str, str]) -> Path:
    """The data folder, absolute: what was given, else what the environment says, else the user's own place for data."""
    chosen = explicit or environment.get(VARIABLE)
    return Path(chosen).expanduser().absolute() if chosen else _usual()


def close_own_folder(data: Path) -> None:
    """Leave our usual folder to its owner alone, whoever made it. Another folder, which the user named, stays as it was wanted;
    so does one that is not ours to change."""
    if data != _usual() or sys.platform == "win32":
        return
    with suppress(FileNotFoundError, PermissionError):
        if stat.S_IMODE(data.stat().st_mode) & 0o077:
            data.chmod(0o700)


def log_directory(data: Path) -> Path:
    """Where logs go: the user's place for logs, or inside the data folder when that is another than usual."""
    return platformdirs.user_log_path(_NAME, appauthor=False) if data == _usual() else data / "logs"


def is_usual(data: Path) -> bool:
    """Whether this data folder is used where none is named."""
    return data == _usual() and VARIABLE not in os.environ


def _usual() -> Path:
    return platformdirs.user_data_path(_NAME, appauthor=False)
