"""The cost of commands as whole processes, in CPU time, which does not depend on other programs."""

from __future__ import annotations

import resource
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
    """Measure `--help` and `threads --json`: medians of several runs."""
    program = Program(scratch / "data", home.environment)
    folder = scratch / "work"
    folder.mkdir()
    program.json("new", "--dir", str(folder), "--prompt", "the codeword is PELICAN")
    bare, _ = _medians([sys.executable, "-c", "pass"], program)
    for words, goal in ((("--help",), 150), (("threads", "--json"), 700)):
        worked, took = _medians(program.argv(*words), program)
        told = f"python alone {bare:.0f} ms; by the clock {took:.0f} ms"
        yield Line(f"t3tray {' '.join(words)}", worked, "ms", goal, told)


def _medians(argv: list[str], program: Program) -> tuple[float, float]:
    """Return medians in ms: CPU time of the process and its children, and wall-clock time, which includes other programs."""
    found = []
    for _ in range(ROUNDS):
        began, before = time.perf_counter(), _worked()
        subprocess.run(argv, env=program.environment, check=True, stdout=subprocess.DEVNULL)
        found.append((_worked() - before, time.perf_counter() - began))
    worked, took = (1000 * statistics.median(times) for times in zip(*found, strict=True))
    return worked, took


def _worked() -> float:
    """Return the CPU time of all awaited child processes, in s."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
