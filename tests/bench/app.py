"""The tray app on a real desktop: time until the icon is shown, memory, and work while idle."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from t3tray.resources import resource
from tests.bench.table import Line
from tests.support.desktop import Desktop
from tests.support.opencode import OpenCodeHome
from tests.support.program import Program
from tests.support.waiting import until

ROUNDS = 9
IDLE_SECONDS = 60
SETTLING = 65


def measure(scratch: Path, home: OpenCodeHome) -> Iterator[Line]:
    """Measure both icons alternately, under the same load; then one app with a server and a thread, idle for a minute."""
    with Desktop(scratch) as desktop:
        program = Program(scratch / "data", home.environment)
        program.environment |= desktop.environment
        (scratch / "work").mkdir()
        program.run("new", "--dir", str(scratch / "work"), "--prompt", "the codeword is PELICAN")
        bare_command = [sys.executable, "-m", "tests.bench.bare_tray", str(resource("icons/tray-ready.svg"))]
        pairs = [(_icon(desktop, program, bare_command), _icon(desktop, program, program.argv())) for _ in range(ROUNDS)]
        bare, ours, took = (statistics.median(times) for times in zip(*((bare[0], *ours) for bare, ours in pairs), strict=True))
        told = f"a bare tray app {bare:.0f} ms, so {ours / bare:.2f} times; by the clock {took:.0f} ms"
        yield Line("icon shown, CPU", ours, "ms", 1.25 * bare, told)
        yield from _left_alone(desktop, program, bare_command)


def _icon(desktop: Desktop, program: Program, command: list[str]) -> tuple[float, float]:
    """Return the ms from the start of the process to its icon in the tray: CPU time, and wall-clock time."""
    desktop.tray.forget()
    began = time.monotonic()
    process = subprocess.Popen(command, env=program.environment, stdin=subprocess.DEVNULL)
    try:
        took = desktop.tray.wait_for_item() - began
        return _worked(process.pid) * 1000, took * 1000
    finally:
        process.terminate()
        process.wait(10)


def _left_alone(desktop: Desktop, program: Program, bare_command: list[str]) -> Iterator[Line]:
    bare = _resident(desktop, program, bare_command)
    desktop.tray.forget()
    process = subprocess.Popen(program.argv(), env=program.environment, stdin=subprocess.DEVNULL)
    try:
        desktop.tray.wait_for_item()
        until(lambda: "Start Server" in desktop.tray.labels(), "the list of threads")
        desktop.tray.choose("Start Server")
        until(lambda: any(label.startswith("Server ready") for label in desktop.tray.labels()), "the server", 60)
        # A menu that counts as open would be filled again after a minute.
        desktop.tray.close_menu()
        watched = psutil.Process(process.pid)
        time.sleep(5)
        yield Line("resident, window closed, all loaded", watched.memory_info().rss / 1e6, "MB", 105, f"bare {bare:.0f} MB")
        # A new server releases memory, which is published once when it is measured a minute later.
        time.sleep(SETTLING)
        yield from _idle(process.pid, "window closed", 0)
        desktop.tray.click()
        until(lambda: bool(desktop.windows()), "the window")
        # An opened thread is read and noted first.
        time.sleep(20)
        # Every 20 s the list updates its relative times.
        yield from _idle(process.pid, "window open", IDLE_SECONDS // 20 + 1)
    finally:
        process.terminate()
        process.wait(10)


def _idle(pid: int, how: str, wakes: int) -> Iterator[Line]:
    """Measure the CPU time of the process, and the wake-ups of its first thread (the GUI's), while idle."""
    worked, slept = _worked(pid), _sleeps(pid)
    time.sleep(IDLE_SECONDS)
    used, woken = _worked(pid) - worked, _sleeps(pid) - slept
    yield Line(f"idle CPU over {IDLE_SECONDS} s, {how}", 100 * used / IDLE_SECONDS, "%", 0.1)
    yield Line(f"wake-ups of the GUI thread in {IDLE_SECONDS} s, {how}", woken, "", wakes)


def _worked(pid: int) -> float:
    """Return the CPU time of all its threads, in s; the times of a process advance in steps of 10 ms."""
    spent = (int(each.read_text().split()[0]) for each in Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return sum(spent) / 1e9


def _sleeps(pid: int) -> int:
    told = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in told.splitlines() if line.startswith("voluntary_ctxt_switches")).split()[1])


def _resident(desktop: Desktop, program: Program, command: list[str]) -> float:
    desktop.tray.forget()
    process = subprocess.Popen(command, env=program.environment, stdin=subprocess.DEVNULL)
    try:
        desktop.tray.wait_for_item()
        return float(psutil.Process(process.pid).memory_info().rss / 1e6)
    finally:
        process.terminate()
        process.wait(10)
