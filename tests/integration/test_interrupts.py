"""The second Ctrl+C ends a command at once, whatever it waits for; the first one ends it in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.integration.test_killed_commands import servers_of
from tests.support.opencode import OpenCodeHome
from tests.support.program import Program
from tests.support.stub_model import StubModel

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
LIMIT = 90
# Its main thread waits in the system for ever, as in a call to a disk that does not answer.
WAITS = """
import os, sys
from t3tray.cli import interrupts
interrupts.ONE_PRESS = float(sys.argv[1])
with interrupts.Interrupts() as heard:
    heard.on_first(lambda: print("first", heard.received, flush=True))
    print("ready", flush=True)
    os.read(0, 1)
print("in order", flush=True)
"""


@contextmanager
def waiting(one_press: float = 0, **how: Any) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-c", WAITS, str(one_press)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **how) as process:
        try:
            assert process.stdout and process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


@pytest.mark.parametrize("wish", [signal.SIGINT, signal.SIGTERM])
def test_the_second_ends_a_process_whose_main_thread_waits_for_ever(wish: signal.Signals) -> None:
    with waiting() as process:
        process.send_signal(wish)
        assert line(process) == f"first {wish.value}"
        process.send_signal(wish)
        assert process.wait(LIMIT) == 128 + wish


def test_one_press_that_is_told_twice_and_a_closing_terminal_are_one_wish() -> None:
    with waiting(one_press=1000) as process:
        process.send_signal(signal.SIGINT)
        assert line(process) == f"first {signal.SIGINT.value}"
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGHUP)
        assert process.stdin
        process.stdin.close()
        assert line(process) == "in order" and process.wait(LIMIT) == 0


def test_what_was_ignored_at_the_start_stays_ignored() -> None:
    with waiting(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) as process:
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        assert line(process) == f"first {signal.SIGTERM.value}"


def test_a_command_that_waits_for_its_server_ends_at_once_and_the_next_one_clears_up(
    tmp_path: Path, opencode_home: OpenCodeHome, model: StubModel
) -> None:
    program = Program(tmp_path / "data", opencode_home.environment)
    (tmp_path / "work").mkdir()
    thread = program.json("new", "--dir", str(tmp_path / "work"), "--prompt", "the codeword is PLOVER")["id"]
    with program.started("send", thread, "hold it") as sending:
        model.wait_for_chats(2, LIMIT)
        (server,) = servers_of(program)
        os.kill(server, signal.SIGSTOP)
        try:
            while sending.poll() is None:
                sending.send_signal(signal.SIGINT)
                try:
                    sending.wait(0.3)
                except subprocess.TimeoutExpired:
                    continue
            assert sending.returncode == 128 + signal.SIGINT
        finally:
            model.release()
            if psutil.pid_exists(server):
                os.kill(server, signal.SIGCONT)
    assert program.json("resume", thread)["session_id"]
    assert servers_of(program) == []
