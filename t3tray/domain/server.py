"""The managed server's state as people see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ServerState(StrEnum):
    """What the server does now. What is *wanted* of it is another value (`Wanted`)."""

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
        """Whether requests can be sent."""
        return self in (ServerState.READY, ServerState.EXTERNAL)


class Wanted(StrEnum):
    """What the user wants of the server. STOPPED: nothing starts it again by itself."""

    RUNNING = "running"
    STOPPED = "stopped"


@dataclass(frozen=True)
class ServerStatus:
    """The server's status. `until` is the end of a back-off; `reason` and `log_tail` belong to a failure; `memory` is in
    bytes."""

    state: ServerState
    url: str = ""
    pid: int | None = None
    version: str = ""
    until: datetime | None = None
    attempt: int = 0
    reason: str = ""
    log_tail: str = ""
    memory: int | None = None
