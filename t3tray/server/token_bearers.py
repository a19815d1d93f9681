"""Processes that carry the token of a server of ours: found by it alone, whatever our data says.

A token begins with the mark of the data folder that it belongs to. What a server starts inherits its environment, so the words
that a process was started with count too. Everything blocks, for some 10 ms: for worker threads.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

import psutil

from t3tray.server.process import GRACE, AdoptedProcess
from t3tray.server.process_family import port_of
from t3tray.system.environment import INSTANCE_VARIABLE, PASSWORD_VARIABLE
from t3tray.system.paths import real_path
from t3tray.system.process_identity import while_it_lives


@dataclass(frozen=True)
class Stray:
    """A server of a data folder, as its process tells; `process` leads the others that carry the token."""

    process: AdoptedProcess
    token: str
    port: int
    password: str


def new_token(folder: Path) -> str:
    """For one server of this data folder."""
    return _mark(folder) + token_hex(10)


def find_stray(folder: Path) -> Stray | None:
    """The server of this data folder that runs, the oldest where there are several. Of what it started nothing counts."""
    mark = _mark(folder)
    found = sorted(_bearers(mark), key=lambda bearer: bearer[0].create_time())
    for process, environment, port in found:
        with while_it_lives(), suppress(psutil.AccessDenied):
            return Stray(AdoptedProcess(process), environment[INSTANCE_VARIABLE], port, environment.get(PASSWORD_VARIABLE, ""))
    return None


def end_bearers(token: str, port: int | None = None) -> int:
    """End every server with this token (or a token that begins so), at the `port` if one is named; how many there were.

    A shim that is killed leaves the server behind that it had started.
    """
    left = [process for process, _, at in _bearers(token) if port in (None, at)]
    for process in left:
        with suppress(psutil.Error):
            process.terminate()
    _, stubborn = psutil.wait_procs(left, timeout=GRACE)
    for process in stubborn:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=1.0)
    return len(left)


def end_strays(folder: Path) -> int:
    """End every server of this data folder; how many there were."""
    return end_bearers(_mark(folder))


def _bearers(beginning: str) -> Iterator[tuple[psutil.Process, dict[str, str], int]]:
    """The servers whose token begins so, with their environment and port."""
    for process in psutil.process_iter():
        with while_it_lives(), suppress(psutil.AccessDenied, OSError):
            # The words first: they cost less, and hardly any process has them.
            port = port_of(process.cmdline())
            if port is None or process.status() == psutil.STATUS_ZOMBIE:
                continue
            environment = process.environ()
            if environment.get(INSTANCE_VARIABLE, "").startswith(beginning):
                yield process, environment, port


def _mark(folder: Path) -> str:
    path = str(real_path(folder))
    return sha256((path.casefold() if sys.platform == "win32" else path).encode(errors="surrogateescape")).hexdigest()[:12]
