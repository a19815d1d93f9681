"""Commands of t3tray as real processes that start at once: forked from one that has everything imported.

To signals, limits, locks and other processes they are what `python -m t3tray` is; only its 0.7 s of imports are done before.
Run as a program it is the one that forks, for as long as its socket stands.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import inspect
import json
import os
import resource
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tests.support.program import LIMIT

_ROOT = Path(__file__).parents[2]
_TELLS_ITS_STACKS = signal.SIGUSR2


class Command:
    """A command under way; `returncode` is None until it was seen to end, -N when signal N ended it."""

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
        """Its exit code, None if it still runs after `timeout` seconds."""
        self._take(lambda: self.returncode is not None, timeout)
        return self.returncode

    def communicate(self, timeout: float = LIMIT) -> tuple[str, str]:
        """All that it wrote to stdout and stderr. Its stdin is closed; it is killed when it lives for longer."""
        self.close_stdin()
        if not self._take(lambda: self.returncode is not None, timeout):
            self.send_signal(_TELLS_ITS_STACKS)
            self._take(lambda: False, 1)
            self.kill()
            self.close()
            said = "".join(self._read[file].decode() for file in (self._out, self._err))
            raise AssertionError(f"a command did not end within {timeout:.0f} s:\n{said}")
        # What it started and left may hold its output open.
        self._take(lambda: self._open.get_map().keys() <= {self._status}, 0.2)
        said = self._read[self._out].decode(), self._read[self._err].decode()
        self.close()
        return said

    def ask(self, line: str, timeout: float = LIMIT) -> str:
        """Write a line to its stdin; the next line of its stdout, "" when it has ended."""
        try:
            os.write(self._stdin, f"{line}\n".encode())
        except BrokenPipeError:
            return ""
        self._take(lambda: b"\n" in self._read[self._out] or self.returncode is not None, timeout)
        answer, _, self._read[self._out] = self._read[self._out].partition(b"\n")
        assert answer or self.returncode is not None, f"no answer to {line} within {timeout:.0f} s"
        return answer.decode()

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        self.close_stdin()
        for file in [*self._open.get_map()]:
            self._forget(int(file))  # type: ignore[call-overload]
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
    """Starts commands with this environment. `close()` when done."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.forked", str(theirs.fileno())],
                env=environment,
                stdin=subprocess.DEVNULL,
                cwd=_ROOT,
                pass_fds=[theirs.fileno()],
            )

    def start(self, *words: str, file_size: int | None = None) -> Command:
        """A command that nobody types anything to. No file that it writes may grow above `file_size` bytes."""
        command = self._start({"words": words, "file_size": file_size})
        command.close_stdin()
        return command

    def start_tray(self) -> Command:
        """The tray's core (`tests.support.tray_core`), which takes its orders on stdin."""
        return self._start({"words": None, "file_size": None})

    def close(self) -> None:
        self._socket.close()
        self._process.wait(LIMIT)

    def _start(self, request: dict[str, object]) -> Command:
        pipes = [os.pipe() for _ in range(4)]
        (stdin, writes), *rest = pipes
        theirs = [stdin, *(end for _, end in rest)]
        try:
            socket.send_fds(self._socket, [json.dumps(request).encode()], theirs)
        finally:
            for end in theirs:
                os.close(end)
        return Command(*(end for end, _ in rest), writes)


def _serve(connection: socket.socket) -> dict[str, object] | None:
    """Fork a command for each request. Returns in the command's own process with what is asked of it, and here at the end."""
    while True:
        asked, files, _, _ = socket.recv_fds(connection, 65_536, 4)
        if not asked:
            return None
        assert threading.active_count() == 1, "a process with threads must not fork"
        if os.fork() == 0:
            connection.close()
            return _mind(json.loads(asked), *files)
        for file in files:
            os.close(file)


def _mind(request: dict[str, object], stdin: int, out: int, err: int, status: int) -> dict[str, object]:
    """Fork the command itself, and tell its pid and how it ended; returns in its process alone."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        for file, place in ((stdin, 0), (out, 1), (err, 2)):
            os.dup2(file, place)
        for file in (stdin, out, err, status):
            os.close(file)
        return request
    for file in (stdin, out, err):
        os.close(file)
    os.set_inheritable(status, False)
    os.write(status, b"%d\n" % pid)
    _, ended = os.waitpid(pid, 0)
    # Who asked may have gone away.
    with suppress(BrokenPipeError):
        os.write(status, b"%d\n" % os.waitstatus_to_exitcode(ended))
    os._exit(0)


def _run(request: dict[str, object]) -> NoReturn:
    # The threads alone would only show that the event loop waits; for what, its tasks tell.
    signal.signal(_TELLS_ITS_STACKS, _tell_tasks)
    faulthandler.register(_TELLS_ITS_STACKS, chain=True)
    # The streams of the process that was forked go by what its own files were: whether they can be sought in.
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    size, words = request["file_size"], request["words"]
    if isinstance(size, int):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if not isinstance(words, list):
        from tests.support import tray_core

        sys.exit(asyncio.run(tray_core.main()))
    from t3tray.__main__ import main

    sys.argv = ["t3tray", *map(str, words)]
    sys.exit(main())


def _tell_tasks(_number: int, _frame: FrameType | None) -> None:
    with suppress(RuntimeError):  # no loop runs in this thread
        for task in asyncio.all_tasks():
            print(f"{task.get_name()} waits in", *_places_of(task.get_coro()), sep="\n  ", file=sys.stderr, flush=True)


def _places_of(awaited: object) -> Iterator[str]:
    """From the outermost coroutine or generator to what it waits for in the end."""
    while awaited is not None:
        frames = (getattr(awaited, f"{kind}_frame", None) for kind in ("cr", "ag", "gi"))
        yield next(
            (f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}" for frame in frames if frame), repr(awaited)
        )
        nexts = (getattr(awaited, name, None) for name in ("cr_await", "ag_await", "gi_yieldfrom"))
        # An `anext` under way says nothing of its generator, but holds it.
        held = (each for each in gc.get_referents(awaited) if inspect.isasyncgen(each))
        awaited = next((each for each in (*nexts, *held) if each is not None), None)


if __name__ == "__main__":
    # What is imported here is imported by every command.
    import t3tray.commands
    import tests.support.tray_core  # noqa: F401

    assert t3tray.commands
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        request = _serve(connection)
    if request is not None:
        _run(request)
