"""Where OpenCode unpacks the libraries that it carries: into a folder of ours.

The runtime that OpenCode is built with writes them anew at every start and never takes them away: 5 MB each time, until the disk
for temporary files is full (OpenCode's issue 21427).
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


def unpacking_in(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """This environment, so that OpenCode unpacks in the folder, which is made; where the user named another, into that."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        _log.warning("OpenCode unpacks its libraries where it always does: %s cannot be made (%s).", folder, error)
        return dict(environment)
    return {_VARIABLE: str(folder), **environment}


def take_away(folder: Path) -> int:
    """Remove what earlier servers left; how many bytes that freed. What a program still has open stays on Windows, until the next
    time."""
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
