"""Ten thousand threads of T3 Code's beside twelve thousand sessions: all verdicts without a server, and after one change."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from t3tray.core.opencode.database import OpenCodeDatabase
from t3tray.core.services.evidence import Surroundings
from t3tray.core.services.survey import Survey
from t3tray.core.store.store import Store
from t3tray.core.t3code.home import T3Home
from t3tray.core.t3code.state import T3Reader
from tests.bench.table import Line
from tests.support.opencode import OpenCodeHome
from tests.support.t3_world import NOON, World, add_session, add_thread, empty_world, milliseconds, stamp, writing

THREADS, SESSIONS = 10_000, 12_000


def measure(folder: Path, _home: OpenCodeHome) -> Iterator[Line]:
    """Medians of three cold looks, and of five after each kind of change."""
    for name, title in (("", "Session {}"), (", titled after threads", "T3 Code t{:05}")):
        world = _world(folder / (name or "plain").strip(", "), title)
        store = Store.open(world.home.parent / "data", lambda: NOON)
        yield Line(
            f"all verdicts, cold{name}", statistics.median(_timed(_survey(store, world).look) for _ in range(3)), "ms", 400
        )
        survey = _survey(store, world)
        survey.look()
        yield Line(f"nothing changed{name}", statistics.median(_timed(survey.look) for _ in range(5)), "ms", 30)
        yield Line(f"one thread changed{name}", statistics.median(_after(survey, world, _change_thread)), "ms", 30)
        yield Line(f"one session changed{name}", statistics.median(_after(survey, world, _change_session)), "ms", 30)
        store.close()


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
            add_session(connection, f"ses_{number:05}", world.code / "proj", messages=6, title=title.format(number), at=at)
    return world


def _survey(store: Store, world: World) -> Survey:
    surroundings = Surroundings(lambda: datetime.now(UTC), lambda: False)
    return Survey(store, OpenCodeDatabase(world.opencode), surroundings, [T3Reader(T3Home(world.home))])


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _after(survey: Survey, world: World, change: Callable[[World, int], None]) -> Iterator[float]:
    for number in range(5):
        change(world, number + 1)
        yield _timed(survey.look)


def _change_thread(world: World, number: int) -> None:
    with writing(world.state) as connection:
        at = stamp(NOON + timedelta(minutes=number))
        connection.execute("UPDATE provider_session_runtime SET last_seen_at = ? WHERE thread_id = 't00500'", (at,))


def _change_session(world: World, number: int) -> None:
    with writing(world.opencode) as connection:
        at = milliseconds(NOON + timedelta(minutes=number))
        connection.execute("UPDATE session SET time_updated = ? WHERE id = 'ses_00700'", (at,))
