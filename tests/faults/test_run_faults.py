"""`t3tray run` with a core that hangs or fails: it ends, and reports why or where."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# On Windows nothing but a console sends a signal.
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends by another signal")
HEADLESS = """
import os, signal, sys, time
from t3tray import headless
from t3tray.errors import StoreError
from tests.support.recording import RecordingBackend
from tests.support.views import READY, row
from t3tray.threads.snapshot import Snapshot

headless.HARD_END = 0.5
backend = RecordingBackend(Snapshot(READY, (row("a"),)))
def run(publish, clicked):
    {}
backend.answers["run"] = run
class Opened:
    @staticmethod
    async def open(directory, kind):
        return backend
headless.Backend = Opened
sys.exit(headless.run(sys.argv[1], True, sys.stdout, sys.stderr))
"""


def run(tmp_path: Path, broken: str) -> tuple[int, list[dict[str, Any]], str]:
    """Return the exit code, the printed objects, and standard error."""
    done = subprocess.run(
        [sys.executable, "-c", HEADLESS.format(broken), str(tmp_path / "data")],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_a_core_that_hangs_ends_all_the_same_and_says_where(tmp_path: Path) -> None:
    code, told, said = run(tmp_path, "os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)")
    assert code == 1 and [each["kind"] for each in told] == ["started"]
    assert "in run" in said


@pytest.mark.parametrize(
    ("broken", "code", "message"),
    [
        ("raise StoreError('It is damaged.')", 4, "It is damaged."),
        ("raise ZeroDivisionError('oops')", 1, "ZeroDivisionError: oops"),
    ],
)
def test_a_core_that_cannot_go_on_is_told_and_ends_with_its_own_code(
    tmp_path: Path, broken: str, code: int, message: str
) -> None:
    ended, told, _ = run(tmp_path, broken)
    assert ended == code and [each["kind"] for each in told] == ["started", "error", "ended"]
    assert told[1]["error"]["message"] == message and told[1]["error"]["code"] == code
