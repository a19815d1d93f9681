"""t3tray's program in a scratch home: `run` forks its process, `started` starts a new one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.forked import LIMIT, Command, Forker, can_fork, shared_forker
from tests.support.opencode import RawServer


def run_command(*words: str, environment: Mapping[str, str], forker: Forker | None = None) -> tuple[int, str, str]:
    """Run t3tray with these arguments, in a forked process if that is equivalent. Return exit code, stdout and stderr.

    A `forker` of the test was started with the variables that an interpreter reads only at its start.
    """
    if words and (forker or can_fork(environment)):
        command = (forker or shared_forker()).start(*words, environment=environment)
        out, err = command.communicate()
        assert command.returncode is not None
        return command.returncode, out, err
    argv = [sys.executable, "-m", "t3tray", *words]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=LIMIT, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


class Program:
    """Runs commands with one data directory and one OpenCode home. `environment` may be changed between runs."""

    def __init__(self, data: Path, environment: dict[str, str]) -> None:
        self.data = data
        self.forker: Forker | None = None
        self.environment = {
            **environment,
            "T3TRAY_DATA_DIR": str(data),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "QT_QPA_PLATFORM": "offscreen",
        }

    def run(self, *words: str, code: int = 0) -> str:
        """Run a command that must exit with this code; return its standard output."""
        ended, out, err = run_command(*words, environment=self.environment, forker=self.forker)
        assert ended == code, f"{words} ended with {ended}\n{out}\n{err}"
        return out

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        """Run a command with --json; return its document."""
        document: dict[str, Any] = json.loads(self.run(*words, "--json", code=code))
        return document

    @contextmanager
    def started(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """Start a command; kill it at the end if it still runs."""
        process = subprocess.Popen(
            self.argv(*words),
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            # A process that it started may hold its output open.
            process.communicate(timeout=LIMIT)

    @contextmanager
    def forked(self, *words: str) -> Iterator[Command]:
        """Start a command, without words the tray app, in a forked process; kill it at the end if it still runs."""
        assert can_fork(self.environment)
        command = shared_forker().start(*words, environment=self.environment)
        try:
            yield command
        finally:
            command.kill()
            command.wait(LIMIT)
            command.close()

    def argv(self, *words: str) -> list[str]:
        """Return t3tray's command line with these arguments; without any, the tray app."""
        return [sys.executable, "-m", "t3tray", *words]


class ServedProgram(Program):
    """A `Program` beside a running server, which is passed only to commands that need one. So no command starts a server of
    its own, and commands that only read find none and read the database."""

    _NEED_ONE = frozenset({"new", "adopt", "resume", "send", "remedy", "doctor"})

    def __init__(self, data: Path, server: RawServer) -> None:
        super().__init__(data, server.home.environment)
        self._server = server

    def run(self, *words: str, code: int = 0) -> str:
        if words[0] not in self._NEED_ONE:
            return super().run(*words, code=code)
        alone, self.environment = self.environment, self.environment | self._server.environment
        try:
            return super().run(*words, code=code)
        finally:
            self.environment = alone
