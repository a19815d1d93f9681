"""The tray app's guard: switched by a command, one port for two guards, and an end that T3 Code survives."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.opencode import OpenCodeHome
from tests.support.played_t3 import PlayedT3, TurnRefused
from tests.support.program import Program
from tests.support.stub_model import StubModel
from tests.support.t3_world import World, empty_world
from tests.support.waiting import lives, until

END_LIMIT = 90.0
TELL = "the codeword is PELICAN"
ASK = "what is the codeword?"


@pytest.fixture
def world(tmp_path: Path, opencode_home: OpenCodeHome) -> World:
    made = empty_world(tmp_path / "world")
    made.home.joinpath("userdata", "settings.json").write_text("{}")
    return World(made.home, opencode_home.database, made.code)


@pytest.fixture
def program(tmp_path: Path, opencode_home: OpenCodeHome, world: World) -> Program:
    (tmp_path / "run").mkdir(mode=0o700)
    there = {"T3CODE_HOME": str(world.home), "XDG_RUNTIME_DIR": str(tmp_path / "run")}
    return Program(tmp_path / "data", opencode_home.environment | there)


@contextmanager
def tray(program: Program) -> Iterator[subprocess.Popen[bytes]]:
    """The app; it must end in order within seconds, whatever streams T3 Code has open."""
    app = subprocess.Popen(
        program.argv(), env=program.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until((program.data / "tray.lock").exists, "the app's start")
        yield app
        app.send_signal(signal.SIGTERM)
        assert app.wait(END_LIMIT) == 0
    finally:
        if app.poll() is None:
            app.kill()
            app.wait()


def settings(world: World) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(world.home.joinpath("userdata", "settings.json").read_text())
    return found


def guard(program: Program) -> dict[str, Any]:
    found: dict[str, Any] = program.json("guard", "status")["guard"]
    return found


def test_a_command_switches_the_guard_of_the_tray_app_on_and_off(program: Program, world: World, model: StubModel) -> None:
    with tray(program):
        status = program.json("guard", "on", "--yes")["guard"]
        assert status["answers"] and status["t3code"][0]["state"] == "guarded"
        assert "already running" in program.json("guard", "run", code=6)["error"]["message"]
        provider = settings(world)["providers"]["opencode"]
        t3 = PlayedT3(world.state, provider["serverUrl"], provider["serverPassword"])
        thread = t3.thread("Report", world.code / "proj")
        session = t3.turn(thread, TELL)
        t3.restart()
        t3.set_cursor(thread, None)
        assert t3.turn(thread, ASK) == session and TELL in model.words_sent()
        answers = program.json("journal", thread)["answers"]
        assert [(told["asked"], told["answer"], told["session_id"]) for told in answers] == [
            ("create", "create", session),
            ("create", "give", session),
        ]
        assert f"it was given {session}" in program.run("show", thread)
        t3.quit()
        assert program.json("guard", "off")["guard"]["t3code"][0]["state"] == "not-guarded"
        assert settings(world) == {}
        until(lambda: not guard(program)["answers"], "the end of the guard")


def test_without_the_tray_app_t3_code_fails_and_loses_nothing_and_with_it_again_it_goes_on(
    program: Program, world: World, model: StubModel
) -> None:
    with tray(program):
        url = program.json("guard", "on", "--yes")["guard"]["url"]
        provider = settings(world)["providers"]["opencode"]
        t3 = PlayedT3(world.state, provider["serverUrl"], provider["serverPassword"])
        thread = t3.thread("Report", world.code / "proj")
        session = t3.turn(thread, TELL)
        server = program.json("server", "status")["server"]["pid"]
    until(lambda: not lives(server), "the end of the server with the app")
    t3.live.clear()
    with pytest.raises(TurnRefused, match="fetch failed"):
        t3.turn(thread, ASK)
    assert t3.cursor(thread) == session
    status = guard(program)
    assert (status["url"], status["answers"], status["t3code"][0]["state"]) == (url, False, "guarded")
    assert "T3 Code cannot reach OpenCode" in program.run("guard", "status")
    with tray(program):
        until(lambda: guard(program)["answers"], "the guard of the app that was started again")
        assert t3.turn(thread, ASK) == session and TELL in model.words_sent()
        t3.quit()


def test_of_two_t3trays_the_one_that_comes_later_takes_over_when_the_first_ends(program: Program, world: World) -> None:
    with program.started("guard", "run") as first:
        assert first.stdout and "not in use" in first.stdout.readline()
        program.json("guard", "on", "--yes")
        password = settings(world)["providers"]["opencode"]["serverPassword"]
        with tray(program):
            first.send_signal(signal.SIGTERM)
            first.wait(END_LIMIT)
            until(lambda: guard(program)["answers"], "the app's own guard")
            url = guard(program)["url"]
            health = httpx.get(f"{url}/global/health", auth=("opencode", password), trust_env=False, timeout=90, verify=False)
            assert health.status_code == 200
            program.json("guard", "off")
