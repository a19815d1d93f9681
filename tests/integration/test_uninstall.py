"""`t3tray uninstall` with a real tray app, server, guard and T3 Code's settings: listed, removed, and nothing of anybody else."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from t3tray.demo.t3_database import stamp
from tests.support.file_keyring import VARIABLE
from tests.support.opencode import OpenCodeHome, RawServer
from tests.support.played_t3 import PlayedT3
from tests.support.program import Program
from tests.support.t3_world import World, empty_world
from tests.support.waiting import lives, until

END_LIMIT = 90.0
# As nobody but its user would write it: bytes that no program of ours makes.
SETTINGS = b'{ "providers" : {"opencode": {"enabled":true}},\n\n\t"theme": "d\\u00e4mmer" }\r\n'

# A tray app that hangs: it holds the lock, and ignores SIGTERM. A suspended one might hold the database too.
HANGING = """
import signal, sys
from pathlib import Path
from t3tray.system.instance_lock import InstanceHolder, InstanceLock

signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(InstanceLock(Path(sys.argv[1])).take(InstanceHolder.this_process(True)), flush=True)
while True:
    signal.pause()
"""


@pytest.fixture
def world(tmp_path: Path, opencode_home: OpenCodeHome) -> World:
    made = empty_world(tmp_path / "world")
    settings_of(made).write_bytes(SETTINGS)
    return World(made.home, opencode_home.database, made.code)


@pytest.fixture
def program(tmp_path: Path, opencode_home: OpenCodeHome, world: World) -> Program:
    for folder in ("run", "ring"):
        (tmp_path / folder).mkdir(mode=0o700)
    there = {"T3CODE_HOME": str(world.home), "XDG_RUNTIME_DIR": str(tmp_path / "run"), VARIABLE: str(tmp_path / "ring")}
    made = Program(tmp_path / "data", opencode_home.environment | there)
    made.environment["PYTHON_KEYRING_BACKEND"] = "tests.support.file_keyring.Ring"
    return made


@contextmanager
def tray(program: Program) -> Iterator[subprocess.Popen[bytes]]:
    app = subprocess.Popen(
        program.argv(), env=program.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until((program.data / "tray.lock").exists, "the app's start")
        yield app
    finally:
        if app.poll() is None:
            app.kill()
            app.wait()


def settings_of(world: World) -> Path:
    return world.home / "userdata" / "settings.json"


def ring_of(program: Program) -> dict[str, str]:
    path = Path(program.environment[VARIABLE], "ring.json")
    found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    return found


def uninstall(program: Program, *words: str, code: int = 0) -> dict[str, dict[str, Any]]:
    """Return the items by their names; of the data the first."""
    items = program.json("uninstall", *words, code=code)["items"]
    return {item["name"]: item for item in reversed(items)}


def outcomes(items: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: item["outcome"] for name, item in items.items()}


def names_of(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(item["name"], item["subject"]) for item in document["items"]]


def test_all_of_it_goes_and_t3_codes_settings_are_as_before(program: Program, world: World, opencode_home: OpenCodeHome) -> None:
    foreign = program.data / "notes.txt"
    with tray(program) as app:
        foreign.write_text("mine")
        program.run("guard", "on", "--yes", "--at-login")
        server = program.json("server", "start")["server"]["pid"]
        program.run("app", "install")
        program.run("app", "link")
        assert b"127.0.0.1" in settings_of(world).read_bytes() and ring_of(program) != {}
        before = settings_of(world).read_bytes()

        listed = program.json("uninstall", "--dry-run", "--data")
        planned = {item["name"]: item for item in reversed(listed["items"])}
        assert set(outcomes(planned).values()) == {"planned"}
        assert planned["guard"]["subject"] == planned["tray"]["subject"], "the tray app's own"
        assert planned["tray"]["subject"] == f"process {app.pid}" and planned["server"]["subject"] == f"process {server}"
        assert all(item["bytes"] >= 0 for item in listed["items"] if item["name"] == "data")
        assert settings_of(world).read_bytes() == before and lives(server) and app.poll() is None

        document = program.json("uninstall", "--yes")
        assert names_of(document) == names_of(program_without_data(listed))
        assert {item["outcome"] for item in document["items"]} == {"removed"}
        assert app.wait(END_LIMIT) == 0
    assert settings_of(world).read_bytes() == SETTINGS
    assert not lives(server) and ring_of(program) == {}
    home, config = Path(program.environment["HOME"]), Path(program.environment["XDG_CONFIG_HOME"])
    assert not (home / ".local" / "bin" / "t3tray").exists() and not (config / "autostart" / "t3tray.desktop").exists()
    assert not Path(program.environment["XDG_DATA_HOME"], "applications", "t3tray.desktop").exists()
    assert (program.data / "t3tray.sqlite").exists(), "the data stays"

    again = outcomes(uninstall(program, "--yes"))
    assert set(again.values()) == {"nothing-there"} and "data" not in again
    text = program.run("uninstall", "--dry-run", "--data")
    assert "would be removed" in text and "MB)" in text
    document = program.json("uninstall", "--yes", "--data")
    assert {item["outcome"] for item in document["items"] if item["name"] == "data"} == {"removed"}
    assert [path.name for path in program.data.iterdir()] == ["notes.txt"]
    foreign.unlink()
    assert outcomes(uninstall(program, "--yes", "--data"))["data"] == "nothing-there"
    assert list(program.data.iterdir()) == [], "a look makes no data"
    assert list(opencode_home.processes()) == []


def program_without_data(document: dict[str, Any]) -> dict[str, Any]:
    return {"items": [item for item in document["items"] if item["name"] != "data"]}


def test_under_a_running_turn_what_t3_code_needs_stays_and_all_else_goes(program: Program, world: World) -> None:
    runtime = {"version": 1, "pid": os.getpid(), "origin": "http://127.0.0.1:1", "startedAt": stamp(datetime.now(UTC))}
    (world.home / "userdata" / "server-runtime.json").write_text(json.dumps(runtime))
    t3 = PlayedT3(world.state, "http://127.0.0.1:1", "")
    thread = t3.thread("Long work", world.code / "proj")
    with tray(program) as app:
        program.run("guard", "on", "--yes", "--at-login")
        program.run("app", "install")
        guarded = settings_of(world).read_bytes()
        t3.set_status(thread, "running")
        assert "“Long work”" in uninstall(program, "--dry-run")["t3code-settings"]["sentence"]

        items = uninstall(program, "--yes", "--data", code=1)
        assert outcomes(items) == {
            "t3code-settings": "failed",
            "login-item": "failed",
            "tray": "failed",
            "guard": "failed",
            "server": "nothing-there",
            "app": "removed",
            "link": "nothing-there",
            "passwords": "failed",
            "data": "failed",
        }
        assert "“Long work”" in items["t3code-settings"]["sentence"] and "--interrupt" in items["t3code-settings"]["sentence"]
        assert "T3 Code" in items["tray"]["sentence"]
        assert settings_of(world).read_bytes() == guarded and app.poll() is None
        assert program.json("guard", "status")["guard"]["answers"] is True

        t3.set_status(thread, "ready")
        assert "failed" not in outcomes(uninstall(program, "--yes")).values()
        assert app.wait(END_LIMIT) == 0
    assert settings_of(world).read_bytes() == SETTINGS


def test_a_keyring_that_is_locked_hinders_nothing_else(program: Program) -> None:
    server = program.json("server", "start")["server"]["pid"]
    program.run("app", "link")
    locked = Path(program.environment[VARIABLE], "locked")
    locked.touch()
    items = uninstall(program, "--yes", code=1)
    assert outcomes(items) | {"passwords": "failed", "link": "removed", "server": "removed"} == outcomes(items)
    assert "Unlock it" in items["passwords"]["sentence"] and not lives(server)
    locked.unlink()
    assert uninstall(program, "--yes")["passwords"]["outcome"] == "removed" and ring_of(program) == {}


def test_a_server_of_somebody_else_and_a_store_of_a_newer_version_stay(program: Program, opencode_home: OpenCodeHome) -> None:
    with RawServer(opencode_home) as server:
        program.run("settings", "server_url", f"http://127.0.0.1:{server.port}")
        item = uninstall(program, "--yes")["server"]
        assert item["outcome"] == "nothing-there" and str(server.port) in item["subject"] and server.runs
    program.run("app", "link")
    with sqlite3.connect(program.data / "t3tray.sqlite") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    items = uninstall(program, "--yes", "--data", code=1)
    assert {name for name, outcome in outcomes(items).items() if outcome == "failed"} == {
        "t3code-settings",
        "server",
        "passwords",
        "data",
    }
    assert items["link"]["outcome"] == "removed" and (program.data / "t3tray.sqlite").exists()
    assert "newer" in items["server"]["sentence"]


def test_a_tray_app_that_does_not_end_is_named(program: Program) -> None:
    program.run("settings")
    argv = [sys.executable, "-c", HANGING, str(program.data)]
    with subprocess.Popen(argv, env=program.environment, stdout=subprocess.PIPE, text=True) as hanging:
        assert hanging.stdout
        try:
            assert hanging.stdout.readline() == "True\n"
            items = uninstall(program, "--yes", "--data", code=1)
        finally:
            hanging.kill()
    assert f"kill {hanging.pid}" in items["tray"]["sentence"] and items["data"]["outcome"] == "failed"
    assert (program.data / "t3tray.sqlite").exists()
    assert uninstall(program, "--yes", "--data")["data"]["outcome"] == "removed"


def test_a_guard_without_a_tray_app_ends_too(program: Program, world: World) -> None:
    with program.started("guard", "run", "--json") as guard:
        assert guard.stdout and guard.stdout.readline() == "{\n"
        program.run("guard", "on", "--yes")
        items = uninstall(program, "--yes", "--data")
        assert items["guard"] == items["guard"] | {"subject": f"process {guard.pid}", "outcome": "removed"}
        assert items["data"]["outcome"] == "removed" and items["tray"]["outcome"] == "nothing-there"
        assert guard.wait(END_LIMIT) == 128 + signal.SIGTERM
    assert settings_of(world).read_bytes() == SETTINGS and not (program.data / "t3tray.sqlite").exists()


def test_how_it_is_meant_must_be_said(program: Program) -> None:
    error = program.json("uninstall", code=2)["error"]
    assert "--dry-run" in error["message"] and "--yes" in error["message"]
    assert program.json("uninstall", "--yes", "--dry-run", code=2)["error"]["code"] == 2
    assert not program.data.exists()
