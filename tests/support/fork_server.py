"""The program behind `forked`: imports everything once, and forks a command for each request until its socket is closed."""

from __future__ import annotations

import asyncio
import atexit
import ctypes
import faulthandler
import gc
import importlib
import inspect
import json
import os
import resource
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

TELLS_ITS_STACKS = signal.SIGUSR2
# An argument and a variable of this program's: the space in which the system shows a command's own ones.
ROOM = "x" * 65_536
ROOM_VARIABLE = "T3TRAY_TEST_ROOM"


def _serve(connection: socket.socket) -> dict[str, Any] | None:
    """Fork a command for each request. Returns in the command's process with its request, and in this one at the end."""
    while True:
        size, files, _, _ = socket.recv_fds(connection, 4, 4)
        if not size:
            return None
        asked = b""
        while len(asked) < int.from_bytes(size, "big"):
            asked += connection.recv(int.from_bytes(size, "big") - len(asked))
        assert threading.active_count() == 1, "a process with threads must not fork"
        if os.fork() == 0:
            connection.close()
            return _mind(json.loads(asked), *files)
        for file in files:
            os.close(file)


def _mind(request: dict[str, Any], stdin: int, out: int, err: int, status: int) -> dict[str, Any]:
    """Fork the command, and report its pid and exit status; returns only in its process."""
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
    # The client may be gone.
    with suppress(BrokenPipeError):
        os.write(status, b"%d\n" % os.waitstatus_to_exitcode(ended))
    os._exit(0)


def _run(
    words: Sequence[str],
    file_size: int | None = None,
    folder: str = "",
    module: str = "",
    has_stderr: bool = True,
    **rest: Any,
) -> NoReturn:
    # The threads alone would only show that the event loop is waiting; its tasks show for what.
    signal.signal(TELLS_ITS_STACKS, _tell_tasks)
    faulthandler.register(TELLS_ITS_STACKS, chain=True)
    # The inherited streams remember properties of this process's own files: whether they are seekable.
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if not has_stderr:
        os.close(2)
        sys.stderr = None  # as the interpreter has it then
    if rest.get("environment") is not None:
        _take_environment(rest["environment"])
    if folder:
        os.chdir(folder)
    if file_size is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    sys.argv = [module or "t3tray", *words]
    _show([sys.executable, "-m", *sys.argv])
    _end(importlib.import_module(module or "t3tray.__main__").main)


def _end(main: Callable[[], int | None]) -> NoReturn:
    """Exit as the interpreter does with what `main` returns or raises, but leave the modules in place: taking them apart costs
    50 ms of a core, more than most commands."""
    try:
        code = main()
    except SystemExit as end:
        if end.code is not None and not isinstance(end.code, int):
            raise
        code = end.code
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    gc.collect()  # unclosed resources warn
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream:
                stream.flush()
    except (OSError, ValueError):
        sys.exit(code)
    os._exit(code or 0)


def _take_environment(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    time.tzset()


def _show(words: Sequence[str]) -> None:
    """Make the system show these arguments and this environment for this process, as for one that was started with them."""
    if sys.platform != "linux":
        return
    places = [int(number) for number in Path("/proc/self/stat").read_text().rpartition(")")[2].split()[45:49]]
    variables = [f"{name}={value}" for name, value in os.environ.items()]
    for texts, (begin, end) in ((words, places[:2]), (variables, places[2:])):
        content = "".join(f"{text}\0" for text in texts).encode(errors="surrogateescape")[: end - begin - 1]
        ctypes.memmove(begin, content.ljust(end - begin, b"\0"), end - begin)


def _tell_tasks(_number: int, _frame: FrameType | None) -> None:
    with suppress(RuntimeError):  # no loop runs in this thread
        for task in asyncio.all_tasks():
            print(f"{task.get_name()} waits in", *_places_of(task.get_coro()), sep="\n  ", file=sys.stderr, flush=True)


def _places_of(awaited: object) -> Iterator[str]:
    """Return the places from the outermost coroutine or generator to what it finally waits for."""
    while awaited is not None:
        frames = (getattr(awaited, f"{kind}_frame", None) for kind in ("cr", "ag", "gi"))
        yield next(
            (f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}" for frame in frames if frame), repr(awaited)
        )
        nexts = (getattr(awaited, name, None) for name in ("cr_await", "ag_await", "gi_yieldfrom"))
        # A running `anext` does not expose its generator, but references it.
        held = (each for each in gc.get_referents(awaited) if inspect.isasyncgen(each))
        awaited = next((each for each in (*nexts, *held) if each is not None), None)


if __name__ == "__main__":
    # These modules are imported by every command. keyring is not: it chooses its backend by the environment.
    import alembic.command  # noqa: F401

    import t3tray.cli.run
    import tests.support.server_owner
    import tests.support.tray_core  # noqa: F401

    # Libraries import these when they are first used. Which of the last four keyring needs depends on Python's version.
    later = ("_strptime", "encodings.ascii", "httpcore", "anyio._backends._asyncio")
    for name in (*later, "jaraco.classes.properties", "jaraco.context", "jaraco.functools", "importlib_metadata"):
        with suppress(ImportError):
            importlib.import_module(name)

    assert t3tray.cli.run and "keyring" not in sys.modules
    os.environ.pop(ROOM_VARIABLE, None)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        request = _serve(connection)
    if request is not None:
        _run(**request)
