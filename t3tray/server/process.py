"""The process of a managed server: one that we started, or one of ours that an earlier t3tray left running.

It owns how a process is started, known again, watched and ended; it decides none of that. A process is known by the token in its
environment, never by its name. Everything blocks for a moment: for worker threads.
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
    """A server and what belongs to it: its process group on POSIX, its children on Windows.

    `started` is in s since the epoch, `start` its `start_id`.
    """

    def __init__(self, process: psutil.Process, leads_group: bool) -> None:
        """Raises psutil.Error when it is gone already."""
        self.pid = process.pid
        self.started = process.create_time()
        self.start = start_id(process.pid)
        self._process = process
        self._leads_group = leads_group
        self._ended = Event()
        self._watching = Lock()
        self._watcher: Thread | None = None
        self._tell: Callable[[int | None], None] | None = None

    def watch(self, tell: Callable[[int | None], None]) -> None:
        """Have the end told, once, from a thread of its own: the exit code, or None where only a parent may know it."""
        self._tell = tell
        self._begin_to_watch()

    def has_ended(self, within: float) -> bool:
        """Whether it ends within so many seconds."""
        self._begin_to_watch()
        return self._ended.wait(within)

    def terminate(self) -> None:
        """Ask it to end. Nothing happens when it is gone."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        if sys.platform == "win32":
            self._signal(signal.SIGTERM)
        else:
            self._signal(signal.SIGKILL)

    def end(self) -> None:
        """Ask it to end, and end it when it has not within the grace. Returns when it is gone, a few seconds at most."""
        self.terminate()
        if not self.has_ended(GRACE):
            self.kill()
            self.has_ended(1.0)

    def program(self) -> str:
        """The path of the program that serves, empty where that cannot be told: it stands before its `serve`."""
        try:
            words = self._process.cmdline()
        except psutil.Error:
            return ""
        return next((word for word, following in pairwise(words) if following == "serve"), "")

    def memory(self) -> int | None:
        """What the server holds of the machine's memory, in bytes: it, not the shim before it. None when it is gone."""
        held = []
        for process in serving(self.pid):
            with suppress(psutil.Error):
                held.append(process.memory_info().rss)
        return max(held, default=None)

    @abstractmethod
    def _wait(self) -> int | None:
        """Until the process itself is gone; its exit code where that can be known."""

    @abstractmethod
    def _is_alive(self) -> bool: ...

    def _signal(self, how: signal.Signals) -> None:
        if not self._is_alive():
            return
        # macOS says "not permitted" of a group in which only the dead are left.
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
        if self._tell:
            self._tell(code)


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
        # Where nobody waits for orphans (a container's first process may not) a dead one stays in the process table.
        with while_it_lives():
            return self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE
        return False


def spawn(arguments: Sequence[str], environment: Mapping[str, str], folder: Path, output: int) -> ChildProcess:
    """Start a server in a session of its own, so that a closed terminal does not end it; it writes to the descriptor `output`.

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
    # Until it is waited for it stays in the process table, so it cannot be gone yet, however short it lives.
    return ChildProcess(child)


def recognise(pid: int, started: float, token: str, port: int, start: str = "") -> AdoptedProcess | None:
    """That process if it is our server, None if it is gone or another one that has got its number. `started` and `start` as in
    `process_identity.is_running`."""
    with while_it_lives():
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        environment = _environment(process)
        # An environment without a word is one that may not be read: so macOS answers for many.
        is_ours = (
            environment.get(INSTANCE_VARIABLE) == token
            if environment
            else has_started(process, started, start) and serves(process, port)
        )
        if is_ours:
            return AdoptedProcess(process)
    return None


def search(token: str, port: int) -> AdoptedProcess | None:
    """The server with this token, among all processes that we may look into.

    What a server starts inherits its environment, so the words that it was started with count too, and that it leads its group.
    """
    for process in psutil.process_iter():
        with while_it_lives(), suppress(psutil.AccessDenied):
            if process.environ().get(INSTANCE_VARIABLE) != token or not serves(process, port):
                continue
            if sys.platform == "win32" or _leads_group(process.pid):
                return AdoptedProcess(process)
    return None


def _wait_for_end(pid: int) -> None:
    """Until it ends, where the system can tell that of any process; elsewhere, and where it is gone, return at once."""
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
    """Empty where it may not be read."""
    try:
        return process.environ()
    except psutil.AccessDenied:
        return {}


def _end_group(group: int) -> None:
    """End what is left of a group whose leader is gone: a wrapper's death leaves the server behind that it had started."""
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
    """Whether it lives and belongs to the group. One that nobody has waited for yet lives no more."""
    with while_it_lives():
        return sys.platform != "win32" and os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    return False
