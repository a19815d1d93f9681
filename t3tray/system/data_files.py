"""What t3tray writes into its data folder and its log folder, with sizes, and its removal. Only names of ours: the folder may be
one that the user named, with other files in it.

Blocking: call it in worker threads.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from t3tray.errors import WorldError
from t3tray.messages.own_items import cannot_be_removed
from t3tray.system.paths import log_directory
from t3tray.system.regular_file import read_regular
from t3tray.system.secrets import SECRET_FILE

# A folder without it is no data folder of ours.
_DATABASE = "t3tray.sqlite"
# Folders that somebody else may have by these names, and the names that we write into each.
_FOLDERS = {
    "backups": re.compile(r"t3tray-.*\.sqlite.*"),
    "guard": re.compile(r"[0-9a-f]{12}\..*"),
    "secrets": SECRET_FILE,
    "shells": re.compile(r"[\w-]+(\.[0-9a-f]{8}\.part)?"),
    "vault": re.compile(r"ses_[\w-]+|opening\.lock.*"),
}
# In each script of ours in `shells`.
_SHELL_MARK = b"--t3tray-can-run"
_NAMES = (
    f"{_DATABASE}*",
    "archive.sqlite*",
    "journal.jsonl*",
    "opencode-database.json*",
    "window.ini*",
    "attach-*.command",
    *_FOLDERS,
    "t3code-copies",
    "unpacked",
    "vault.removed",
    "archive.lock*",
    "guard.lock",
    "keyring.lock",
    "opening.lock*",
    "tray.lock",
)
_LOGS = ("t3tray.log*", "opencode-serve.log*")


def data_files(data: Path) -> dict[Path, int]:
    """Return our files and folders in a data folder and its log folder, with their sizes in bytes. Empty where there are none."""
    if not any(data.glob(f"{_DATABASE}*")):
        return {}
    logs = log_directory(data)
    found = [each for name in _NAMES for path in data.glob(name) for each in _ours(path)]
    found += [path for name in _LOGS for path in logs.glob(name)]
    return {path: sum(_sizes(path)) for path in sorted(dict.fromkeys(found))}


def remove_data(path: Path) -> None:
    """Remove one file or folder, and the folder that it was in when that is empty then. Raises WorldError."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise WorldError(cannot_be_removed(path, error)) from error
    # Other files are in it.
    with suppress(OSError):
        path.parent.rmdir()


def _ours(path: Path) -> list[Path]:
    """Return the folder or file as a whole, or of a folder what is ours in it, if it has anything else."""
    wanted = _FOLDERS.get(path.name)
    if wanted is None or path.is_symlink() or not path.is_dir():
        return [path]
    inner = list(path.iterdir())
    ours = [each for each in inner if wanted.fullmatch(each.name) and (path.name != "shells" or _is_our_shell(each))]
    return [path] if len(ours) == len(inner) else ours


def _is_our_shell(path: Path) -> bool:
    try:
        return _SHELL_MARK in read_regular(path)
    except OSError:
        return False


def _sizes(path: Path) -> Iterator[int]:
    with suppress(OSError):
        if path.is_symlink() or not path.is_dir():
            yield path.lstat().st_size
        else:
            for inner in path.iterdir():
                yield from _sizes(inner)
