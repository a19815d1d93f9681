"""Opening a thread in a terminal: the arguments of OpenCode's terminal interface, and that no secret is visible."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from t3tray.backend.backend import Backend
from t3tray.domain.reaper import Blocker
from t3tray.store.open import FILE_NAME
from tests.support.opencode import OpenCodeHome, RawServer, opencode_binary
from tests.support.program import Program, ServedProgram
from tests.support.waiting import until

# Serves with the real program, and only records when it is to take over a terminal.
RECORDER = """#!/bin/sh
case "$1" in
serve) exec "{real}" "$@" ;;
*) {python} -c 'import json, os, sys; json.dump([sys.argv[1:], dict(os.environ), os.getcwd()], open("{seen}.part", "w"))' "$@"
   mv "{seen}.part" "{seen}"
   while [ -e "{held}" ]; do sleep 0.05; done ;;
esac
"""
# A terminal that runs the given command and ends.
TERMINAL = '#!/bin/sh\nshift\n"$@" </dev/null >"{log}" 2>&1\n'


class Seen:
    """What the recorder saw of the terminal interface's start."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def start(self) -> tuple[list[str], dict[str, str], str]:
        arguments: Any
        arguments, environment, folder = json.loads(self._path.read_text())
        return arguments, environment, folder

    def __bool__(self) -> bool:
        return self._path.exists()


@pytest.fixture
def seen(tmp_path: Path) -> Seen:
    return Seen(tmp_path / "seen.json")


@pytest.fixture
def program(tmp_path: Path, opencode_home: OpenCodeHome, seen: Seen) -> Program:
    tools = tmp_path / "bin"
    tools.mkdir()
    recorder = tools / "opencode"
    recorder.write_text(
        RECORDER.format(real=opencode_binary(), python=sys.executable, seen=tmp_path / "seen.json", held=tmp_path / "held")
    )
    terminal = tools / "my-terminal"
    terminal.write_text(TERMINAL.format(log=tmp_path / "terminal.log"))
    for each in (recorder, terminal):
        each.chmod(0o755)
    running = Program(tmp_path / "data", opencode_home.environment)
    running.environment["PATH"] = f"{tools}{os.pathsep}{running.environment['PATH']}"
    running.environment["TERMINAL"] = str(terminal)
    return running


@pytest.fixture
def thread(program: Program, tmp_path: Path, shared_server: RawServer) -> str:
    """A thread that was created on another server: none of t3tray's own ran yet."""
    (tmp_path / "work").mkdir()
    made: str = ServedProgram(program.data, shared_server).json(
        "new", "--dir", str(tmp_path / "work"), "--prompt", "the codeword is HERON"
    )["id"]
    return made


def holders(data: Path) -> list[tuple[int, str]]:
    with closing(sqlite3.connect(data / FILE_NAME)) as connection:
        return connection.execute("SELECT pid, kind FROM lease_holders").fetchall()


def session_of(program: Program, thread: str) -> str:
    session: str = program.json("show", thread)["thread"]["session_id"]
    return session


def test_with_a_lasting_server_the_terminal_attaches_and_the_password_is_in_the_environment_only(
    program: Program, thread: str, seen: Seen, tmp_path: Path
) -> None:
    program.run("server", "start")
    try:
        url = program.json("server", "status")["server"]["url"]
        program.run("attach", thread)
        arguments, environment, folder = seen.start()
        assert arguments == ["attach", url, "--session", session_of(program, thread), "--dir", str(tmp_path / "work")]
        assert environment["OPENCODE_SERVER_PASSWORD"] and environment["OPENCODE_SERVER_PASSWORD"] not in " ".join(arguments)
        assert folder == str(tmp_path / "work")
    finally:
        program.run("server", "stop")


def test_without_one_opencode_runs_by_itself_in_the_session(program: Program, thread: str, seen: Seen, tmp_path: Path) -> None:
    program.run("attach", thread)
    arguments, environment, folder = seen.start()
    assert arguments == ["--session", session_of(program, thread)]
    assert "OPENCODE_SERVER_PASSWORD" not in environment
    assert folder == str(tmp_path / "work")


def test_resume_opens_the_users_terminal_with_it(program: Program, thread: str, seen: Seen) -> None:
    program.run("resume", thread, "--open", "terminal")
    until(lambda: bool(seen), "the terminal interface")
    assert seen.start()[0][-2:] == ["--session", session_of(program, thread)]


async def test_the_reaper_leaves_the_server_to_an_open_terminal(
    program: Program, thread: str, seen: Seen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in program.environment.items():
        monkeypatch.setenv(name, value)
    held = tmp_path / "held"
    held.touch()
    tray = await Backend.open(str(program.data), "tray")
    try:
        tray.idle_shutdown.idle_after = timedelta(microseconds=1)
        connection, picture = await tray.settlement.connect(), await tray.scanning.scan()
        with program.started("attach", thread) as terminal:
            await asyncio.to_thread(until, lambda: bool(seen), "the terminal interface")
            assert seen.start()[0][0] == "attach"
            rest = await tray.idle_shutdown.check(connection, picture)
            assert rest.why is Blocker.SHARED, "the server would have ended under the terminal"
            assert "a terminal or another t3tray uses it" in tray.idle_shutdown.sentence(rest, True)
            assert (terminal.pid, "terminal") in holders(program.data)
            held.unlink()
            await asyncio.to_thread(terminal.wait, 90)
        assert await tray.server.retire(), "once it is closed nothing keeps the server"
    finally:
        await tray.close()


def test_a_thread_that_cannot_be_resumed_opens_no_terminal(
    program: Program, thread: str, seen: Seen, tmp_path: Path, shared_server: RawServer
) -> None:
    program.environment |= {"T3TRAY_SERVER_URL": shared_server.url, "OPENCODE_SERVER_PASSWORD": shared_server.password}
    (tmp_path / "work").rmdir()
    program.run("resume", thread, "--open", "terminal", code=3)
    program.run("attach", thread, code=3)
    assert not seen
