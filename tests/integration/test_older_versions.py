"""What an older supported OpenCode cannot do: it is not offered, the reason is stated, and another remedy serves instead."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from t3tray.domain.versions import Ability
from t3tray.messages.versions import lacking
from tests.support.opencode import RawServer
from tests.support.program import Program
from tests.support.t3_world import World, add_thread, empty_world, writing

pytestmark = [pytest.mark.lacks(Ability.MOVE_SESSION), pytest.mark.timeout(900)]
TELL, ASK, WORD = "the codeword is HERON", "what is the codeword?", "HERON"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """T3 Code's home beside a git checkout with a worktree."""
    made = empty_world(tmp_path / "world")
    git = "git init -q . && git -c user.email=a@b -c user.name=c commit -q --allow-empty -m x && git worktree add -q ../wt"
    subprocess.run(git, shell=True, cwd=made.code / "proj", check=True, capture_output=True)
    return made


@pytest.fixture
def server(shared_server: RawServer) -> RawServer:
    return shared_server


@pytest.fixture
def program(tmp_path: Path, world: World, server: RawServer) -> Program:
    return Program(tmp_path / "data", {**server.environment, "T3CODE_HOME": str(world.home)})


@pytest.fixture
def said(server: RawServer) -> str:
    with server.http() as http:
        return lacking(Ability.MOVE_SESSION, http.get("/global/health").json()["version"])


def test_a_session_that_cannot_be_moved_is_said_to_be_so_and_its_conversation_is_carried(
    program: Program, server: RawServer, world: World, said: str
) -> None:
    with server.http() as http:
        session = http.post("/session", params={"directory": str(world.code / "proj")}, json={"title": "theirs"}).json()["id"]
        http.post(f"/session/{session}/message", json={"parts": [{"type": "text", "text": TELL}]}).raise_for_status()
    thread = "a-thread-in-a-worktree"
    with writing(world.state) as connection:
        add_thread(connection, thread, session, worktree=str(world.code / "wt"), at=datetime.now(UTC))
    verdict = program.json("resume", thread, code=3)["verdict"]
    assert verdict["reason"] == "directory-mismatch"
    offered = program.json("show", thread)["offered"]
    assert "move-session" not in offered and "carry-transcript" in offered
    error = program.json("remedy", thread, "move-session", "--yes", code=6)["error"]
    assert (error["message"], "opencode upgrade" in error["hint"]) == (said, True)
    program.run("remedy", thread, "carry-transcript", "--yes")
    assert program.json("send", thread, ASK)["reply"] == WORD


def test_a_thread_whose_folder_was_renamed_is_said_to_need_that(program: Program, world: World, said: str) -> None:
    project = world.code / "proj"
    thread = program.json("new", "--dir", str(project), "--prompt", TELL)["id"]
    renamed = project.rename(world.code / "renamed")
    assert program.json("resume", thread, code=3)["verdict"]["reason"] == "directory-missing"
    assert "relocate" not in program.json("show", thread)["offered"]
    assert program.json("remedy", thread, "relocate", "--dir", str(renamed), "--yes", code=6)["error"]["message"] == said
    renamed.rename(project)
    assert program.json("send", thread, ASK)["reply"] == WORD
