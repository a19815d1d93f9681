"""Sets the clock that programs see while they run: `set_clock.c` is preloaded between them and the C library (on Linux)."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

_SOURCE = Path(__file__).with_name("set_clock.c")
_NS = 10**9


class SetClock:
    """The clock. `environment` makes programs see it. `is_there` is false without Linux or a C compiler: it has no effect."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        self.is_there = compiler is not None and sys.platform == "linux"
        self.environment: dict[str, str] = {}
        self.seconds = 0.0
        self._file = folder / "clock"
        if compiler and self.is_there:
            library = folder / "set_clock.so"
            subprocess.run(
                [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(_SOURCE), "-ldl"], check=True, timeout=90
            )
            self.set(0)
            self.environment = {"LD_PRELOAD": str(library), "SET_CLOCK": str(self._file)}

    def set(self, seconds: float) -> None:
        """Set it ahead of the true time, or behind it, for all programs at once."""
        self.seconds = seconds
        # Written in place, because the programs have mapped the file.
        file = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.write(file, struct.pack("q", int(seconds * _NS)))
        finally:
            os.close(file)

    def now(self) -> float:
        """Return the time that the programs see, in s since the epoch."""
        return time.time() + self.seconds
