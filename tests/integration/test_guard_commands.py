"""`t3tray guard` as a user types it: run, on, off, status; with an imitated T3 Code that follows the settings it wrote."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from t3tray.demo.t3_database import stamp
from tests.support.opencode import OpenCodeHome
from tests.support.played_t3 import PlayedT3
from tests.support.program import Program
from tests.support.stub_model import StubModel
from tests.support.t3_world import World, empty_world, writing

STOP_LIMIT = 90.0
SETTINGS = {"providers": {"opencode": {"enabled": True}}}


@pytest.fixture
def world(tmp_path: Path, opencode_home: OpenCodeHome) -> World:
    made = empty_world(tmp_path / "world")
    made.home.joinpath("userdata", "settings.json").write_text(json.dumps(SETTINGS))
    return World(made.home, opencode_home.database, made.code)


@pytest.fixture
def program(tmp_path: Path, opencode_home: OpenCodeHome, world: World) -> Program:
    return Program(tmp_path / "data", opencode_home.environment | {"T3CODE_HOME": str(world.home)})


@contextmanager
def guarding(program: Program) -> Iterator[dict[str, Any]]:
    """Run `guard run` until the end of the block; yields the document that it printed. It must end in order."""
    process = subprocess.Popen(
        program.argv("guard", "run", "--json"), env=program.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    said: list[str] = []
    assert process.stdout and process.stderr
    listening = threading.Thread(target=said.extend, args=(process.stderr,), daemon=True)
    listening.start()
    try:
        text = ""
        for line in process.stdout:
            text += line
            if line == "}\n":
                break
        yield {**json.loads(text)["guard"], "said": said}
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_LIMIT) == 128 + signal.SIGTERM
        listening.join(90)
    finally:
        if process.poll() is None:
            process.kill()
        process.stdout.close()
        # Closed while a thread reads it, it would wait for what that waits for, and no signal ends that.
        listening.join(STOP_LIMIT)
        process.stderr.close()


def settings(world: World) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(world.home.joinpath("userdata", "settings.json").read_text())
    return found


def state(program: Program) -> str:
    (home,) = program.json("guard", "status")["guard"]["t3code"]
    found: str = home["state"]
    return found


def test_t3_code_pointed_at_the_guard_goes_through_it_and_back(program: Program, world: World, model: StubModel) -> None:
    assert state(program) == "not-guarded"
    assert program.json("guard", "on", "--yes", code=6)["error"]["message"].startswith("The guard is not running")
    with guarding(program) as running:
        assert running["answers"] is True and running["t3code"][0]["state"] == "not-guarded"
        assert "serverUrl" not in settings(world)["providers"]["opencode"], "nothing is done without a word"
        program.run("guard", "on", code=6)
        (home,) = program.json("guard", "on", "--yes", "--at-login")["guard"]["t3code"]
        if sys.platform == "linux":
            assert Path(program.environment["XDG_CONFIG_HOME"], "autostart", "t3tray.desktop").is_file()
        assert (home["state"], home["places"]) == ("guarded", [{"name": "providers.opencode", "server": running["url"]}])
        provider = settings(world)["providers"]["opencode"]
        assert provider["enabled"] is True and provider["serverUrl"] == running["url"]

        t3 = PlayedT3(world.state, provider["serverUrl"], provider["serverPassword"])
        thread = t3.thread("Report", world.code / "proj")
        session = t3.turn(thread, "the codeword is PELICAN")
        t3.restart()
        t3.set_cursor(thread, None)
        assert t3.turn(thread, "what is the codeword?") == session
        assert "the codeword is PELICAN" in model.words_sent()
        t3.quit()
        assert program.json("guard", "off", "--json")["guard"]["t3code"][0]["state"] == "not-guarded"
        assert settings(world) == SETTINGS
        said = running["said"]
    assert any(f"it was given {session}" in line for line in said)
    assert all(provider["serverPassword"] not in line for line in said)
    assert program.json("server", "status")["server"]["state"] == "stopped"


def test_the_port_and_the_password_stay_so_that_t3_codes_settings_hold(program: Program, world: World) -> None:
    with guarding(program) as first:
        program.run("guard", "on", "--yes")
        assert program.json("guard", "run", code=6)["error"]["message"].startswith("The guard is already running")
    assert program.json("guard", "status")["guard"]["answers"] is False
    with guarding(program) as second:
        assert second["url"] == first["url"] and second["t3code"][0]["state"] == "guarded"


def test_nothing_is_changed_under_a_running_turn_without_the_users_word(program: Program, world: World) -> None:
    runtime = {"version": 1, "pid": os.getpid(), "origin": "http://127.0.0.1:1", "startedAt": stamp(datetime.now(UTC))}
    world.home.joinpath("userdata", "server-runtime.json").write_text(json.dumps(runtime))
    t3 = PlayedT3(world.state, "http://127.0.0.1:1", "")
    thread = t3.thread("Long work", world.code / "proj")
    t3.set_status(thread, "running")
    with guarding(program):
        assert "“Long work”" in program.json("guard", "on", "--yes", code=6)["error"]["message"]
        assert settings(world) == SETTINGS
        program.json("guard", "on", "--yes", "--interrupt")
        assert state(program) == "guarded"
        program.run("guard", "off", code=6)
        t3.set_status(thread, "ready")
        program.run("guard", "off")
    assert settings(world) == SETTINGS
    t3.quit()


def test_a_t3_code_of_another_form_is_not_pointed_at_the_guard(program: Program, world: World) -> None:
    with writing(world.state) as connection:
        connection.execute("ALTER TABLE provider_session_runtime RENAME TO moved")
    with guarding(program):
        assert "format that the guard cannot read" in program.json("guard", "on", "--yes", code=6)["error"]["message"]
    assert settings(world) == SETTINGS
