"""`t3tray run`: t3tray without a window, with the tray app's backend; writes its changes to standard output until a signal.

Composition root of that face. It imports no Qt.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import select
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from t3tray.backend.backend import Backend
from t3tray.backend.running import OpenBackend, live
from t3tray.cli import json_documents
from t3tray.cli.interrupts import Interrupts
from t3tray.cli.output import say
from t3tray.cli.run_documents import error_line
from t3tray.cli.run_output import RunOutput
from t3tray.errors import ExitCode, T3TrayError
from t3tray.messages.bugs import UNEXPECTED, our_bug
from t3tray.system.forced_exit import HARD_END, end_at_last
from t3tray.system.instance_lock import InstanceHolder, InstanceLock, already_running
from t3tray.system.log_file import begin_log
from t3tray.system.paths import data_directory, log_directory

# In seconds: how long to wait at the end for a slow reader.
_LAST_LINES = 1.0
_log = logging.getLogger(__name__)

# Returns what opens the backend; the argument is the function that writes a line of progress.
MakeBackend = Callable[[Callable[[str], None]], OpenBackend]


def run(data_dir: str | None, as_json: bool, out: TextIO, err: TextIO) -> int:
    """Run until a signal, and return the exit code."""
    face = _Face(as_json, out, err)
    try:
        directory = data_directory(data_dir, os.environ)
    except T3TrayError as error:
        return face.leave(face.refuse(error))
    return face.leave(face.run(directory, lambda note: lambda publish: Backend.open(str(directory), "tray")))


def run_demo(as_json: bool, out: TextIO, err: TextIO) -> int:
    """Run on temporary demo data, which is removed at the end, and return the exit code."""
    from t3tray.demo.backend import open_demo
    from t3tray.demo.scratch import entered

    face = _Face(as_json, out, err)
    try:
        with entered() as (scratch, outside):
            code = face.run(scratch.data, lambda note: lambda publish: open_demo(scratch, outside, publish, note))
    except T3TrayError as error:
        code = face.refuse(error)
    return face.leave(code)


class _Face:
    def __init__(self, as_json: bool, out: TextIO, err: TextIO) -> None:
        self._as_json = as_json
        self._out = out
        self._err = err
        self._is_written = True
        self._code = ExitCode.DONE
        self._end: Callable[[], None] = lambda: None

    def run(self, directory: Path, make_backend: MakeBackend) -> int:
        lock = InstanceLock(directory)
        try:
            with Interrupts() as interrupts:
                if not lock.take(InstanceHolder.this_process(has_window=False)):
                    raise already_running(lock.holder())
                begin_log(log_directory(directory))
                output = RunOutput(self._as_json, self._out, directory, lambda: self._end())
                try:
                    asyncio.run(self._live(make_backend, output, interrupts))
                finally:
                    by = signal.Signals(interrupts.received).name if interrupts.received else None
                    output.write_line("ended", {"by": by}, "t3tray has ended.")
                    self._is_written = output.close(_LAST_LINES)
                return self._code
        except T3TrayError as error:
            return self.refuse(error)
        finally:
            lock.release()

    def refuse(self, error: T3TrayError) -> int:
        """Write the error that prevents the run, and return its exit code."""
        if self._as_json:
            with contextlib.suppress(OSError, ValueError):
                self._out.write(error_line(error))
                self._out.flush()
        else:
            self._say(error)
        return int(error.exit_code)

    def leave(self, code: int) -> int:
        """Return the exit code; exits immediately while output is still blocked by a reader."""
        if not self._is_written:
            # The writer's thread is blocked, and the interpreter would wait for that thread.
            logging.shutdown()
            os._exit(code)
        return code

    async def _live(self, make_backend: MakeBackend, output: RunOutput, interrupts: Interrupts) -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()

        def end() -> None:
            """End the run. Called from any thread, also while the event loop hangs."""
            end_at_last(HARD_END)
            with contextlib.suppress(RuntimeError):  # the loop is closed by now
                loop.call_soon_threadsafe(stop.set)

        def failed(error: BaseException) -> None:
            if isinstance(error, T3TrayError):
                ours = error
            else:
                _log.error(UNEXPECTED, exc_info=error)
                ours = our_bug(error)
            self._code = ours.exit_code
            output.write_line("error", json_documents.error_document(ours), "")
            self._say(ours)
            stop.set()

        self._end = end
        interrupts.on_first(end)
        if sys.platform == "win32":
            for number in (signal.SIGINT, signal.SIGBREAK):
                signal.signal(number, lambda *_: end())
        with _watched(self._out, end):
            await live(make_backend(output.note), output.publish, output.clicked, stop, failed)

    def _say(self, error: T3TrayError) -> None:
        if not self._as_json:
            say("\n".join(filter(None, (f"{error.title}: {error.message}", error.hint))) + "\n", self._err)


@contextlib.contextmanager
def _watched(out: TextIO, end: Callable[[], None]) -> Iterator[None]:
    """Call `end` when the reader of a pipe or socket is gone, also while nothing is written."""
    loop = asyncio.get_running_loop()
    try:
        number = out.fileno()
        mode = os.fstat(number).st_mode
    except (OSError, ValueError):
        number, mode = -1, 0
    if sys.platform == "win32" or not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        yield
        return

    def check() -> None:
        loop.remove_reader(number)
        poll = select.poll()
        poll.register(number, 0)
        if any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0)):
            end()

    loop.add_reader(number, check)
    try:
        yield
    finally:
        loop.remove_reader(number)
