"""A question on a real terminal: answered by a line, and ended at once by Ctrl+C or a signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

pty = pytest.importorskip("pty")

LIMIT = 90
ASKS = """
import argparse, asyncio, sys
from typing import cast
from t3tray.cli.context import Command
from t3tray.backend.backend import Backend
command = Command(argparse.Namespace(json=False), sys.stdout, sys.stdout, backend=cast(Backend, None))
print("told", asyncio.run(command.ask("Do it? ")))
"""


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


@contextmanager
def asking(theirs: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", ASKS]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(ours: int, words: bytes) -> None:
    read = b""
    while words not in read:
        read += os.read(ours, 1000)


def test_a_line_answers(terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    with asking(theirs) as process:
        read_until(ours, b"Do it? ")
        os.write(ours, b" yes \n")
        read_until(ours, b"told yes")
        assert process.wait(LIMIT) == 0


@pytest.mark.parametrize("wish", [signal.SIGINT, signal.SIGTERM])
def test_nobody_has_to_type_a_line_to_leave(terminal: tuple[int, int], wish: signal.Signals) -> None:
    ours, theirs = terminal
    with asking(theirs) as process:
        read_until(ours, b"Do it? ")
        process.send_signal(wish)
        assert process.wait(LIMIT) != 0
