"""The server as people see it: the states of the supervisor, and what is known of the process behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ServerState(StrEnum):
    """What the server is doing now. What is *wanted* of it is another thing (`Wanted`)."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    UNRESPONSIVE = "unresponsive"
    STOPPING = "stopping"
    WAITING = "waiting"
    FAILED = "failed"
    EXTERNAL = "external"

    @property
    def answers(self) -> bool:
        """True where requests can be sent."""
        return self in (ServerState.READY, ServerState.EXTERNAL)


class Wanted(StrEnum):
    """What the user wants of the server. "Stopped" means stopped: nothing starts it again by itself."""

    RUNNING = "running"
    STOPPED = "stopped"


@dataclass(frozen=True)
class ServerStatus:
    """A snapshot. `until` is the end of a back-off; `reason` and `log_tail` belong to a failure; `memory` is in bytes."""

    state: ServerState
    url: str = ""
    pid: int | None = None
    version: str = ""
    until: datetime | None = None
    attempt: int = 0
    reason: str = ""
    log_tail: str = ""
    memory: int | None = None
