"""An update replaces the program's files while it runs.

A packaged program imports from its own file, and what it has not imported by then it can no longer import.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path

import t3tray
from t3tray.errors import WorldError
from t3tray.messages.trouble import not_started_again
from t3tray.system.autostart import own_command

_log = logging.getLogger(__name__)
# Alembic loads the migrations as files, all of them when the store is opened.
_NEVER = ("t3tray.__main__", "t3tray.store.migrations")
_NEEDS_QT = ("t3tray.app", "t3tray.ui")
# Back ends of the keyring for one system alone.
_FOREIGN = {"macOS": "darwin", "Windows": "win32"}


class OwnProgram:
    """The file that an update replaces: the packaged program, otherwise the package's own module. `stat` blocks briefly."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or Path(sys.executable if is_packaged() else t3tray.__file__)
        self._identity = _identity(self.path)

    def is_replaced(self) -> bool:
        """Return whether another file is in its place; False while there is none, as for a moment during an update."""
        found = _identity(self.path)
        return None not in (found, self._identity) and found != self._identity


def is_packaged() -> bool:
    return bool(getattr(sys, "frozen", False))


def start_again(words: Sequence[str], environment: Mapping[str, str]) -> None:
    """Start the program that is in this one's place now, on its own: it outlives this process. Raises WorldError."""
    command = [*own_command(environment, Path(sys.argv[0]), Path(sys.executable), is_packaged()), *words]
    nowhere = subprocess.DEVNULL
    try:
        subprocess.Popen(
            command, env=environment, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=sys.platform != "win32"
        )
    except OSError as error:
        raise WorldError(not_started_again(str(error)), "Start t3tray yourself.") from error


def import_everything() -> None:
    """Import what this process may need later: 12 MB and 0.2 s of CPU for t3tray, as much again for the keyring. Blocks."""
    has_qt = "PySide6.QtWidgets" in sys.modules
    for name in (*_modules(t3tray.__path__, "t3tray.", has_qt), *_keyring_backends()):
        try:
            importlib.import_module(name)
        except ImportError as error:
            # For another system, or the program is replaced by now.
            _log.info("%s was not imported ahead: %s", name, error)


def _modules(folders: list[str], prefix: str, has_qt: bool) -> Iterator[str]:
    for found in pkgutil.iter_modules(folders, prefix):
        if found.name in _NEVER or (found.name in _NEEDS_QT and not has_qt):
            continue
        yield found.name
        if found.ispkg:
            yield from _modules(list(importlib.import_module(found.name).__path__), f"{found.name}.", has_qt)


def _keyring_backends() -> list[str]:
    found = entry_points(group="keyring.backends")
    return ["keyring", *(entry.module for entry in found if _FOREIGN.get(entry.name, sys.platform) == sys.platform)]


def _identity(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
