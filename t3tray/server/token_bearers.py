"""Server processes found by the token in their environment, independently of our data.

A token begins with a prefix computed from its data folder. A server's children inherit its environment, so the arguments of a
process are checked too. All functions block for about 10 ms: call them in worker threads.
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
    """A server of a data folder, read from its process; `process` is the first of those with the token."""

    process: AdoptedProcess
    token: str
    port: int
    password: str


def new_token(folder: Path) -> str:
    """Return a new token for a server of this data folder."""
    return _mark(folder) + token_hex(10)


def find_stray(folder: Path) -> Stray | None:
    """Return the running server of this data folder, the oldest where there are several. Its child processes do not count."""
    mark = _mark(folder)
    found = sorted(bearers(mark), key=lambda bearer: bearer[0].create_time())
    for process, environment, port in found:
        with while_it_lives(), suppress(psutil.AccessDenied):
            return Stray(AdoptedProcess(process), environment[INSTANCE_VARIABLE], port, environment.get(PASSWORD_VARIABLE, ""))
    return None


def end_bearers(token: str, port: int | None = None) -> int:
    """End all servers whose token begins with `token`, only those on `port` if it is given, and return their number.

    When a shim is killed, the server that it started keeps running.
    """
    left = [process for process, _, at in bearers(token) if port in (None, at)]
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
    """End all servers of this data folder, and return their number."""
    return end_bearers(_mark(folder))


def bearers(beginning: str) -> Iterator[tuple[psutil.Process, dict[str, str], int]]:
    """Yield the servers whose token has this beginning, with environment and port."""
    for process in psutil.process_iter():
        with while_it_lives(), suppress(psutil.AccessDenied, OSError):
            # The arguments first: they are cheaper to read, and exclude nearly all processes.
            port = port_of(process.cmdline())
            if port is None or process.status() == psutil.STATUS_ZOMBIE:
                continue
            environment = process.environ()
            if environment.get(INSTANCE_VARIABLE, "").startswith(beginning):
                yield process, environment, port


def _mark(folder: Path) -> str:
    path = str(real_path(folder))
    return sha256((path.casefold() if sys.platform == "win32" else path).encode(errors="surrogateescape")).hexdigest()[:12]
