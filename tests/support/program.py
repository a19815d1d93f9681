"""t3tray's own program as a user runs it: a process of its own in a scratch home."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LIMIT = 90.0


class Program:
    """Runs commands with one data directory and one OpenCode home. `environment` may be changed between two runs."""

    def __init__(self, data: Path, environment: dict[str, str]) -> None:
        self.data = data
        self.environment = {
            **environment,
            "T3TRAY_DATA_DIR": str(data),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "QT_QPA_PLATFORM": "offscreen",
        }

    def run(self, *words: str, code: int = 0) -> str:
        """The standard output of a command that must end with this code."""
        done = subprocess.run(
            self.argv(*words), env=self.environment, capture_output=True, text=True, timeout=LIMIT, stdin=subprocess.DEVNULL
        )
        assert done.returncode == code, f"{words} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        """The one document that a command prints with --json."""
        document: dict[str, Any] = json.loads(self.run(*words, "--json", code=code))
        return document

    @contextmanager
    def started(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """A command under way; it is killed at the end if it still runs."""
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
            # What it started may hold its output open.
            process.communicate(timeout=LIMIT)

    def argv(self, *words: str) -> list[str]:
        """The command line of t3tray with these words; without any, the tray app."""
        return [sys.executable, "-m", "t3tray", *words]
