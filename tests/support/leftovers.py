"""Processes that tests have left running, found by their HOME, which is in a folder of the tests; never by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil


def end_leftovers(root: Path, spares: Callable[[psutil.Process], bool] = lambda _: False) -> list[str]:
    """End every process whose HOME is below `root`, except spared ones. Return their command lines."""
    homes, found, told = f"{root.resolve()}{os.sep}", [], []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            is_ours = process.pid != os.getpid() and process.environ().get("HOME", "").startswith(homes)
            if is_ours and not spares(process):
                told.append(" ".join(process.cmdline()))
                found.append(process)
                process.kill()
    psutil.wait_procs(found, timeout=90)
    return told
