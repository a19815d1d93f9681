"""T3 Code's data directories. A home has a state directory with one live database, and possibly an unused one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from t3tray.system.folders import same_directory
from t3tray.system.paths import real_path

VARIABLE = "T3CODE_HOME"


@dataclass(frozen=True)
class T3Home:
    """One base directory of T3 Code; it need not exist."""

    base: Path

    @property
    def state(self) -> Path:
        return self.base / "userdata"

    @property
    def databases(self) -> tuple[Path, Path]:
        """The database files of the first and the second orchestrator."""
        return self.state / "state.sqlite", self.state / "statev2.sqlite"

    @property
    def runtime_file(self) -> Path:
        """The file with the address of T3 Code's own server, which exists while it is running."""
        return self.state / "server-runtime.json"

    @property
    def environment_file(self) -> Path:
        return self.state / "environment-id"

    @property
    def provider_logs(self) -> Path:
        return self.state / "logs" / "provider"


def may_be_there(path: Path) -> bool:
    """Return whether the path exists or cannot be checked; in that case reading it will report the reason."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def t3_homes(environ: Mapping[str, str], home: Path, further: Iterable[str] = ()) -> tuple[T3Home, ...]:
    """Return the homes to read: T3CODE_HOME or otherwise ~/.t3, and those in the settings; each directory once."""
    first = environ.get(VARIABLE) or str(home / ".t3")
    found: list[Path] = []
    for path in (real_path(os.path.expanduser(path)) for path in (first, *further) if path):
        if not any(same_directory(str(path), str(known)) for known in found):
            found.append(path)
    return tuple(T3Home(path) for path in found)
