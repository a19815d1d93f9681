"""The supervisor's rules for a start that takes long, and for one that cannot succeed."""

from __future__ import annotations

from t3tray.domain.server import ServerState
from t3tray.errors import Unsupported, UnsupportedVersion
from t3tray.server import supervisor as rules
from t3tray.server.supervisor_events import (
    Adopted,
    Announced,
    Answered,
    Missed,
    Need,
    Probe,
    Spawn,
    Spawned,
    Terminate,
    Tick,
    Worked,
)
from tests.support.supervisor_bench import REFUSED, Bench

STRANGE = Unsupported("another language")


def test_a_start_that_is_at_work_is_waited_for_and_told() -> None:
    bench = Bench()
    bench.tell(Need(), Spawned())
    for _ in range(50):
        assert not bench.it.is_slow or bench.now >= rules.SLOW
        bench.now += 50
        assert bench.tell(Worked(1)) == []
        assert bench.it.is_slow
        assert Terminate() not in bench.tell(Tick())
    bench.tell(Answered(1, "1"))
    assert (bench.it.state, bench.it.is_slow) == (ServerState.READY, False)


def test_one_that_stops_working_is_ended_and_so_is_one_that_never_comes_to_an_end() -> None:
    bench = Bench()
    bench.tell(Need(), Spawned())
    bench.now = 200 - rules.START_LIMIT
    bench.tell(Worked(1))
    bench.now = 200
    assert bench.tell(Tick()) == [Terminate()]
    busy = Bench()
    busy.tell(Need(), Spawned())
    while busy.it.state is ServerState.STARTING:
        busy.now += 30
        busy.tell(Worked(1))
        busy.tell(Tick())
        assert busy.now < 2 * rules.LONGEST_START
    busy.exit()
    assert busy.it.failure is not None and busy.it.failure.message == "The server was not ready within 2 hours."


def test_a_start_that_an_earlier_process_began_is_waited_for_too() -> None:
    bench = Bench()
    bench.tell(Need(), Adopted(age=300, is_orphan=True))
    for _ in range(20):
        bench.tell(Missed(1, REFUSED))
        bench.now += rules.ADOPTED_GRACE / 2
        bench.tell(Worked(1))
        assert bench.sleep() == [Probe(1)]
    assert bench.it.is_slow


def test_another_dialect_ends_the_start_at_once_and_for_good() -> None:
    bench = Bench()
    bench.tell(Need(), Spawned(), Announced(1))
    assert bench.tell(Missed(1, STRANGE)) == []
    assert bench.sleep() == [Probe(1)]
    assert bench.tell(Missed(1, STRANGE)) == [Terminate()]
    assert bench.now < 1
    assert bench.exit() == []
    assert (bench.it.state, bench.it.failure) == (ServerState.FAILED, STRANGE)
    assert bench.tell(Need()) == [Spawn()]


def test_a_version_that_is_known_not_to_do_is_not_asked_twice() -> None:
    bench = Bench()
    old = UnsupportedVersion("too old")
    bench.tell(Need(), Spawned(), Announced(1))
    assert bench.tell(Missed(1, old)) == [Terminate()]
    bench.exit()
    assert (bench.it.state, bench.it.failure) == (ServerState.FAILED, old)
