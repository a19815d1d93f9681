"""Commands of t3tray as real processes without start-up time: forked from one that has imported everything (`fork_server`).

For signals, limits, locks and other processes they equal `python -m t3tray`; only its 0.7 s of imports are done beforehand.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tests.support.fork_server import ROOM, ROOM_VARIABLE, TELLS_ITS_STACKS

LIMIT = 90.0
_ROOT = Path(__file__).parents[2]
# Variables that the interpreter and the dynamic loader read only at their start: a forked process cannot change them.
_READ_ONCE = ("PYTHON", "LC_", "LANG", "LD_")
_READ_LATER = "PYTHON_KEYRING_BACKEND"


class Command:
    """A running command. `returncode` is None until its end was observed, -N if signal N ended it."""

    def __init__(self, out: int, err: int, status: int, stdin: int) -> None:
        self.returncode: int | None = None
        self._read = {out: b"", err: b"", status: b""}
        self._out, self._err, self._status = out, err, status
        self._stdin = stdin
        self._open = selectors.DefaultSelector()
        for file in self._read:
            self._open.register(file, selectors.EVENT_READ)
        self._take(lambda: b"\n" in self._read[status], LIMIT)
        self.pid = int(self._read[status].split(b"\n")[0])

    def poll(self) -> int | None:
        self._take(lambda: self.returncode is not None, 0)
        return self.returncode

    def wait(self, timeout: float) -> int | None:
        """Return its exit code, None if it still runs after `timeout` seconds."""
        self._take(lambda: self.returncode is not None, timeout)
        return self.returncode

    def communicate(self, timeout: float = LIMIT) -> tuple[str, str]:
        """Close its stdin and return all that it wrote to stdout and stderr. Kills it after the time limit."""
        self.close_stdin()
        if not self._take(lambda: self.returncode is not None, timeout):
            self.send_signal(TELLS_ITS_STACKS)
            self._take(lambda: False, 1)
            self.kill()
            self.close()
            stacks = "".join(self._read[file].decode() for file in (self._out, self._err))
            raise AssertionError(f"a command did not end within {timeout:.0f} s:\n{stacks}")
        # A process that it started and left may hold its output open.
        self._take(lambda: self._open.get_map().keys() <= {self._status}, 0.2)
        said = self._read[self._out].decode(), self._read[self._err].decode()
        self.close()
        return said

    def ask(self, line: str, timeout: float = LIMIT) -> str:
        """Write a line to its stdin; return the next line of its stdout, "" after its end."""
        try:
            self.write(line)
        except BrokenPipeError:
            return ""
        answer = self.read_line(timeout)
        assert answer or self.returncode is not None, f"no answer to {line} within {timeout:.0f} s"
        return answer

    def write(self, line: str) -> None:
        """Write a line to its stdin. Raises BrokenPipeError when it has ended."""
        os.write(self._stdin, f"{line}\n".encode())

    def read_line(self, timeout: float = LIMIT) -> str:
        """Return the next line of its stdout, "" after its end or the time limit."""
        self._take(lambda: b"\n" in self._read[self._out] or self.returncode is not None, timeout)
        line, _, self._read[self._out] = self._read[self._out].partition(b"\n")
        return line.decode()

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """End it. A second call does nothing."""
        self.close_stdin()
        for file in [*(self._open.get_map() or ())]:
            self._forget(int(file))
        self._open.close()

    def close_stdin(self) -> None:
        stdin, self._stdin = self._stdin, -1
        if stdin >= 0:
            os.close(stdin)

    def _take(self, is_enough: object, timeout: float) -> bool:
        assert callable(is_enough)
        deadline = time.monotonic() + timeout
        while True:
            ready = self._open.select(max(0, deadline - time.monotonic())) if self._open.get_map() else []
            for key, _ in ready:
                data = os.read(key.fd, 65_536)
                self._read[key.fd] += data
                if not data:
                    self._forget(key.fd)
            said = self._read[self._status].split(b"\n")
            if self.returncode is None and len(said) > 2:
                self.returncode = int(said[1])
            if is_enough():
                return True
            if not ready and time.monotonic() >= deadline:
                return False

    def _forget(self, file: int) -> None:
        self._open.unregister(file)
        os.close(file)


class Forker:
    """Starts commands, by default with this environment. Call `close()` at the end."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._asking = threading.Lock()
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.fork_server", str(theirs.fileno()), ROOM],
                env={**environment, ROOM_VARIABLE: ROOM},
                stdin=subprocess.DEVNULL,
                cwd=_ROOT,
                pass_fds=[theirs.fileno()],
            )

    def start(
        self,
        *words: str,
        file_size: int | None = None,
        environment: Mapping[str, str] | None = None,
        has_stderr: bool = True,
    ) -> Command:
        """A command that nobody types anything to, in this process's folder. No file that it writes may grow above `file_size`
        bytes; without `has_stderr` its standard error is closed."""
        request = {"words": words, "file_size": file_size, "environment": environment, "has_stderr": has_stderr}
        command = self._start(**request, folder=str(Path.cwd()))
        command.close_stdin()
        return command

    def start_tray(self) -> Command:
        """Start the tray's core (`tests.support.tray_core`), which reads its orders from stdin."""
        return self._start(words=(), module="tests.support.tray_core")

    def start_module(self, module: str, *words: str, environment: Mapping[str, str]) -> Command:
        """Start a module of the tests as a program, which may read its stdin."""
        return self._start(words=words, module=module, environment=dict(environment))

    def close(self) -> None:
        self._socket.close()
        self._process.wait(LIMIT)

    def _start(self, **request: object) -> Command:
        pipes = [os.pipe() for _ in range(4)]
        (stdin, writes), *rest = pipes
        theirs = [stdin, *(end for _, end in rest)]
        asked = json.dumps(request).encode()
        try:
            with self._asking:
                socket.send_fds(self._socket, [len(asked).to_bytes(4, "big")], theirs)
                self._socket.sendall(asked)
        finally:
            for end in theirs:
                os.close(end)
        out, err, status = (end for end, _ in rest)
        return Command(out, err, status, writes)


@cache
def shared_forker() -> Forker:
    """Return the forker of this process's tests; it ends with this process. Its HOME is no test's, so no test ends it."""
    return Forker({"PATH": os.environ["PATH"], "HOME": "/nonexistent"})


def can_fork(environment: Mapping[str, str]) -> bool:
    """Whether a command with this environment can be forked from `shared_forker`."""
    return sys.platform == "linux" and environment.keys() == forkable(environment).keys()


def forkable(environment: Mapping[str, str]) -> dict[str, str]:
    """Return this environment without what an interpreter reads once, at its start."""
    return {name: value for name, value in environment.items() if not name.startswith(_READ_ONCE) or name == _READ_LATER}
