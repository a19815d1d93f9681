"""What t3tray writes into its data folder and its log folder, with sizes, and its removal. Only names of ours: the folder may be
one that the user named, with other files in it.

Blocking: call it in worker threads.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from t3tray.errors import WorldError
from t3tray.messages.own_items import cannot_be_removed
from t3tray.system.paths import log_directory

# A folder without it is no data folder of ours.
_DATABASE = "t3tray.sqlite"
_NAMES = (
    f"{_DATABASE}*",
    "archive.sqlite*",
    "journal.jsonl*",
    "opencode-database.json*",
    "window.ini*",
    "attach-*.command",
    "backups",
    "guard",
    "secrets",
    "shells",
    "t3code-copies",
    "unpacked",
    "vault",
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
    found = [path for name in _NAMES for path in data.glob(name)] + [path for name in _LOGS for path in logs.glob(name)]
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


def _sizes(path: Path) -> Iterator[int]:
    with suppress(OSError):
        if path.is_symlink() or not path.is_dir():
            yield path.lstat().st_size
        else:
            for inner in path.iterdir():
                yield from _sizes(inner)
