"""The main job on the real opencode: whatever happened before, a follow-up carries its context or is refused clearly.

The stub model records its requests: a codeword in the request proves that the context reached the model.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.opencode import OpenCodeHome
from tests.support.program import Program
from tests.support.stub_model import StubModel
from tests.support.unchanged import nothing_made
from tests.support.waiting import LIMIT, lives

WORD = "PELICAN"
TELL = f"the codeword is {WORD}"
ASK = "what is the codeword?"


@pytest.fixture
def program(tmp_path: Path, opencode_home: OpenCodeHome) -> Iterator[Program]:
    running = Program(tmp_path / "data", opencode_home.environment)
    yield running
    running.run("server", "stop")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    made.mkdir()
    return made


def new_thread(program: Program, folder: Path) -> str:
    thread: str = program.json("new", "--dir", str(folder), "--prompt", TELL)["id"]
    return thread


def assert_remembers(program: Program, model: StubModel, thread: str) -> None:
    reply = program.run("send", thread, ASK)
    assert reply.strip() == WORD
    assert TELL in model.words_sent()


def sessions_of(program: Program, home: OpenCodeHome) -> int:
    """Return the number of sessions in OpenCode's database."""
    import sqlite3

    connection = sqlite3.connect(home.database)
    try:
        count: int = connection.execute("SELECT count(*) FROM session").fetchone()[0]
        return count
    finally:
        connection.close()


def delete_session(program: Program, session: str) -> None:
    """Delete a session without t3tray, by OpenCode's own interface, with the password from the server's environment."""
    server = program.json("server", "status")["server"]
    password = psutil.Process(server["pid"]).environ()["OPENCODE_SERVER_PASSWORD"]
    answer = httpx.delete(f"{server['url']}/session/{session}", auth=("opencode", password), trust_env=False, verify=False)
    assert answer.json() is True


def test_a_follow_up_after_everything_stopped_carries_the_context(program: Program, model: StubModel, folder: Path) -> None:
    thread = new_thread(program, folder)
    assert program.json("server", "status")["server"]["state"] == "stopped"
    assert_remembers(program, model, thread)
    assert program.json("resume", thread)["verdict"]["reason"] == "proved"


def test_a_follow_up_after_the_server_was_killed_carries_the_context(program: Program, model: StubModel, folder: Path) -> None:
    program.run("server", "start")
    thread = new_thread(program, folder)
    os.kill(program.json("server", "status")["server"]["pid"], signal.SIGKILL)
    assert_remembers(program, model, thread)


def test_a_turn_killed_in_its_middle_is_told_as_interrupted(program: Program, model: StubModel, folder: Path) -> None:
    program.run("server", "start")
    thread = new_thread(program, folder)
    with program.forked("send", thread, "hold it") as sending:
        model.wait_for_chats(2)
        os.kill(program.json("server", "status")["server"]["pid"], signal.SIGKILL)
        sending.kill()
    model.release()
    program.run("server", "start")
    resumed = program.json("resume", thread)
    assert resumed["verdict"]["reason"] == "interrupted"
    assert any("interrupted" in note for note in resumed["receipt"]["notes"])
    assert_remembers(program, model, thread)
    assert program.json("resume", thread)["verdict"]["reason"] == "proved"


def test_a_command_killed_with_its_server_running_leaves_it_to_the_next_one(
    program: Program, model: StubModel, folder: Path
) -> None:
    thread = new_thread(program, folder)
    with program.forked("send", thread, "hold it") as sending:
        model.wait_for_chats(2)
        pid = program.json("server", "status")["server"]["pid"]
        sending.kill()
        assert sending.wait(LIMIT) == -signal.SIGKILL
    assert lives(pid)
    model.release()
    assert_remembers(program, model, thread)
    assert not lives(pid), "the adopted server was ended with the command that adopted it"


def test_a_deleted_session_is_missing_and_nothing_is_made_in_its_place(
    program: Program, model: StubModel, folder: Path, opencode_home: OpenCodeHome
) -> None:
    program.run("server", "start")
    thread = new_thread(program, folder)
    delete_session(program, program.json("show", thread)["thread"]["session_id"])
    before, bindings = sessions_of(program, opencode_home), len(program.json("journal", thread)["entries"])
    asked = len(model.chats())

    resumed = program.json("resume", thread, code=3)
    assert (resumed["verdict"]["kind"], resumed["verdict"]["reason"]) == ("blocked", "missing")
    assert "start-afresh" in resumed["verdict"]["remedies"]
    sent = program.json("send", thread, ASK, code=3)
    assert sent["verdict"]["reason"] == "missing" and sent["error"]["code"] == 3

    assert sessions_of(program, opencode_home) == before
    assert len(program.json("journal", thread)["entries"]) == bindings
    assert program.json("show", thread)["thread"]["draft"] == ASK
    assert len(model.chats()) == asked
    listed = program.json("threads")["threads"]
    assert [row["verdict"]["reason"] for row in listed] == ["missing"]


def test_a_folder_that_is_gone_blocks(program: Program, folder: Path, opencode_home: OpenCodeHome) -> None:
    program.run("server", "start")
    thread = new_thread(program, folder)
    shutil.rmtree(folder)
    with nothing_made(program, opencode_home, thread):
        assert program.json("resume", thread, code=3)["verdict"]["reason"] == "directory-missing"
        assert program.json("send", thread, ASK, code=3)["verdict"]["reason"] == "directory-missing"


def test_a_hung_server_is_a_timeout_and_not_missing(program: Program, folder: Path, opencode_home: OpenCodeHome) -> None:
    program.run("server", "start")
    thread = new_thread(program, folder)
    pid = program.json("server", "status")["server"]["pid"]
    with nothing_made(program, opencode_home, thread):
        os.kill(pid, signal.SIGSTOP)
        try:
            assert program.json("resume", thread, code=4)["verdict"]["reason"] == "timeout"
            assert program.json("send", thread, ASK, code=4)["verdict"]["reason"] == "timeout"
        finally:
            os.kill(pid, signal.SIGCONT)
    assert program.json("show", thread)["thread"]["draft"] == ASK


def test_without_a_server_the_list_reads_opencodes_database(program: Program, folder: Path) -> None:
    thread = new_thread(program, folder)
    (row,) = program.json("threads")["threads"]
    assert (row["id"], row["verdict"]["reason"], row["directory"]) == (thread, "proved", str(folder))
    assert program.json("server", "status")["server"]["state"] == "stopped"
