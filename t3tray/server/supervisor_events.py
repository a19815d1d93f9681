"""Events for the supervisor, and the actions that it returns. Plain values; times are in seconds of one monotonic clock."""

from __future__ import annotations

from dataclasses import dataclass

from t3tray.errors import T3TrayError


@dataclass(frozen=True)
class Need:
    """A server is needed. Starts one unless the user stopped it or the budget of restarts is used up."""


@dataclass(frozen=True)
class Start:
    """The user starts the server: the budget of restarts is reset."""


@dataclass(frozen=True)
class Stop:
    """The user stops the server."""


@dataclass(frozen=True)
class Retire:
    """The server is idle: it ends, and the next `Need` starts it again."""


@dataclass(frozen=True)
class Restart:
    """The user replaces the server's process: the budget of restarts is reset."""


@dataclass(frozen=True)
class Spawned:
    """A process was started."""


@dataclass(frozen=True)
class Adopted:
    """A running server was joined. `age` is in seconds; an orphan has no other users, so it may be ended when it hangs."""

    age: float
    is_orphan: bool


@dataclass(frozen=True)
class SpawnFailed:
    """No process could be started. `is_final`: another attempt would fail the same way."""

    error: T3TrayError
    is_final: bool = False


@dataclass(frozen=True)
class Announced:
    """The server printed that it is listening."""

    run: int


@dataclass(frozen=True)
class Worked:
    """The server has used the processor or written data since the last such event."""

    run: int


@dataclass(frozen=True)
class Answered:
    """A health request succeeded."""

    run: int
    version: str


@dataclass(frozen=True)
class Missed:
    """A health request failed."""

    run: int
    error: T3TrayError


@dataclass(frozen=True)
class Exited:
    """The process and its descendants have ended. `error` describes an unexpected end."""

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
    """Join the running server or start one; followed by `Spawned`, `Adopted` or `SpawnFailed`."""


@dataclass(frozen=True)
class Probe:
    """Request the server's health; followed by `Answered` or `Missed` with the same `run`."""

    run: int


@dataclass(frozen=True)
class Terminate:
    """Send SIGTERM to the process."""


@dataclass(frozen=True)
class Kill:
    """Kill the process."""


@dataclass(frozen=True)
class WakeAt:
    """Send a `Tick` at this time, and none before."""

    at: float


Action = Spawn | Probe | Terminate | Kill | WakeAt
