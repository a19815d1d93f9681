"""t3tray without a display, as a process: the table, an alarm, the same lock as with a window, and an orderly end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from t3tray.errors import ExitCode
from tests.support.forked import LIMIT
from tests.support.opencode import OpenCodeHome, RawServer
from tests.support.program import Program
from tests.support.t3_player import T3Code
from tests.support.t3_world import World, empty_world
from tests.support.waiting import lives, until

pytestmark = pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="there is always a screen")
# As `t3tray run` promises, and the interpreter's own end.
END = 120.0


@pytest.fixture
def program(tmp_path: Path, opencode_home: OpenCodeHome) -> Program:
    """The program on a machine without a display."""
    made = Program(tmp_path / "data", opencode_home.environment)
    del made.environment["QT_QPA_PLATFORM"]
    (tmp_path / "run").mkdir(mode=0o700)
    made.environment["XDG_RUNTIME_DIR"] = str(tmp_path / "run")
    return made


@pytest.fixture
def server(shared_server: RawServer) -> RawServer:
    return shared_server


def objects(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    assert process.stdout
    return map(json.loads, process.stdout)


def next_of(told: Iterator[dict[str, Any]], kind: str, **facts: Any) -> dict[str, Any]:
    """Return the next object of this kind with these facts."""
    passed = []
    for each in told:
        if each["kind"] == kind and all(each.get(name) == value for name, value in facts.items()):
            return each
        passed.append(each)
    pytest.fail(f"no {kind} in {passed}")


@pytest.fixture
def thread(program: Program, server: RawServer, opencode_home: OpenCodeHome, tmp_path: Path) -> Iterator[str]:
    """The session of a thread of T3 Code, with a turn."""
    made = empty_world(tmp_path / "world")
    world = World(made.home, opencode_home.database, made.code)
    program.environment["T3CODE_HOME"] = str(world.home)
    with server.http() as http:
        session: str = http.post("/session", params={"directory": str(world.code / "proj")}, json={}).json()["id"]
        said = {"parts": [{"type": "text", "text": "the codeword is PELICAN"}]}
        http.post(f"/session/{session}/message", json=said).raise_for_status()
    t3 = T3Code(world)
    t3.tell("thread", "t1", session)
    yield session
    t3.quit()


def test_a_deleted_session_is_told_and_a_signal_ends_it_with_its_server(program: Program, server: RawServer, thread: str) -> None:
    program.run("settings", "server_with_app", "true")
    with program.started("run", "--json") as process:
        told = objects(process)
        started = next(told)
        assert started["kind"] == "started" and (started["contract"], started["pid"]) == (1, process.pid)
        (row,) = next_of(told, "threads")["threads"]
        assert (row["id"], row["session_id"]) == ("t1", thread)
        while (own := next_of(told, "server")["server"])["state"] != "ready":
            pass
        until(lambda: program.json("show", "t1")["cursor"] is not None, "what could be proved", LIMIT)
        if sys.platform == "linux":
            assert "PySide6" not in Path(f"/proc/{process.pid}/maps").read_text()

        with server.http() as http:
            http.delete(f"/session/{thread}").raise_for_status()
        alarm = next_of(told, "alarm")
        assert (alarm["alarm"]["kind"], alarm["alarm"]["cause"]) == ("lost", "session-deleted")
        assert alarm["title"] == row["title"] and "carry-transcript" in alarm["alarm"]["remedies"]

        process.terminate()
        assert next_of(told, "ended")["by"] == "SIGTERM"
        assert process.wait(END) == 0
        assert not lives(own["pid"]) and lives(server.pid)
        assert process.stderr and "Traceback" not in process.stderr.read()


def test_without_a_display_the_app_itself_tells_people_line_by_line(program: Program, server: RawServer, thread: str) -> None:
    with program.started() as process:
        assert process.stdout
        lines = iter(process.stdout)
        assert "runs without a window" in next(lines)
        assert next(lines).startswith(("✓ t1 ", "? t1 "))
        until(lambda: program.json("show", "t1")["cursor"] is not None, "what could be proved", LIMIT)
        with server.http() as http:
            http.delete(f"/session/{thread}").raise_for_status()
        told = next(line for line in lines if "  ALARM  " in line)
        words = told.rstrip().partition("Type: ")[2]
        # As it stands there, in another shell.
        shell = {name: program.environment[name] for name in program.environment if name != "T3TRAY_DATA_DIR"}
        done = subprocess.run(
            words, shell=True, env=shell, capture_output=True, text=True, timeout=LIMIT, stdin=subprocess.DEVNULL
        )
        assert done.returncode in (ExitCode.DONE, ExitCode.REFUSED), (words, done)
        assert words.split()[-2] == "t1" and row_of(program)["verdict"]["reason"] == "missing"
        process.send_signal(signal.SIGINT)
        assert [line for line in lines][-1].endswith("t3tray has ended.\n") and process.wait(END) == 0


def row_of(program: Program) -> dict[str, Any]:
    row: dict[str, Any] = program.json("show", "t1")["thread"]
    return row


def test_there_is_one_for_the_data_with_a_window_or_without(program: Program) -> None:
    with_window = program.environment | {"QT_QPA_PLATFORM": "offscreen"}
    without = program.environment
    with program.started("run", "--json") as process:
        next_of(objects(process), "threads")
        refused = json.loads(program.run("run", "--json", code=ExitCode.REFUSED))
        assert refused["kind"] == "error" and refused["error"]["code"] == ExitCode.REFUSED
        assert refused["error"]["message"] == f"t3tray is already running without a window (process {process.pid})."
        for environment in (without, with_window):
            program.environment = environment
            assert program.run(code=ExitCode.REFUSED) == ""
        process.send_signal(signal.SIGHUP)
        assert process.wait(END) == 0
    program.environment = with_window
    with program.started() as process:
        # It names its address once it handles signals.
        until(lambda: holder(program) == (process.pid, True), "the app", LIMIT)
        program.environment = without
        refused = json.loads(program.run("run", "--json", code=ExitCode.REFUSED))
        assert refused["error"]["message"] == f"t3tray is already running (process {process.pid})."
        process.terminate()
        assert process.wait(END) == 0


def holder(program: Program) -> tuple[int, bool]:
    """Return the process that holds the lock, and whether it listens to later ones, from the lock file."""
    with suppress(OSError, ValueError):
        held = json.loads((program.data / "tray.lock").read_text())
        return held["pid"], bool(held.get("address"))
    return 0, False


@pytest.mark.parametrize("reader", ["pipe", "socket"])
def test_it_ends_when_nobody_reads_any_more_though_there_is_nothing_to_tell(program: Program, reader: str) -> None:
    ours, theirs = pipe() if reader == "pipe" else sockets()
    process = subprocess.Popen(
        program.argv("run", "--json"), env=program.environment, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE
    )
    try:
        theirs.close()
        while b'"kind": "server"' not in ours.readline():
            pass
        ours.close()
        assert process.wait(END) == 0
        assert process.stderr and process.stderr.read() == b""
    finally:
        process.kill()
        process.communicate()


def test_a_closed_output_and_an_ignored_hangup_are_no_end(program: Program) -> None:
    """As with `nohup`, and where no output is wanted."""
    words = "trap '' HUP; exec \"$@\" >&-"
    process = subprocess.Popen(["sh", "-c", words, "sh", *program.argv("run")], env=program.environment)
    try:
        until(lambda: holder(program)[0] == process.pid, "the lock", LIMIT)
        until(lambda: (program.data / "t3tray.sqlite").exists(), "the data", LIMIT)
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        process.terminate()
        assert process.wait(END) == 0
    finally:
        process.kill()
        process.wait()


def test_a_folder_that_cannot_be_used_is_told_as_by_every_command(program: Program) -> None:
    program.data.write_text("a file of somebody's")
    refused = json.loads(program.run("run", "--json", code=ExitCode.UNKNOWN))
    assert refused["kind"] == "error" and "File exists" in refused["error"]["message"]


def pipe() -> tuple[Any, Any]:
    reading, writing = os.pipe()
    return os.fdopen(reading, "rb", 0), os.fdopen(writing, "wb", 0)


def sockets() -> tuple[Any, Any]:
    """Return a pair of sockets, which some programs give a child instead of a pipe."""
    ours, theirs = socket.socketpair()
    return os.fdopen(ours.detach(), "rb", 0), os.fdopen(theirs.detach(), "wb", 0)
