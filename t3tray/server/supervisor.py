"""State machine that keeps the managed server running: takes events with a time, returns actions.

Pure: no I/O, no clock, no asyncio. `now` is in seconds of a monotonic clock. Leases and passwords are handled elsewhere. The
wanted and the actual state are separate: after `Stop` only `Start`, `Restart` or a server that another t3tray started
(`Adopted`) leads to a running one.
"""

from __future__ import annotations

import random

from t3tray.domain.server import ServerState, Wanted
from t3tray.errors import (
    ServerFailed,
    T3TrayError,
    TimedOut,
    Unauthorized,
    Unsupported,
    UnsupportedVersion,
    UnusableConfiguration,
)
from t3tray.messages.server import no_sign_of_work, not_ready_within
from t3tray.server.supervisor_events import (
    Action,
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
    Retire,
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

# In seconds. START_LIMIT applies to a start without activity; an active one (an update of OpenCode's database takes from two
# minutes to an hour) may take until LONGEST_START. From SLOW on the status says so.
START_LIMIT = 60.0
LONGEST_START = 2 * 3600.0
SLOW = 15.0
ADOPTED_GRACE = 10.0
STOP_GRACE = 3.0
PROBE_EVERY = 10.0
# Health requests during a start, in seconds: PROBE_AGAIN apart after the server printed that it listens; without that line the
# first one after BLIND_AFTER, then BLIND_EVERY apart.
PROBE_AGAIN = 0.1
BLIND_AFTER = 5.0
BLIND_EVERY = 1.0
MISSES = 3
# After this many unsupported answers from a server that listens, it counts as unsupported.
STRANGE_ANSWERS = 2
# After BUDGET unexpected ends within WINDOW seconds the server is not started again; after START_TRIES if it was never ready.
BUDGET = 5
WINDOW = 600.0
START_TRIES = 3
LONGEST_DELAY = 60.0
NOISE = 0.2


_IDLE = (ServerState.STOPPED, ServerState.WAITING, ServerState.FAILED)


class Supervisor:
    """State of one server. `failure` is why it is not ready, `until` the end of a back-off. `run` counts processes, so that
    events of an earlier one are ignored."""

    def __init__(self, noise: random.Random, external: bool = False) -> None:
        """`external`: a server that is not ours; only its health is requested."""
        self.state = ServerState.STOPPED
        self.wanted: Wanted | None = None
        self.run = 0
        self.version = ""
        self.failure: T3TrayError | None = None
        self.log_tail = ""
        self.is_probing = False
        self._noise = noise
        self._external = external
        self._is_spawning = False
        self._deadline: float | None = None
        self._probe_at: float | None = None
        self._ends: list[float] = []
        self._unready_ends = 0
        self._was_ready = False
        self._misses = 0
        self._adopted = False
        self._may_end = False
        self._announced = False
        self._is_given_up = False
        self._will_fail_again = False
        self._unsupported_answers = 0
        self._started_at = 0.0
        self._worked_at: float | None = None

    @property
    def is_slow(self) -> bool:
        """Whether it takes long to start, and shows activity."""
        return self.state is ServerState.STARTING and self._worked_at is not None

    @property
    def until(self) -> float | None:
        return self._deadline if self.state is ServerState.WAITING else None

    @property
    def attempt(self) -> int:
        """Number of unexpected ends that count against the budget."""
        return len(self._ends)

    @property
    def is_idle(self) -> bool:
        """Whether no process is running or being started."""
        return not self._is_spawning and self.state in _IDLE

    def handle(self, event: Event, now: float) -> tuple[Action, ...]:
        """Return the actions for an event. A `WakeAt` is last and replaces the previous one; without it no wake-up is due."""
        self._ends = [end for end in self._ends if now - end < WINDOW]
        actions = self._external_response(event, now) if self._external else self._response(event, now)
        times = [at for at in (self._deadline, None if self.is_probing else self._probe_at) if at is not None]
        return (*actions, WakeAt(min(times))) if times else actions

    def _external_response(self, event: Event, now: float) -> tuple[Action, ...]:
        match event:
            case Need() | Start() if self.state is ServerState.STOPPED or self.failure:
                return self._request_probe()
            case Answered(run, version) if run == self.run:
                self._is_ready(ServerState.EXTERNAL, version, now)
            case Missed(run, error) if run == self.run:
                self.is_probing, self.state, self.failure = False, ServerState.EXTERNAL, error
                self._probe_at = now + PROBE_EVERY
            case Tick() if self._probe_at is not None and now >= self._probe_at:
                return self._request_probe()
        return ()

    def _response(self, event: Event, now: float) -> tuple[Action, ...]:
        match event:
            case Need():
                return self._on_need()
            case Start() | Restart():
                return self._on_start(now, anew=isinstance(event, Restart))
            case Stop():
                return self._on_stop(now, Wanted.STOPPED)
            case Retire():
                return self._on_stop(now, None)
            case Spawned() | Adopted():
                return self._on_process(event, now)
            case SpawnFailed() if self._is_spawning:
                self._is_spawning = False
                return self._on_end(now, event.error, "", event.is_final)
            case Exited() if self._is_current(event.run):
                # Another process would read the same configuration.
                return self._on_end(now, event.error, event.log_tail, isinstance(event.error, UnusableConfiguration))
            case Announced() | Worked() | Answered() | Missed() if self._is_current(event.run):
                return self._on_report(event, now)
            case Tick():
                return self._on_tick(now)
        return ()

    def _on_need(self) -> tuple[Action, ...]:
        if self.wanted is Wanted.STOPPED:
            return ()
        if self.state is ServerState.UNRESPONSIVE:
            return self._request_probe()
        if self.state is ServerState.STOPPED or (self.state is ServerState.FAILED and len(self._ends) < BUDGET):
            self.wanted, self._unready_ends = Wanted.RUNNING, 0
            return self._spawn()
        if self.state is ServerState.STOPPING:
            self.wanted = Wanted.RUNNING
        return ()

    def _on_start(self, now: float, anew: bool) -> tuple[Action, ...]:
        self.wanted, self._is_given_up = Wanted.RUNNING, False
        self._ends, self._unready_ends = [], 0
        if self.is_idle:
            return self._spawn()
        if anew and self.state is not ServerState.STOPPING:
            return self._end(now)
        return self._request_probe() if self.state is ServerState.UNRESPONSIVE else ()

    def _on_stop(self, now: float, wanted: Wanted | None) -> tuple[Action, ...]:
        self.wanted, self._is_given_up = wanted, False
        if self.is_idle:
            self._reset(ServerState.STOPPED)
            return ()
        return () if self.state is ServerState.STOPPING else self._end(now)

    def _on_process(self, event: Spawned | Adopted, now: float) -> tuple[Action, ...]:
        if not (self._is_spawning or self.is_idle):
            return ()
        self.run += 1
        self._is_spawning = self._was_ready = self._announced = self.is_probing = self._will_fail_again = False
        self._misses = self._unsupported_answers = 0
        self._adopted = isinstance(event, Adopted)
        self._may_end = not isinstance(event, Adopted) or event.is_orphan
        if self.state is ServerState.STOPPING:
            return self._end(now)
        self.wanted = Wanted.RUNNING
        self._reset(ServerState.STARTING)
        self._started_at = now - (event.age if isinstance(event, Adopted) else 0.0)
        if isinstance(event, Adopted):
            self._deadline = now + max(START_LIMIT - event.age, ADOPTED_GRACE)
            return self._request_probe()
        self._deadline, self._probe_at = now + START_LIMIT, now + BLIND_AFTER
        return ()

    def _on_report(self, event: Announced | Worked | Answered | Missed, now: float) -> tuple[Action, ...]:
        """Handle a report about the current process."""
        match event:
            case Announced() if self.state is ServerState.STARTING:
                self._announced, self._probe_at = True, now
                return self._request_probe()
            case Worked() if self.state is ServerState.STARTING and self._deadline is not None:
                if now - self._started_at < LONGEST_START:
                    self._deadline = max(self._deadline, now + START_LIMIT)
                if now - self._started_at >= SLOW:
                    self._worked_at = now
            case Answered(_, version):
                self.is_probing = False
                if self.state is not ServerState.STOPPING:
                    self._is_ready(ServerState.READY, version, now)
            case Missed(_, error):
                self.is_probing = False
                if self.state is ServerState.STARTING:
                    return self._missed_at_start(error, now)
                if self.state is not ServerState.STOPPING:
                    self._missed(error, now)
        return ()

    def _is_ready(self, state: ServerState, version: str, now: float) -> None:
        self.is_probing, self.state, self.version = False, state, version
        self.failure, self.log_tail = None, ""
        self._was_ready, self._misses, self._unready_ends = True, 0, 0
        self._deadline, self._probe_at = None, now + PROBE_EVERY

    def _missed(self, error: T3TrayError, now: float) -> None:
        self._misses += 1
        self._probe_at = now + PROBE_EVERY
        if self._misses >= MISSES or self.state is ServerState.UNRESPONSIVE:
            self._set_unresponsive(error)

    def _missed_at_start(self, error: T3TrayError, now: float) -> tuple[Action, ...]:
        """Handle a failed health request during a start. Refused connections are normal; time-outs of an adopted server mean
        that it hangs."""
        known = self._adopted or self._announced
        self._misses += isinstance(error, TimedOut)
        self._unsupported_answers += known and isinstance(error, Unsupported)
        # Another process of the same program would answer the same.
        self._will_fail_again = isinstance(error, UnsupportedVersion) or self._unsupported_answers >= STRANGE_ANSWERS
        if self._will_fail_again or isinstance(error, Unauthorized) or (self._adopted and self._misses >= MISSES):
            return self._give_up(error, now)
        self._probe_at = now + (PROBE_AGAIN if known and not self.is_slow else BLIND_EVERY)
        return ()

    def _give_up(self, error: T3TrayError, now: float) -> tuple[Action, ...]:
        """Handle a server that does not become ready: end it, unless other processes may use it."""
        if not self._may_end:
            self._deadline, self._probe_at = None, now + PROBE_EVERY
            self._set_unresponsive(error)
            return ()
        self._is_given_up, self.failure = True, error
        return self._end(now)

    def _set_unresponsive(self, error: T3TrayError) -> None:
        self.state, self.failure = ServerState.UNRESPONSIVE, error

    def _on_tick(self, now: float) -> tuple[Action, ...]:
        if self._deadline is not None and now >= self._deadline:
            if self.state is ServerState.WAITING:
                return self._spawn()
            if self.state is ServerState.STOPPING:
                self._deadline = now + STOP_GRACE
                return (Kill(),)
            return self._give_up(TimedOut(self._too_late(now)), now)
        if self._probe_at is not None and now >= self._probe_at:
            return self._request_probe()
        return ()

    def _on_end(self, now: float, error: T3TrayError, log_tail: str, is_final: bool = False) -> tuple[Action, ...]:
        """Handle the end of the process, or a failed start."""
        was_asked = self.state is ServerState.STOPPING and not self._is_given_up
        # The reason for ending it is more useful than the exit code.
        cause = self._reason_of_end() if self._is_given_up and self.failure else error
        is_final = is_final or (self._is_given_up and self._will_fail_again)
        self._is_given_up = False
        if self.wanted is not Wanted.RUNNING:
            self._reset(ServerState.STOPPED)
            return ()
        if was_asked and not is_final:
            return self._spawn()
        self._ends.append(now)
        self._unready_ends += not self._was_ready
        is_spent = len(self._ends) >= BUDGET or self._unready_ends >= START_TRIES
        self._reset(ServerState.FAILED if is_final or is_spent else ServerState.WAITING)
        self.failure, self.log_tail = cause, log_tail
        if self.state is ServerState.WAITING:
            self._deadline = now + self._delay()
        return ()

    def _reason_of_end(self) -> T3TrayError:
        assert self.failure is not None
        return self.failure if self._will_fail_again else ServerFailed(self.failure.message, self.failure.hint)

    def _too_late(self, now: float) -> str:
        if self.is_slow and now - self._started_at >= LONGEST_START:
            return not_ready_within(LONGEST_START / 3600)
        return no_sign_of_work(START_LIMIT)

    def _delay(self) -> float:
        """Return the back-off in seconds: doubled with each end, with noise so that several do not start at the same time."""
        delay = 2.0 ** (len(self._ends) - 1) * self._noise.uniform(1 - NOISE, 1 + NOISE)
        return min(delay, LONGEST_DELAY)

    def _reset(self, state: ServerState) -> None:
        self.state, self.version = state, ""
        self.failure, self.log_tail = None, ""
        self._deadline = self._probe_at = self._worked_at = None
        self.is_probing = False

    def _spawn(self) -> tuple[Action, ...]:
        self._reset(ServerState.STARTING)
        self._is_spawning, self._was_ready = True, False
        return (Spawn(),)

    def _end(self, now: float) -> tuple[Action, ...]:
        """Terminate the process; one that is still being started is terminated when it is running."""
        self.state, self._probe_at = ServerState.STOPPING, None
        self._deadline = None if self._is_spawning else now + STOP_GRACE
        return () if self._is_spawning else (Terminate(),)

    def _request_probe(self) -> tuple[Action, ...]:
        if self.is_probing:
            return ()
        self.is_probing = True
        return (Probe(self.run),)

    def _is_current(self, run: int) -> bool:
        return run == self.run and not self._is_spawning and self.state not in _IDLE
