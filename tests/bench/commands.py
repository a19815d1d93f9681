"""How long the command line takes, as a whole process."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.table import Line
from tests.support.opencode import OpenCodeHome
from tests.support.program import Program

ROUNDS = 9


def measure(scratch: Path, home: OpenCodeHome) -> Iterator[Line]:
    """`--help` and `threads --json`, the median of several."""
    program = Program(scratch / "data", home.environment)
    folder = scratch / "work"
    folder.mkdir()
    program.json("new", "--dir", str(folder), "--prompt", "the codeword is PELICAN")
    bare = _median([sys.executable, "-c", "pass"], program)
    yield Line(
        "t3tray --help", _median([sys.executable, "-m", "t3tray", "--help"], program), "ms", 150, f"python alone {bare:.0f} ms"
    )
    yield Line("t3tray threads --json", _median([sys.executable, "-m", "t3tray", "threads", "--json"], program), "ms", 700)


def _median(argv: list[str], program: Program) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        subprocess.run(argv, env=program.environment, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000
