"""A folder of ours in which OpenCode unpacks its bundled libraries.

OpenCode's runtime (Bun) writes them again at every start and never removes them: 5 MB each time, until the disk for temporary
files is full (OpenCode's issue 21427).
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_VARIABLE = "BUN_TMPDIR"
_log = logging.getLogger(__name__)


def with_unpack_folder(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with `folder`, which is created, as OpenCode's folder to unpack in; a user's own value is kept."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        _log.warning("OpenCode unpacks its libraries in the default folder: %s cannot be created (%s).", folder, error)
        return dict(environment)
    return {_VARIABLE: str(folder), **environment}


def remove_unpacked(folder: Path) -> int:
    """Remove what earlier servers unpacked, and return the number of bytes freed. On Windows files that are open stay until the
    next call."""
    before = _size(folder)
    shutil.rmtree(folder, ignore_errors=True)
    return before - _size(folder)


def _size(folder: Path) -> int:
    found = 0
    for place, _, files in os.walk(folder):
        for name in files:
            with suppress(OSError):
                found += Path(place, name).lstat().st_size
    return found
