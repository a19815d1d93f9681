"""The cost of one change on the asyncio thread, on which everything of the app runs: 2,000 threads, one changed.

The real backend and the real bridge, without a window; in the time that this one thread works.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from t3tray.demo.t3_database import stamp
from tests.bench.table import Line
from tests.support.opencode import OpenCodeHome
from tests.support.t3_world import NOON, World, add_session, add_thread, empty_world, writing
from tests.support.waiting import until

if TYPE_CHECKING:
    from t3tray.threads.snapshot import Snapshot

ROWS, CHANGES = 2_000, 9
# In seconds: longer than a scan and the writing after it.
QUIET = 2.0
# In seconds of CPU: what its timers take while the thread is idle.
IDLE = 0.001


def measure(scratch: Path, home: OpenCodeHome) -> Iterator[Line]:
    """Measure the median of several changes, each published before the next one is made."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtCore import QCoreApplication

    from t3tray.backend.backend import Backend
    from t3tray.ui.bridge import Bridge

    application = QCoreApplication.instance() or QCoreApplication([])
    world = _world(scratch / "world")
    os.environ |= home.environment | {"T3CODE_HOME": str(world.home), "OPENCODE_DB": str(world.opencode)}
    told: list[Snapshot] = []
    bridge = Bridge(lambda publish: Backend.open(str(scratch / "data"), "tray"))
    bridge.snapshot_changed.connect(told.append)
    bridge.start()
    try:
        until(lambda: _has(application, told), "all rows", 90)
        _rest(application, _clock())
        costs = [_cost(application, told, world, number + 1) for number in range(CHANGES)]
    finally:
        bridge.close()
        bridge.join(60)
    yield Line(f"event loop, a change at {ROWS:,} rows (CPU)", statistics.median(costs), "ms", 5, f"worst {max(costs):.1f} ms")


def _cost(application: object, told: list[Snapshot], world: World, number: int) -> float:
    clock = _clock()
    before, seen = time.clock_gettime(clock), len(told)
    with writing(world.state) as connection:
        at = stamp(NOON + timedelta(minutes=number))
        connection.execute(
            "UPDATE projection_threads SET title = ?, updated_at = ? WHERE thread_id = 't00500'", (f"New {number}", at)
        )
    until(lambda: _processed(application) and len(told) > seen, "the change", 90)
    _rest(application, clock)
    looks = len(told) - seen
    return (time.clock_gettime(clock) - before) * 1000 / looks


def _clock() -> int:
    """Return the CPU clock of the backend's thread."""
    (thread,) = (each for each in threading.enumerate() if each.name == "asyncio")
    assert thread.ident is not None
    return time.pthread_getcpuclockid(thread.ident)


def _has(application: object, told: list[Snapshot]) -> bool:
    return _processed(application) and bool(told) and len(told[-1].rows) == ROWS


def _processed(application: object) -> bool:
    process: Callable[[], None] = application.processEvents  # type: ignore[attr-defined]
    process()
    return True


def _rest(application: object, clock: int) -> None:
    """Wait until the thread has been idle for a while: after a start it archives one session after the other."""
    used, since, end = time.clock_gettime(clock), time.monotonic(), time.monotonic() + 90
    while time.monotonic() - since < QUIET:
        assert time.monotonic() < end, "the event loop comes to no rest"
        _processed(application)
        now = time.clock_gettime(clock)
        if now - used > IDLE:
            used, since = now, time.monotonic()
        time.sleep(0.02)


def _world(folder: Path) -> World:
    world = empty_world(folder)
    with writing(world.state) as state:
        for number in range(ROWS):
            at = NOON - timedelta(minutes=number)
            add_thread(state, f"t{number:05}", f"ses_{number:05}", title=f"Thread {number}", at=at)
    with writing(world.opencode) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for number in range(ROWS):
            at = NOON - timedelta(minutes=number)
            add_session(connection, f"ses_{number:05}", world.code / "proj", messages=6, title=f"Session {number}", at=at)
    return world
