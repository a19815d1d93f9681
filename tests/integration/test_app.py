"""The tray app and the command line together, as processes: one store, one server, and processes that die in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from t3tray.errors import ExitCode
from t3tray.messages.thread_names import RESUME_WANTED, UNKNOWN_THREAD
from tests.support.forked import Command
from tests.support.opencode import OpenCodeHome, RawServer
from tests.support.program import Program
from tests.support.stub_model import StubModel
from tests.support.waiting import lives, until

WORD = "PELICAN"


@pytest.fixture
def program(tmp_path: Path, opencode_home: OpenCodeHome) -> Iterator[Program]:
    running = Program(tmp_path / "data", opencode_home.environment)
    (tmp_path / "run").mkdir(mode=0o700)
    running.environment["XDG_RUNTIME_DIR"] = str(tmp_path / "run")
    yield running
    running.run("server", "stop")


@pytest.fixture
def thread(program: Program, tmp_path: Path) -> str:
    """A thread; the server that a command started for it stays."""
    program.run("server", "start")
    (tmp_path / "work").mkdir()
    made: str = program.json("new", "--dir", str(tmp_path / "work"), "--prompt", f"the codeword is {WORD}")["id"]
    return made


def holders(program: Program) -> list[int]:
    """Return which processes of ours hold the server's lease."""
    import sqlite3

    connection = sqlite3.connect(f"file:{program.data / 't3tray.sqlite'}?mode=ro", uri=True)
    try:
        return [pid for (pid,) in connection.execute("SELECT pid FROM lease_holders")]
    finally:
        connection.close()


# The app, whose user starts the server as soon as it is there.
SERVES = """
import os, sys
from PySide6.QtCore import QTimer
from t3tray.backend.backend import Backend
from t3tray.system.paths import data_directory
from t3tray.ui.application import Application

directory = data_directory(None, os.environ)
app = Application(directory, lambda publish: Backend.open(str(directory), "tray"))
user = QTimer()
user.timeout.connect(lambda: app.bridge and (user.stop(), app.bridge.start_server()))
user.start(20)
sys.exit(app.run())
"""


@contextmanager
def app_with_server(program: Program) -> Iterator[tuple[Command, int]]:
    """Run the app with a server that a command started; yields the app's process and the server's pid."""
    program.run("server", "start")
    with program.forked() as app:
        until(lambda: holders(program) == [app.pid], "the app's hold of the server")
        yield app, program.json("server", "status")["server"]["pid"]


def end(app: Command) -> None:
    app.terminate()
    assert app.wait(90) == 0


def started(argv: list[str], program: Program) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv, env=program.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def assert_remembers(program: Program, model: StubModel, thread: str) -> None:
    assert program.run("send", thread, "what is the codeword?").strip() == WORD
    assert f"the codeword is {WORD}" in model.words_sent()


def test_the_app_keeps_a_log_that_only_its_owner_can_read(program: Program) -> None:
    app, log = started(program.argv(), program), program.data / "logs" / "t3tray.log"
    try:
        until(log.exists, "the app's own log")
        assert os.name == "nt" or not log.stat().st_mode & 0o077
    finally:
        app.terminate()
        assert app.wait(90) == 0


def test_a_command_uses_the_servers_of_the_app(program: Program, model: StubModel, thread: str) -> None:
    with app_with_server(program) as (app, server):
        assert_remembers(program, model, thread)
        assert program.json("server", "status")["server"]["pid"] == server
        end(app)


def test_after_the_app_was_killed_a_follow_up_carries_the_context(program: Program, model: StubModel, thread: str) -> None:
    with app_with_server(program) as (app, server):
        app.kill()
        assert app.wait(90) == -signal.SIGKILL
    assert lives(server)
    assert_remembers(program, model, thread)
    with app_with_server(program) as (again, same):
        assert same == server
        end(again)


def test_the_next_start_takes_exactly_the_server_that_a_killed_app_left(
    program: Program, thread: str, opencode_home: OpenCodeHome
) -> None:
    program.run("server", "stop")
    with RawServer(opencode_home) as somebody_elses:
        first = started([sys.executable, "-c", SERVES], program)
        until(lambda: holders(program) == [first.pid], "the app's hold of a server")
        until(lambda: program.json("server", "status")["server"]["state"] == "ready", "a server of the app's own", 60)
        server = program.json("server", "status")["server"]["pid"]
        assert holders(program) == [first.pid]
        first.kill()
        first.wait()
        assert lives(server)

        with program.forked() as again:
            until(lambda: holders(program) == [again.pid], "the next app's hold of the server")
            assert program.json("server", "status")["server"]["pid"] == server
            end(again)
        assert not lives(server)
        assert lives(somebody_elses.pid)


def test_stopping_the_server_from_outside_is_no_crash_to_the_app(program: Program, thread: str) -> None:
    with app_with_server(program) as (app, server):
        program.run("server", "stop")
        until(lambda: not lives(server), "the server's end")
        assert program.json("server", "status")["server"]["state"] == "stopped"
        assert app.poll() is None
        end(app)
    assert program.json("server", "status")["server"]["state"] == "stopped"


def test_a_server_that_was_started_to_stay_outlives_the_app(program: Program, thread: str) -> None:
    with app_with_server(program) as (app, server):
        end(app)
    assert lives(server)


# The app, which prints the thread and the note that it shows, at each change.
SHOWS = """
import os, sys
from PySide6.QtCore import QTimer
from t3tray.backend.backend import Backend
from t3tray.system.paths import data_directory
from t3tray.ui.application import Application

def look():
    window, listing = app.window, app.bridge and app.bridge.listing
    if window and listing and listing.total:
        state = f"{window.threads.current()} {window.bar.message.text()}"
        if shown[-1:] != [state]:
            shown.append(state)
            print(state, flush=True)

shown = []
directory = data_directory(None, os.environ)
app = Application(directory, lambda publish: Backend.open(str(directory), "tray"), link=sys.argv[1])
user = QTimer()
user.timeout.connect(look)
user.start(20)
sys.exit(app.run())
"""


def test_a_link_shows_its_thread_and_nothing_is_started_or_written_for_it(
    program: Program, model: StubModel, thread: str, opencode_home: OpenCodeHome
) -> None:
    program.run("server", "stop")
    journal, said = program.json("journal"), model.words_sent()
    argv = [sys.executable, "-c", SHOWS, f"t3tray://thread/{thread}"]
    with subprocess.Popen(argv, env=program.environment, stdout=subprocess.PIPE, text=True) as app:
        try:
            assert app.stdout
            assert next(line for line in app.stdout if not line.startswith("None")) == f"{thread} \n"
            for link, shown in (("t3tray://thread/nobody", UNKNOWN_THREAD), (f"t3tray://resume/{thread}", RESUME_WANTED)):
                assert program.run(link) == ""
                assert app.stdout.readline() == f"{thread} {shown}\n"
            program.run(f"t3tray://resume/{thread}?now", code=ExitCode.USAGE)
        finally:
            app.terminate()
        assert app.wait(90) == 0
    assert not [*opencode_home.processes()], "no server"
    assert program.json("journal") == journal and model.words_sent() == said


def test_a_link_is_not_for_a_t3tray_without_a_window(program: Program) -> None:
    with program.started("run", "--json") as running:
        assert running.stdout
        assert any('"threads"' in line for line in running.stdout)
        done = subprocess.run(
            program.argv("t3tray://thread/a"), env=program.environment, capture_output=True, text=True, timeout=90, check=False
        )
        assert (done.returncode, done.stdout) == (ExitCode.REFUSED, "")
        assert f"t3tray is already running without a window (process {running.pid})." in done.stderr
        running.terminate()
        assert running.wait(90) == 0
