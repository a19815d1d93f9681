"""What the supervisor is told (events) and what it wants done (actions). Plain values; times are in seconds of one clock."""

from __future__ import annotations

from dataclasses import dataclass

from t3tray.errors import T3TrayError


@dataclass(frozen=True)
class Need:
    """Somebody needs it. Starts it unless the user stopped it or the budget is spent."""


@dataclass(frozen=True)
class Start:
    """The user wants it to run: the budget begins anew."""


@dataclass(frozen=True)
class Stop:
    """The user wants it stopped."""


@dataclass(frozen=True)
class Retire:
    """Nobody needs it for now: it ends, and the next who does has it started again."""


@dataclass(frozen=True)
class Restart:
    """The user wants another process of it: the budget begins anew."""


@dataclass(frozen=True)
class Spawned:
    """A process was started."""


@dataclass(frozen=True)
class Adopted:
    """A server that runs already was joined. `age` is in s; an orphan is used by nobody else, so one that hangs may be ended."""

    age: float
    is_orphan: bool


@dataclass(frozen=True)
class SpawnFailed:
    """There is no process. `is_final`: another try would come to the same."""

    error: T3TrayError
    is_final: bool = False


@dataclass(frozen=True)
class Announced:
    """It said that it listens."""

    run: int


@dataclass(frozen=True)
class Worked:
    """It used the processor or wrote something since that was said last: it lives, and is at work."""

    run: int


@dataclass(frozen=True)
class Answered:
    run: int
    version: str


@dataclass(frozen=True)
class Missed:
    run: int
    error: T3TrayError


@dataclass(frozen=True)
class Exited:
    """The process and all it had started are gone. `error` says how, for the case that nobody had asked for it."""

    run: int
    error: T3TrayError
    log_tail: str = ""


@dataclass(frozen=True)
class Tick:
    """Time has passed."""


Event = (
    Need
    | Start
    | Stop
    | Retire
    | Restart
    | Spawned
    | Adopted
    | SpawnFailed
    | Announced
    | Worked
    | Answered
    | Missed
    | Exited
    | Tick
)


@dataclass(frozen=True)
class Spawn:
    """Join the server that runs, or start one; answered by `Spawned`, `Adopted` or `SpawnFailed`."""


@dataclass(frozen=True)
class Probe:
    """Ask for its health; answered by `Answered` or `Missed` with the same run."""

    run: int


@dataclass(frozen=True)
class Terminate:
    """Ask the process to end."""


@dataclass(frozen=True)
class Kill:
    """End the process."""


@dataclass(frozen=True)
class WakeAt:
    """A `Tick` is due at this time, and none before."""

    at: float


Action = Spawn | Probe | Terminate | Kill | WakeAt
