"""Where T3 Code keeps its data. A home has a state directory with one database that is live, and maybe one that is not."""

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
        """The file of the first orchestrator, and that of the second."""
        return self.state / "state.sqlite", self.state / "statev2.sqlite"

    @property
    def runtime_file(self) -> Path:
        """Says where T3 Code's own server runs, while it runs."""
        return self.state / "server-runtime.json"

    @property
    def environment_file(self) -> Path:
        return self.state / "environment-id"

    @property
    def provider_logs(self) -> Path:
        return self.state / "logs" / "provider"


def may_be_there(path: Path) -> bool:
    """Whether there is such a file or folder, or nobody can tell: whoever reads it then is told why it cannot be read."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def t3_homes(environ: Mapping[str, str], home: Path, further: Iterable[str] = ()) -> tuple[T3Home, ...]:
    """The homes to look at: T3CODE_HOME, else ~/.t3, and those that the settings name; each directory once."""
    first = environ.get(VARIABLE) or str(home / ".t3")
    found: list[Path] = []
    for path in (real_path(os.path.expanduser(path)) for path in (first, *further) if path):
        if not any(same_directory(str(path), str(known)) for known in found):
            found.append(path)
    return tuple(T3Home(path) for path in found)
