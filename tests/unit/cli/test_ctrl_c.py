"""Ctrl+C at any moment of a command: 130 or, once it is done, its own exit code; never a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there Ctrl+C is no signal")
PRESS = "os.kill(os.getpid(), signal.SIGINT)"
# `before` is done first, `after` when the command has ended.
PROGRAM = """
import atexit, os, signal, sys
from t3tray.cli import parser
from t3tray.__main__ import main
def press(*words):
    {press}
{before}
code = main()
{after}
sys.exit(code)
"""


def ends_with(before: str, after: str, folder: Path) -> tuple[int, str]:
    program = PROGRAM.format(press=PRESS, before=before, after=after)
    words = [sys.executable, "-c", program, "journal", "--data-dir", str(folder)]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90)
    return done.returncode, done.stderr


@pytest.mark.process
@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("parser.parse = press", "", 130),
        ("parser.run = press", "", 130),
        ("", PRESS, 130),
        ("atexit.register(press)", "", 0),
    ],
    ids=["before its words are read", "before it hears signals", "after its end", "in the interpreter's last moments"],
)
def test_it_is_no_traceback(before: str, after: str, code: int, tmp_path: Path) -> None:
    assert ends_with(before, after, tmp_path) == (code, "")
