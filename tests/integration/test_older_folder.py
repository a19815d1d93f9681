"""The data folder is restored from before its last change, a `bind`, which leaves no mark: t3tray's own messages show it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.opencode import RawServer
from tests.support.program import Program, ServedProgram
from tests.support.stub_model import StubModel

NEWER = "the codeword is NEWER"
ASK = "what is the codeword?"
# A ceiling: each story is some ten programs, one after the other.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def program(tmp_path: Path, shared_server: RawServer) -> Program:
    return ServedProgram(tmp_path / "data", shared_server)


class Life:
    """A thread in a session, then in a fork of it."""

    def __init__(self, program: Program, folder: Path) -> None:
        folder.mkdir()
        self.program = program
        made = program.json("new", "--dir", str(folder), "--prompt", "say: hi")
        self.thread: str = made["id"]
        self.first: str = made["session_id"]
        program.run("remedy", self.thread, "fork", "--yes")
        self.fork = self.session()
        assert self.first != self.fork

    def session(self) -> str:
        session: str = self.program.json("show", self.thread)["thread"]["session_id"]
        return session

    def row(self) -> dict[str, Any]:
        (row,) = self.program.json("threads")["threads"]
        found: dict[str, Any] = row
        return found

    def lose_a_bind(self) -> None:
        kept = self.program.data.with_name("kept")
        shutil.copytree(self.program.data, kept)
        self.choose(self.first)
        self.program.run("send", self.thread, NEWER)
        shutil.rmtree(self.program.data)
        shutil.move(kept, self.program.data)

    def choose(self, session: str) -> None:
        self.program.run("remedy", self.thread, "bind", "--session", session, "--yes")

    def assert_split(self, verdict: dict[str, Any]) -> None:
        assert verdict["reason"] == "split" and {"bind", "join"} <= set(verdict["remedies"])
        assert self.first in verdict["sentence"] and self.fork in verdict["sentence"]


@pytest.mark.parametrize("asked", ["the database", "the server"])
def test_a_lost_bind_is_a_split_until_the_user_chose(
    program: Program, model: StubModel, tmp_path: Path, shared_server: RawServer, asked: str
) -> None:
    life = Life(program, tmp_path / "work")
    life.lose_a_bind()
    chats = len(model.chats())
    if asked == "the server":
        # We must not read the file: only the server can answer.
        apart = Program(program.data, shared_server.environment | {"OPENCODE_DB": str(program.data / "no.db")})
        life.assert_split(apart.json("send", life.thread, ASK, code=3)["verdict"])
    else:
        life.assert_split(life.row()["verdict"])
    life.assert_split(program.json("send", life.thread, ASK, code=3)["verdict"])
    assert len(model.chats()) == chats, "a prompt went somewhere"
    assert program.json("status")["restore"]["complete"] is False
    program.run("doctor", "--settle", code=6)
    life.choose(life.first)
    assert life.row()["verdict"]["reason"] == "proved"
    assert program.run("send", life.thread, ASK).strip() == "NEWER"
    program.run("doctor", "--settle")
    assert program.json("status")["restore"] is None and life.row()["verdict"]["reason"] == "proved"


@pytest.mark.parametrize("remedy", ["bind", "join", "start-afresh"])
def test_whoever_stays_with_the_other_session_is_not_asked_again(program: Program, tmp_path: Path, remedy: str) -> None:
    life = Life(program, tmp_path / "work")
    life.lose_a_bind()
    life.assert_split(life.row()["verdict"])
    if remedy == "bind":
        life.choose(life.fork)
    else:
        program.run("remedy", life.thread, remedy, "--yes")
    assert life.row()["verdict"]["kind"] == "resumable"
    program.run("send", life.thread, ASK)
    assert life.row()["verdict"]["reason"] == "proved"


def test_going_on_in_the_old_session_in_opencode_itself_is_no_split(
    program: Program, model: StubModel, tmp_path: Path, shared_server: RawServer
) -> None:
    life = Life(program, tmp_path / "work")
    with shared_server.http() as http:
        http.post(f"/session/{life.first}/message", json={"parts": [{"type": "text", "text": NEWER}]}).raise_for_status()
    row = life.row()
    assert (row["session_id"], row["verdict"]["reason"]) == (life.fork, "proved")
    assert program.run("send", life.thread, ASK).startswith("UNKNOWN")
    assert program.json("status")["restore"] is None
