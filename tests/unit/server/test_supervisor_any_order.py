"""The supervisor's invariants under any order of events."""

from __future__ import annotations

import random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from t3tray.domain.server import ServerState, Wanted
from t3tray.errors import T3TrayError, Unauthorized, Unsupported
from t3tray.server import supervisor as rules
from t3tray.server.supervisor import Supervisor
from t3tray.server.supervisor_events import (
    Adopted,
    Announced,
    Answered,
    Event,
    Exited,
    Kill,
    Missed,
    Need,
    Probe,
    Restart,
    Spawn,
    Spawned,
    SpawnFailed,
    Start,
    Stop,
    Terminate,
    Tick,
    WakeAt,
    Worked,
)
from tests.support.rounds import rounds
from tests.support.supervisor_bench import CRASH, REFUSED, SILENCE

STRANGE = Unsupported("another language")


FAR = 10_000.0


class AnyOrder(RuleBasedStateMachine):
    """The environment's part: a process that exists or not, and the events about it."""

    def __init__(self) -> None:
        super().__init__()
        self.it = Supervisor(random.Random(0))
        self.now = 0.0
        self.coming = self.alive = self.asked = False
        self.may_spawn = self.is_stopped = False
        self.wake: float | None = None
        self.spawns: list[float] = []

    def tell(self, event: Event) -> None:
        self.wake = None
        for action in self.it.handle(event, self.now):
            match action:
                case Spawn():
                    assert not (self.coming or self.alive), "a second process"
                    assert self.may_spawn, "started although it was stopped"
                    self.coming = True
                    self.spawns.append(self.now)
                    recent = [at for at in self.spawns if self.now - at < rules.WINDOW]
                    assert len(recent) <= rules.BUDGET, "the budget is overdrawn"
                case Probe(run):
                    assert not self.asked and self.alive and run == self.it.run
                    self.asked = True
                case Terminate() | Kill():
                    assert self.alive, "a signal to nobody"
                case WakeAt(at):
                    assert at > self.now, "a wake at once is a loop without end"
                    self.wake = at

    @rule()
    def need(self) -> None:
        self.may_spawn = self.may_spawn or self.it.wanted is None
        self.tell(Need())

    @rule(event=st.sampled_from([Start(), Restart()]))
    def start(self, event: Event) -> None:
        self.may_spawn, self.is_stopped = True, False
        self.spawns = []
        self.tell(event)

    @rule()
    def stop(self) -> None:
        self.may_spawn, self.is_stopped = False, True
        self.tell(Stop())

    @precondition(lambda self: self.coming)
    @rule(age=st.none() | st.floats(0, 100), is_orphan=st.booleans())
    def comes(self, age: float | None, is_orphan: bool) -> None:
        self.coming, self.alive, self.asked = False, True, False
        self.tell(Spawned() if age is None else Adopted(age, is_orphan))

    @precondition(lambda self: self.coming)
    @rule(is_final=st.booleans())
    def does_not_come(self, is_final: bool) -> None:
        self.coming = False
        self.tell(SpawnFailed(CRASH, is_final))

    @precondition(lambda self: not (self.coming or self.alive))
    @rule()
    def another_t3tray_has_one(self) -> None:
        self.alive, self.may_spawn = True, True
        self.asked = self.is_stopped = False
        self.tell(Adopted(5, is_orphan=False))

    @precondition(lambda self: self.alive)
    @rule()
    def dies(self) -> None:
        self.alive = self.asked = False
        self.tell(Exited(self.it.run, CRASH))

    @precondition(lambda self: self.alive)
    @rule()
    def announces(self) -> None:
        self.tell(Announced(self.it.run))

    @precondition(lambda self: self.alive)
    @rule()
    def works(self) -> None:
        self.tell(Worked(self.it.run))

    @precondition(lambda self: self.asked)
    @rule()
    def answers(self) -> None:
        self.asked = False
        self.tell(Answered(self.it.run, "1"))

    @precondition(lambda self: self.asked)
    @rule(error=st.sampled_from([SILENCE, REFUSED, STRANGE, Unauthorized("no")]))
    def misses(self, error: T3TrayError) -> None:
        self.asked = False
        self.tell(Missed(self.it.run, error))

    @rule(run=st.integers(0, 3))
    def tells_of_an_old_process(self, run: int) -> None:
        if run != self.it.run:
            for event in (Exited(run, CRASH), Answered(run, "old"), Missed(run, SILENCE), Announced(run)):
                before = self.it.state
                self.tell(event)
                assert self.it.state is before

    @precondition(lambda self: self.wake is not None)
    @rule(late=st.floats(0, 5))
    def time_passes(self, late: float) -> None:
        assert self.wake is not None
        self.now = max(self.now, self.wake) + late
        self.tell(Tick())

    @invariant()
    def what_is_shown_is_true(self) -> None:
        state = self.it.state
        idle = (ServerState.STOPPED, ServerState.WAITING, ServerState.FAILED)
        assert self.it.is_idle is not (self.coming or self.alive)
        if self.alive:
            assert state not in idle
        if state in (ServerState.READY, ServerState.UNRESPONSIVE):
            assert self.alive
        if state is ServerState.STOPPED and self.it.wanted is not None:
            assert self.it.wanted is Wanted.STOPPED
        if self.is_stopped:
            assert state in (ServerState.STOPPED, ServerState.STOPPING)
        assert (self.it.until is not None) is (state is ServerState.WAITING)
        if state in (ServerState.FAILED, ServerState.UNRESPONSIVE, ServerState.WAITING):
            assert self.it.failure is not None

    @invariant()
    def nothing_waits_for_ever(self) -> None:
        """Where something is pending a wake-up is due, or an answer is outstanding."""
        resting = self.it.state in (ServerState.STOPPED, ServerState.FAILED)
        assert resting or self.coming or self.asked or self.wake is not None


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=rounds(60), stateful_step_count=40, deadline=None)
