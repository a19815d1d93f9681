"""Ten thousand threads of T3 Code and twelve thousand sessions: all verdicts without a server, and after one change.

Worlds: plain; sessions titled after threads; with a provider log for each thread; with the parts of T3 Code's
messages; and with all threads in our store, as at every start but the first.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from t3tray.alerts.switch_detector import SwitchDetector
from t3tray.demo.t3_database import stamp
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.store.store import Store
from t3tray.t3code.home import T3Home
from t3tray.t3code.state import T3Reader
from t3tray.threads.evidence import Surroundings
from t3tray.threads.proof_recorder import ProofRecorder
from t3tray.threads.scan import Scanner
from tests.bench.table import Line
from tests.support.opencode import OpenCodeHome
from tests.support.t3_world import NOON, World, add_log, add_session, add_thread, empty_world, milliseconds, writing

THREADS, SESSIONS, MESSAGES = 10_000, 12_000, 6
COLD, CHANGE = 400, 30


@dataclass(frozen=True)
class _Kind:
    """A world: what it adds to the plain one, and the budget of all verdicts in it (ms)."""

    name: str = ""
    title: str = "Session {}"
    build: Callable[[World], None] = lambda _world: None
    cold: float = COLD


def measure(folder: Path, _home: OpenCodeHome) -> Iterator[Line]:
    """Measure medians of three cold scans, and of five after each kind of change."""
    kinds = (
        _Kind(),
        _Kind("titled after threads", "T3 Code t{:05}"),
        _Kind("with logs", build=_add_logs, cold=900),
        _Kind("with parts", build=_add_parts, cold=900),
    )
    for number, kind in enumerate(kinds):
        world = _world(folder / str(number), kind.title)
        kind.build(world)
        store = Store.open(world.home.parent / "data", lambda: NOON)
        yield from _looks(store, world, kind)
        if not kind.name:
            yield from _watch(store, world)
            yield from _keep(store, world)
            yield from _looks(store, world, _Kind("all of them kept", cold=500))
        store.close()


def _looks(store: Store, world: World, kind: _Kind) -> Iterator[Line]:
    name = f", {kind.name}" if kind.name else ""
    cold = statistics.median(_timed(_scanner(store, world).scan) for _ in range(3))
    yield Line(f"all verdicts, cold{name}", cold, "ms", kind.cold)
    scanner = _scanner(store, world)
    scanner.scan()
    yield Line(f"nothing changed{name}", statistics.median(_timed(scanner.scan) for _ in range(5)), "ms", CHANGE)
    yield Line(f"one thread changed{name}", statistics.median(_after(scanner, world, _change_thread)), "ms", CHANGE)
    yield Line(f"one session changed{name}", statistics.median(_after(scanner, world, _change_session)), "ms", CHANGE)


def _watch(store: Store, world: World) -> Iterator[Line]:
    picture = _scanner(store, world).scan()
    sentinel = SwitchDetector(store, OpenCodeDatabase(world.opencode), lambda: NOON)
    yield Line("the sentinel's first watch", _timed(lambda: sentinel.detect(picture)), "ms", 150)
    yield Line(
        "a watch without news", statistics.median(_timed(lambda: sentinel.detect(picture)) for _ in range(5)), "ms", CHANGE
    )


def _keep(store: Store, world: World) -> Iterator[Line]:
    """The proof recorder's first passes until nothing is left, in CPU time; and the longest one, which delays an alarm."""
    scanner, keeper = _scanner(store, world), ProofRecorder(store, OpenCodeDatabase(world.opencode), lambda: NOON)
    began, longest, more = time.process_time(), 0.0, True
    while more:
        picture = scanner.scan()
        at = time.perf_counter()
        more = keeper.record(picture)
        longest = max(longest, (time.perf_counter() - at) * 1000)
    yield Line("all proofs kept, with the looks (CPU)", time.process_time() - began, "s", 3)
    yield Line("the longest pass of the Keeper", longest, "ms", 250)


def _world(folder: Path, title: str) -> World:
    world = empty_world(folder)
    with writing(world.state) as state:
        for number in range(THREADS):
            at = NOON - timedelta(minutes=number)
            add_thread(state, f"t{number:05}", f"ses_{number:05}", title=f"Thread {number}", at=at)
    with writing(world.opencode) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for number in range(SESSIONS):
            at = NOON - timedelta(minutes=number)
            add_session(connection, f"ses_{number:05}", world.code / "proj", messages=MESSAGES, title=title.format(number), at=at)
    return world


def _add_logs(world: World) -> None:
    """Write a log for each thread that names its session at the beginning of each of ten turns."""
    for number in range(THREADS):
        at = NOON - timedelta(minutes=number)
        add_log(world, f"t{number:05}", *((f"ses_{number:05}", at + timedelta(seconds=turn)) for turn in range(10)))


def _add_parts(world: World) -> None:
    """Add a part to every message of the assistant, and the same message to T3 Code."""
    told, parts = [], []
    for number in range(THREADS):
        for turn in range(1, MESSAGES, 2):
            name, at = f"{number:05}_{turn:05}", stamp(NOON - timedelta(minutes=number) + timedelta(seconds=turn))
            told.append((f"assistant:prt_{name}", f"t{number:05}", at, at))
            parts.append((f"prt_{name}", f"msg_{name}", f"ses_{number:05}", 1, 1, '{"type":"text","text":"An answer"}'))
    with writing(world.state) as connection:
        connection.executemany(
            "INSERT INTO projection_thread_messages (message_id, thread_id, role, text, is_streaming, created_at, updated_at)"
            " VALUES (?, ?, 'assistant', 'An answer', 0, ?, ?)",
            told,
        )
    with writing(world.opencode) as connection:
        connection.executemany("INSERT INTO part VALUES (?, ?, ?, ?, ?, ?)", parts)


def _scanner(store: Store, world: World) -> Scanner:
    surroundings = Surroundings(lambda: datetime.now(UTC), lambda: False)
    return Scanner(store, OpenCodeDatabase(world.opencode), surroundings, [T3Reader(T3Home(world.home))])


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _after(scanner: Scanner, world: World, change: Callable[[World, int], None]) -> Iterator[float]:
    for number in range(5):
        change(world, number + 1)
        yield _timed(scanner.scan)


def _change_thread(world: World, number: int) -> None:
    with writing(world.state) as connection:
        at = stamp(NOON + timedelta(minutes=number))
        connection.execute("UPDATE provider_session_runtime SET last_seen_at = ? WHERE thread_id = 't00500'", (at,))


def _change_session(world: World, number: int) -> None:
    with writing(world.opencode) as connection:
        at = milliseconds(NOON + timedelta(minutes=number))
        connection.execute("UPDATE session SET time_updated = ? WHERE id = 'ses_00700'", (at,))
