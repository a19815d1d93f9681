"""Servers as values: a program to start, the server that this process holds, one that its lease describes, an external one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from t3tray.server.port import HOST
from t3tray.server.process import AdoptedProcess, ServerProcess
from t3tray.store.server_lease import Lease, LeaseHolder
from t3tray.system.environment import SERVER_USER

# In seconds: how long another t3tray may take from its claim until it records the process.
FRESH = 60.0


@dataclass(frozen=True)
class ServerProgram:
    """Program, environment and working directory of a server to start. `port` 0 means any free port.

    `unpacked` is a folder used only for the libraries that OpenCode unpacks.
    """

    binary: Path
    environment: Mapping[str, str]
    cwd: Path
    unpacked: Path
    port: int = 0


@dataclass(frozen=True)
class ExternalServer:
    """A server that t3tray did not start: it is used, never ended, and has no lease."""

    url: str
    password: str | None
    user: str = SERVER_USER


@dataclass(frozen=True)
class ServerHandle:
    """The server that this process holds.

    `password` is None when it is no longer stored. `output_begin` is the offset of its output in the log, in bytes; None for an
    adopted server. `age` is in seconds. `is_orphan`: no other process held it when this one joined.
    """

    lease: Lease
    process: ServerProcess
    password: str | None
    output_begin: int | None = None
    age: float = 0.0
    is_orphan: bool = False

    @property
    def url(self) -> str:
        return _url_of(self.lease)

    @property
    def is_child(self) -> bool:
        """Whether this process started it."""
        return self.output_begin is not None


@dataclass(frozen=True)
class Sighting:
    """State of a lease. Without a process the server `is_coming` (another process is starting it), is dead, or runs on another
    machine, named by `elsewhere`, where its state cannot be read."""

    lease: Lease
    process: AdoptedProcess | None
    age: float
    others: tuple[LeaseHolder, ...]
    dead: tuple[LeaseHolder, ...]
    elsewhere: str = ""

    @property
    def url(self) -> str:
        return _url_of(self.lease)

    @property
    def is_coming(self) -> bool:
        is_young = self.lease.pid is None and bool(self.others) and self.age < FRESH
        return self.process is None and not self.elsewhere and is_young

    @property
    def is_orphan(self) -> bool:
        return not self.others and not self.lease.detached

    @property
    def was_cut_off(self) -> bool:
        """Whether the process that claimed it died before it recorded a server process."""
        return self.lease.pid is None and not self.others


def _url_of(lease: Lease) -> str:
    return f"http://{HOST}:{lease.port}"
