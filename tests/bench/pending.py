"""How long the guard reads T3 Code's database for one request: 10,000 threads, with T3 Code writing and idle."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from t3tray.t3code.home import T3Home
from t3tray.t3code.live_query import read_now
from tests.bench.table import Line
from tests.support.opencode import OpenCodeHome
from tests.support.t3_world import World, add_thread, add_turn, empty_world, writing

MANY = 10_000
TURNS = 5
LOOKS = 25


def measure(scratch: Path, home: OpenCodeHome) -> Iterator[Line]:
    """Measure the median; the budget is that of issue 6."""
    world = _crowd(scratch)
    yield _looks(world, "at rest")
    with closing(sqlite3.connect(world.state)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("UPDATE projection_threads SET title = 'changed' WHERE thread_id LIKE '00000001%'")
        writer.commit()
        yield _looks(world, "T3 Code writes")


def _crowd(scratch: Path) -> World:
    world = empty_world(scratch)
    with writing(world.state) as connection:
        for number in range(MANY):
            name = f"{number:08}-aaaa-bbbb-cccc-dddddddddddd"
            add_thread(connection, name, f"ses_{number:026}", title=f"Thread {number}")
            for turn in range(TURNS):
                add_turn(connection, name, f"turn-{number}-{turn}", "completed")
        connection.execute("UPDATE projection_thread_sessions SET status = 'starting' WHERE thread_id LIKE '00000007%'")
        add_turn(connection, "00000007-aaaa-bbbb-cccc-dddddddddddd", None, "pending")
    return world


def _looks(world: World, when: str) -> Line:
    times = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        found = read_now([T3Home(world.home)], f"ses_{MANY - 1:026}")
        times.append((time.perf_counter() - began) * 1000)
        assert {thread.id[:8] for thread in found.threads} == {"00000007", "00009999"}
    return Line(f"guard, a look at {MANY:,} threads, {when}", sorted(times)[LOOKS // 2], "ms", 10.0, f"best {min(times):.1f} ms")
