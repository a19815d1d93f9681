"""The process of a managed server: started by this process, or by an earlier t3tray.

Starts, recognises, watches and ends processes; when to do so is decided elsewhere. A process is recognised by the token in its
environment, never by its name. All functions block briefly: call them in worker threads.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from threading import Event, Lock, Thread

import psutil

from t3tray.errors import ServerFailed
from t3tray.server.process_family import serves, serving
from t3tray.system.environment import INSTANCE_VARIABLE
from t3tray.system.process_identity import has_started, start_id, while_it_lives

GRACE = 3.0
_POLL = 0.02


class ServerProcess(ABC):
    """A server with its process group on POSIX, or its children on Windows.

    `started` is in seconds since the epoch; `start` is its `start_id`.
    """

    def __init__(self, process: psutil.Process, leads_group: bool) -> None:
        """Raises psutil.Error when the process has ended."""
        self.pid = process.pid
        self.started = process.create_time()
        self.start = start_id(process.pid)
        self._process = process
        self._leads_group = leads_group
        self._ended = Event()
        self._watching = Lock()
        self._watcher: Thread | None = None
        self._on_end: Callable[[int | None], None] | None = None

    def watch(self, on_end: Callable[[int | None], None]) -> None:
        """Call `on_end` once at the end, from a separate thread, with the exit code; None where only the parent can read it."""
        self._on_end = on_end
        self._begin_to_watch()

    def has_ended(self, within: float) -> bool:
        """Wait up to `within` seconds for the end, and return whether it has ended."""
        self._begin_to_watch()
        return self._ended.wait(within)

    def terminate(self) -> None:
        """Send the signal to end (SIGTERM). Does nothing when the process has ended."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        if sys.platform == "win32":
            self._signal(signal.SIGTERM)
        else:
            self._signal(signal.SIGKILL)

    def end(self) -> None:
        """Terminate the process, and kill it after `GRACE` seconds. Returns when it has ended, after a few seconds at most."""
        self.terminate()
        if not self.has_ended(GRACE):
            self.kill()
            self.has_ended(1.0)

    def program(self) -> str:
        """Return the path of the program, which is the argument before `serve`; empty where the command line cannot be read."""
        try:
            words = self._process.cmdline()
        except psutil.Error:
            return ""
        return next((word for word, following in pairwise(words) if following == "serve"), "")

    def memory(self) -> int | None:
        """Return the resident memory of the server (not of a shim) in bytes, or None when it has ended."""
        held = []
        for process in serving(self.pid):
            with suppress(psutil.Error):
                held.append(process.memory_info().rss)
        return max(held, default=None)

    @abstractmethod
    def _wait(self) -> int | None:
        """Wait until the process has ended, and return its exit code where it can be read."""

    @abstractmethod
    def _is_alive(self) -> bool: ...

    def _signal(self, how: signal.Signals) -> None:
        if not self._is_alive():
            return
        # macOS reports "not permitted" for a group that has only zombies.
        with suppress(ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            if sys.platform == "win32":
                for process in (*self._process.children(recursive=True), self._process):
                    with suppress(psutil.NoSuchProcess):
                        process.terminate()
            elif self._leads_group:
                os.killpg(self.pid, how)
            else:
                self._process.send_signal(how)

    def _begin_to_watch(self) -> None:
        with self._watching:
            if self._watcher is None:
                self._watcher = Thread(target=self._watch, name=f"server-{self.pid}", daemon=True)
                self._watcher.start()

    def _watch(self) -> None:
        code = self._wait()
        if self._leads_group:
            _end_group(self.pid)
        self._ended.set()
        if self._on_end:
            self._on_end(code)


class ChildProcess(ServerProcess):
    """A server that this process started."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        super().__init__(psutil.Process(child.pid), sys.platform != "win32")
        self._child = child

    def _wait(self) -> int | None:
        return self._child.wait()

    def _is_alive(self) -> bool:
        return self._child.poll() is None


class AdoptedProcess(ServerProcess):
    """A server that another process of ours started."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(process, _leads_group(process.pid))

    def _wait(self) -> None:
        _wait_for_end(self.pid)
        while self._is_alive():
            with suppress(psutil.TimeoutExpired):
                self._process.wait(1.0)

    def _is_alive(self) -> bool:
        # Where no process reaps orphans (for example in a container), an ended one stays in the process table.
        with while_it_lives():
            return self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE
        return False


def spawn(arguments: Sequence[str], environment: Mapping[str, str], folder: Path, output: int) -> ChildProcess:
    """Start a server in a new session, so that closing the terminal does not end it. It writes to the descriptor `output`.

    Raises ServerFailed.
    """
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    try:
        child = subprocess.Popen(
            arguments,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=sys.platform != "win32",
            creationflags=flags,
        )
    except OSError as error:
        raise ServerFailed(f"{arguments[0]} cannot be started: {error.strerror or error}.") from error
    # An ended child stays in the process table until it is waited for, so it still exists here.
    return ChildProcess(child)


def recognise(pid: int, started: float, token: str, port: int, start: str = "") -> AdoptedProcess | None:
    """Return the process with this pid if it is our server; None if it has ended or the pid was reused.

    `started` and `start` as in `process_identity.is_running`.
    """
    with while_it_lives():
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        environment = _environment(process)
        # macOS returns an empty environment for many processes whose environment may not be read.
        is_ours = (
            environment.get(INSTANCE_VARIABLE) == token
            if environment
            else has_started(process, started, start) and serves(process, port)
        )
        if is_ours:
            return AdoptedProcess(process)
    return None


def search(token: str, port: int) -> AdoptedProcess | None:
    """Return the server with this token, searching all processes whose environment may be read.

    A server's children inherit its environment, so its arguments are compared too, and it must lead its process group.
    """
    for process in psutil.process_iter():
        with while_it_lives(), suppress(psutil.AccessDenied):
            if process.environ().get(INSTANCE_VARIABLE) != token or not serves(process, port):
                continue
            if sys.platform == "win32" or _leads_group(process.pid):
                return AdoptedProcess(process)
    return None


def _wait_for_end(pid: int) -> None:
    """Wait for the end of any process (Linux only). Returns immediately on other systems, and when it has ended."""
    if sys.platform != "linux":
        return
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.poll()
    finally:
        os.close(descriptor)


def _leads_group(pid: int) -> bool:
    return sys.platform != "win32" and os.getpgid(pid) == pid


def _environment(process: psutil.Process) -> dict[str, str]:
    """Return the environment; empty where it may not be read."""
    try:
        return process.environ()
    except psutil.AccessDenied:
        return {}


def _end_group(group: int) -> None:
    """End the rest of a group whose leader has ended: when a wrapper dies, the server that it started keeps running."""
    if sys.platform == "win32":
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGTERM)
        left = [process for process in psutil.process_iter() if _is_in(process, group)]
        limit = time.monotonic() + GRACE
        while time.monotonic() < limit and any(_is_in(process, group) for process in left):
            time.sleep(_POLL)
        os.killpg(group, signal.SIGKILL)


def _is_in(process: psutil.Process, group: int) -> bool:
    """Return whether the process is alive (not a zombie) and belongs to the group."""
    with while_it_lives():
        return sys.platform != "win32" and os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    return False
