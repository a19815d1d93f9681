"""A git checkout in T3 Code's home, the guard before a real server, and an imitated T3 Code: shared by the guard's tests."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from t3tray.guard import guard as guard_module
from tests.support.guarded import Guarded
from tests.support.opencode import OpenCodeHome, RawServer
from tests.support.played_t3 import PlayedT3
from tests.support.stub_model import UNKNOWN, StubModel
from tests.support.t3_traffic import recording, shape
from tests.support.t3_world import World, empty_world

TELL = "the codeword is PELICAN"
ASK = "what is the codeword?"
CEILING = 90.0


@pytest.fixture
def world(tmp_path: Path, shared_server: RawServer, monkeypatch: pytest.MonkeyPatch) -> World:
    """T3 Code's home beside a git checkout with a worktree, and an environment in which t3tray finds both programs."""
    return made_world(tmp_path / "world", shared_server.environment, shared_server.home, monkeypatch)


def made_world(root: Path, environment: dict[str, str], home: OpenCodeHome, monkeypatch: pytest.MonkeyPatch) -> World:
    made = empty_world(root)
    for name, value in {**environment, "T3CODE_HOME": str(made.home)}.items():
        monkeypatch.setenv(name, value)
    git = "git init -q . && git -c user.email=a@b -c user.name=c commit -q --allow-empty -m x && git worktree add -q ../wt"
    subprocess.run(git, shell=True, cwd=made.code / "proj", check=True, capture_output=True)
    (made.code / "other").mkdir()
    return World(made.home, home.database, made.code)


@pytest.fixture
def project(world: World) -> Path:
    return world.code / "proj"


@pytest.fixture
def guarded(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guarded]:
    """The guard waits for the server as long as a test does: on a busy machine that starts in more than T3 Code's patience."""
    monkeypatch.setattr(guard_module, "Guard", partial(guard_module.Guard, limit=CEILING))
    with Guarded(str(tmp_path / "data")) as running:
        yield running


@pytest.fixture
def t3(world: World, guarded: Guarded) -> Iterator[PlayedT3]:
    player = PlayedT3(world.state, guarded.url, guarded.password)
    yield player
    player.quit()


def server(guarded: Guarded) -> httpx.Client:
    """Return a client of the server behind the guard."""
    endpoint = guarded.call(guarded.backend.server.ensure_ready())
    return httpx.Client(
        base_url=endpoint.url, auth=("opencode", endpoint.password or ""), trust_env=False, timeout=90, verify=False
    )


def delete(guarded: Guarded, session: str) -> None:
    with server(guarded) as http:
        http.delete(f"/session/{session}").raise_for_status()


def told(guarded: Guarded, session: str) -> dict[str, Any]:
    with server(guarded) as http:
        found: dict[str, Any] = http.get(f"/session/{session}").json()
        return found


def sessions(world: World) -> int:
    with closing(sqlite3.connect(world.opencode)) as connection:
        return len(connection.execute("SELECT id FROM session").fetchall())


def remembers(model: StubModel) -> bool:
    return TELL in model.words_sent() and UNKNOWN not in model.words_sent()


def shapes(name: str) -> list[str]:
    probes = ("/agent", "/skill", "/provider", "/message", "/abort")
    lines = [shape(line.method, line.path) for line in recording(name)]
    return [line for line in lines if not line.endswith(probes)]
