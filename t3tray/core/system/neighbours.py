"""Other OpenCode processes on this machine. They are counted, never touched."""

from __future__ import annotations

import psutil

_NAMES = frozenset({"opencode", "opencode.exe"})


def other_opencode_runs(ours: int | None) -> bool:
    """Whether an OpenCode process runs that is not `ours` (a pid)."""
    return any(process.info["name"] in _NAMES and process.pid != ours for process in psutil.process_iter(["name"]))
