"""The supervisor's rules: tables of events and the actions that follow."""

from __future__ import annotations

import pytest

from t3tray.domain.server import ServerState
from t3tray.errors import BinaryNotFound, T3TrayError, Unauthorized, Unsupported, UnusableConfiguration
from t3tray.server import supervisor as rules
from t3tray.server.supervisor_events import (
    Adopted,
    Announced,
    Answered,
    Exited,
    Kill,
    Missed,
    Need,
    Probe,
    Restart,
    Retire,
    Spawn,
    Spawned,
    SpawnFailed,
    Start,
    Stop,
    Terminate,
    Tick,
)
from tests.support.supervisor_bench import CRASH, REFUSED, SILENCE, Bench

STRANGE = Unsupported("another language")


FAR = 10_000.0


def test_a_start_goes_from_stopped_to_ready() -> None:
    bench = Bench()
    assert bench.tell(Need()) == [Spawn()]
    assert bench.it.state is ServerState.STARTING
    assert bench.tell(Spawned()) == []
    assert bench.tell(Announced(1)) == [Probe(1)]
    assert bench.tell(Answered(1, "1.18")) == []
    assert (bench.it.state, bench.it.version) == (ServerState.READY, "1.18")
    bench.now += rules.PROBE_EVERY
    assert bench.sleep() == [Probe(1)]


def test_a_server_that_never_says_it_listens_is_asked_all_the_same() -> None:
    bench = Bench()
    bench.tell(Need(), Spawned())
    assert bench.sleep() == [Probe(1)]
    bench.tell(Missed(1, REFUSED))
    assert bench.sleep() == [Probe(1)]
    bench.tell(Answered(1, "1"))
    assert bench.it.state is ServerState.READY


def test_a_start_that_is_not_ready_in_time_is_ended_and_counts() -> None:
    bench = Bench()
    bench.tell(Need(), Spawned())
    bench.now = rules.START_LIMIT
    assert bench.tell(Tick()) == [Terminate()]
    assert bench.it.state is ServerState.STOPPING
    bench.exit()
    assert (bench.it.state, bench.it.attempt) == (ServerState.WAITING, 1)
    assert bench.it.failure is not None and bench.it.failure.message.endswith("showed no sign of work for 60 seconds.")


def test_three_missed_answers_make_it_unresponsive_and_it_is_not_restarted_by_itself() -> None:
    bench = Bench().ready()
    for _ in range(rules.MISSES):
        assert bench.it.state is ServerState.READY
        assert bench.sleep() == [Probe(1)]
        bench.tell(Missed(1, SILENCE))
        assert bench.wake == bench.now + rules.PROBE_EVERY
    assert (bench.it.state, bench.it.failure) == (ServerState.UNRESPONSIVE, SILENCE)
    for _ in range(100):
        assert bench.sleep() == [Probe(1)]
        assert bench.tell(Missed(1, SILENCE)) == []
    bench.sleep()
    bench.tell(Answered(1, "1"))
    assert (bench.it.state, bench.it.failure) == (ServerState.READY, None)


def test_an_answer_in_between_begins_the_count_of_misses_anew() -> None:
    bench = Bench().ready()
    for heard in (Missed(1, SILENCE), Missed(1, SILENCE), Answered(1, "1"), Missed(1, SILENCE), Missed(1, SILENCE)):
        bench.sleep()
        bench.tell(heard)
    assert bench.it.state is ServerState.READY


def test_who_needs_a_server_that_hangs_has_it_asked_at_once() -> None:
    bench = Bench().ready()
    for _ in range(rules.MISSES):
        bench.sleep()
        bench.tell(Missed(1, SILENCE))
    assert bench.tell(Need()) == [Probe(1)]
    assert bench.tell(Need()) == []


def test_stop_asks_first_and_kills_after_the_grace() -> None:
    bench = Bench().ready()
    assert bench.tell(Stop()) == [Terminate()]
    assert bench.wake == bench.now + rules.STOP_GRACE
    assert bench.sleep() == [Kill()]
    assert bench.sleep() == [Kill()]
    assert bench.exit() == []
    assert bench.it.state is ServerState.STOPPED


def test_stopped_means_stopped() -> None:
    bench = Bench().ready()
    bench.tell(Stop())
    bench.exit()
    bench.now += FAR
    assert bench.tell(Tick()) == [] and bench.tell(Need()) == []
    assert bench.tell(Start()) == [Spawn()]


def test_one_that_was_retired_is_started_by_the_next_who_needs_it() -> None:
    bench = Bench().ready()
    assert bench.tell(Retire()) == [Terminate()]
    assert bench.exit() == [] and bench.it.state is ServerState.STOPPED
    bench.now += FAR
    assert bench.tell(Tick()) == []
    assert bench.tell(Need()) == [Spawn()]


def test_who_needs_it_while_it_retires_gets_another() -> None:
    bench = Bench().ready()
    bench.tell(Retire(), Need())
    assert bench.exit() == [Spawn()]


def test_a_stop_while_it_is_being_spawned_ends_it_when_it_is_there() -> None:
    bench = Bench()
    bench.tell(Need())
    assert bench.tell(Stop()) == []
    assert bench.tell(Spawned()) == [Terminate()]
    bench.exit()
    assert bench.it.state is ServerState.STOPPED


def test_a_stop_ends_a_back_off() -> None:
    bench = Bench().ready()
    bench.exit()
    assert bench.it.state is ServerState.WAITING
    bench.tell(Stop())
    assert (bench.it.state, bench.wake) == (ServerState.STOPPED, None)


def test_a_start_during_a_stop_starts_it_again_afterwards() -> None:
    bench = Bench().ready()
    bench.tell(Stop())
    assert bench.tell(Start()) == []
    assert bench.exit() == [Spawn()]


def test_a_restart_ends_the_process_and_starts_one() -> None:
    bench = Bench().ready()
    assert bench.tell(Restart()) == [Terminate()]
    assert bench.exit() == [Spawn()]
    assert bench.it.attempt == 0
    bench.tell(Spawned())
    assert bench.it.run == 2


def test_a_question_that_the_old_process_never_answered_does_not_keep_the_new_one_from_being_asked() -> None:
    bench = Bench().ready()
    bench.sleep()
    bench.tell(Restart())
    bench.exit()
    bench.tell(Spawned())
    assert bench.tell(Announced(2)) == [Probe(2)]


def test_what_is_told_of_an_old_process_counts_no_more() -> None:
    bench = Bench().ready()
    bench.tell(Restart())
    bench.exit()
    bench.tell(Spawned())
    for old in (Answered(1, "old"), Announced(1), Exited(1, CRASH), Missed(1, Unauthorized("no"))):
        bench.tell(old)
    assert (bench.it.state, bench.it.version) == (ServerState.STARTING, "")


def test_unexpected_ends_are_followed_by_growing_delays_until_the_budget_is_spent() -> None:
    bench = Bench()
    delays = []
    bench.tell(Need())
    for _ in range(rules.BUDGET - 1):
        bench.tell(Spawned())
        bench.tell(Answered(bench.it.run, "1"))
        bench.exit()
        assert bench.it.until is not None
        delays.append(bench.it.until - bench.now)
        assert bench.sleep() == [Spawn()]
    for delay, usual in zip(delays, (1, 2, 4, 8), strict=True):
        assert usual * (1 - rules.NOISE) <= delay <= usual * (1 + rules.NOISE)
    bench.tell(Spawned())
    bench.tell(Answered(bench.it.run, "1"))
    assert bench.exit() == []
    assert (bench.it.state, bench.it.failure, bench.it.log_tail) == (ServerState.FAILED, CRASH, "the last words")
    assert bench.tell(Need()) == []
    assert bench.tell(Start()) == [Spawn()]
    assert bench.it.attempt == 0


def test_ends_long_ago_are_forgiven() -> None:
    bench = Bench().ready()
    for _ in range(20):
        bench.exit()
        assert bench.sleep() == [Spawn()]
        bench.tell(Spawned())
        bench.tell(Answered(bench.it.run, "1"))
        bench.now += rules.WINDOW
    assert bench.it.state is ServerState.READY


def test_a_server_that_never_once_comes_up_is_given_up_sooner() -> None:
    bench = Bench()
    bench.tell(Need())
    for _ in range(rules.START_TRIES - 1):
        bench.tell(Spawned())
        bench.exit()
        bench.sleep()
    bench.tell(Spawned())
    bench.exit()
    assert bench.it.state is ServerState.FAILED
    assert bench.tell(Need()) == [Spawn()]


def test_a_missing_program_fails_at_once_and_is_looked_for_again_when_somebody_needs_it() -> None:
    bench = Bench()
    missing = BinaryNotFound("none")
    bench.tell(Need(), SpawnFailed(missing, is_final=True))
    assert (bench.it.state, bench.it.failure, bench.wake) == (ServerState.FAILED, missing, None)
    assert bench.tell(Need()) == [Spawn()]


def test_an_adopted_server_is_asked_at_once() -> None:
    bench = Bench()
    assert bench.tell(Adopted(age=1000, is_orphan=False)) == [Probe(1)]
    bench.tell(Answered(1, "1"))
    assert bench.it.state is ServerState.READY


@pytest.mark.parametrize("refusal", [Unauthorized("no"), SILENCE])
@pytest.mark.parametrize("is_orphan", [True, False])
def test_an_adopted_server_that_is_no_good_is_ended_only_when_nobody_else_uses_it(refusal: T3TrayError, is_orphan: bool) -> None:
    bench = Bench()
    bench.tell(Need())
    actions = bench.tell(Adopted(age=1000, is_orphan=is_orphan))
    while actions == [Probe(1)]:
        actions = bench.tell(Missed(1, refusal)) or bench.sleep()
        if bench.it.state is ServerState.UNRESPONSIVE:
            break
    assert bench.it.state is (ServerState.STOPPING if is_orphan else ServerState.UNRESPONSIVE)
    assert bench.it.failure is refusal
    assert (actions == [Terminate()]) is is_orphan


def test_a_young_adopted_server_may_refuse_connections_for_a_while() -> None:
    bench = Bench()
    bench.tell(Adopted(age=1, is_orphan=False))
    for _ in range(100):
        bench.tell(Missed(1, REFUSED))
        assert bench.sleep() == [Probe(1)]
    before = bench.it.state
    bench.tell(Answered(1, "1"))
    assert (before, bench.it.state) == (ServerState.STARTING, ServerState.READY)


def test_an_external_server_is_asked_and_nothing_else() -> None:
    bench = Bench(external=True)
    assert bench.tell(Need()) == [Probe(0)]
    bench.tell(Answered(0, "1"))
    assert (bench.it.state, bench.it.version) == (ServerState.EXTERNAL, "1")
    for event in (Stop(), Restart(), Exited(0, CRASH)):
        assert bench.tell(event) == []
    assert bench.sleep() == [Probe(0)]
    bench.tell(Missed(0, SILENCE))
    assert (bench.it.state, bench.it.failure) == (ServerState.EXTERNAL, SILENCE)
    assert bench.tell(Need()) == [Probe(0)]


def test_a_configuration_that_ends_every_server_is_tried_once() -> None:
    bench, broken = Bench(), UnusableConfiguration("OpenCode cannot use /w/opencode.json: it is not JSON.")
    bench.tell(Need(), Spawned(), Exited(1, broken))
    assert (bench.it.state, bench.it.failure, bench.wake) == (ServerState.FAILED, broken, None)
    assert bench.tell(Need()) == [Spawn()]
