"""What the next message carries, in the command line's output: after a compaction, a revert, emptied, with OpenCode 2."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from t3tray.domain.versions import Ability
from tests.support.opencode import OpenCodeHome, RawServer
from tests.support.opencode2 import in_opencode2
from tests.support.program import Program
from tests.support.stub_model import StubModel

# A ceiling: up to twenty commands, each a process of its own.
pytestmark = pytest.mark.timeout(1_800)

WORD = "PELICAN"
ASK = "what is the codeword?"


@pytest.fixture
def program(tmp_path: Path, shared_server: RawServer) -> Program:
    return Program(tmp_path / "data", shared_server.environment)


@pytest.fixture
def thread(program: Program, tmp_path: Path) -> str:
    """A thread on a server that stays, with one turn."""
    (tmp_path / "work").mkdir()
    made: str = program.json("new", "--dir", str(tmp_path / "work"), "--prompt", f"the codeword is {WORD}")["id"]
    return made


def post(server: RawServer, path: str, body: dict[str, object]) -> httpx.Response:
    """Send a message without t3tray."""
    with server.http() as http:
        return http.post(path, json=body).raise_for_status()


def listed(program: Program, thread: str) -> dict[str, Any]:
    (row,) = [row for row in program.json("threads")["threads"] if row["id"] == thread]
    return dict(row)


def emptied(home: OpenCodeHome, session: str) -> None:
    with closing(sqlite3.connect(home.database, timeout=90)) as connection, connection:
        connection.execute("DELETE FROM part WHERE session_id = ?", (session,))
        connection.execute("DELETE FROM message WHERE session_id = ?", (session,))


def test_after_a_compaction_everything_says_what_the_model_gets(
    program: Program, model: StubModel, thread: str, shared_server: RawServer
) -> None:
    for number in range(5):
        program.run("send", thread, f"say: answer {number}")
    before = program.json("resume", thread)
    assert before["carries"] == {"kind": "whole", "since": None, "messages": 12, "summary": 0}
    assert "carries the whole conversation" in before["verdict"]["sentence"]
    post(shared_server, f"/session/{before['session_id']}/summarize", {"providerID": "stub", "modelID": "stub-1"})
    program.run("send", thread, "say: more")
    program.run("send", thread, "say: and more")
    resumed = program.json("resume", thread)
    carries = resumed["carries"]
    # 1.15 and 1.17 keep the last two turns in full.
    kept = carries["messages"]
    assert (carries["kind"], kept in (4, 8), carries["summary"]) == ("since-compaction", True, 16 - kept)
    assert carries["since"].endswith("Z")
    told = resumed["verdict"]["sentence"]
    assert "whole" not in told and f"and a summary of what was before ({16 - kept} messages)" in told
    assert f"the model gets: {kept} messages and a summary of {16 - kept}" in program.run("resume", thread)
    assert listed(program, thread)["carries"] == program.json("show", thread)["thread"]["carries"] == carries
    assert "proved, summarised" in program.run("threads")
    assert program.run("send", thread, ASK).startswith("UNKNOWN")
    assert WORD not in model.words_sent()
    # It finds no server: the result from the database is the same.
    del program.environment["T3TRAY_SERVER_URL"]
    assert listed(program, thread)["carries"] == {**carries, "messages": kept + 2}


def test_a_pending_revert_is_no_whole_conversation(
    program: Program, thread: str, opencode_home: OpenCodeHome, shared_server: RawServer
) -> None:
    program.run("send", thread, "say: more")
    session = program.json("show", thread)["thread"]["session_id"]
    with closing(sqlite3.connect(opencode_home.database)) as connection:
        ids = [row[0] for row in connection.execute("SELECT id FROM message ORDER BY time_created, id")]
    post(shared_server, f"/session/{session}/revert", {"messageID": ids[2]})
    resumed = program.json("resume", thread)
    assert (resumed["verdict"]["reason"], resumed["carries"]["kind"], resumed["carries"]["messages"]) == ("rewound", "part", 2)
    assert listed(program, thread)["carries"] == resumed["carries"]


def test_an_emptied_session_is_empty_be_there_rows_of_an_agent(
    program: Program, thread: str, opencode_home: OpenCodeHome
) -> None:
    session = program.json("show", thread)["thread"]["session_id"]
    emptied(opencode_home, session)
    in_opencode2(opencode_home, session, "agent-switched")
    resumed = program.json("resume", thread, code=3)
    assert (resumed["verdict"]["reason"], resumed["carries"]["kind"]) == ("empty", "nothing")
    assert listed(program, thread)["verdict"]["reason"] == "empty"


@pytest.mark.needs(Ability.OPENCODE2_MESSAGES)
def test_what_opencode2_holds_is_begun_anew_by_nobody(
    program: Program, thread: str, opencode_home: OpenCodeHome, model: StubModel
) -> None:
    session = program.json("show", thread)["thread"]["session_id"]
    in_opencode2(opencode_home, session, "user", "assistant", "agent-switched")
    diverged = program.json("resume", thread)
    assert (diverged["verdict"]["reason"], diverged["carries"]["kind"]) == ("proved", "part")
    assert "OpenCode 2 holds 2 more messages in this session" in diverged["verdict"]["sentence"]
    assert listed(program, thread)["carries"] == diverged["carries"]
    emptied(opencode_home, session)
    asked = len(model.requests)
    stranded = program.json("resume", thread, code=4)
    assert stranded["verdict"]["reason"] == listed(program, thread)["verdict"]["reason"] == "stranded"
    assert stranded["verdict"]["sentence"].startswith("OpenCode 2 holds this conversation; OpenCode 1 would begin it anew")
    program.run("send", thread, ASK, code=4)
    assert len(model.requests) == asked


@pytest.mark.needs(Ability.OPENCODE2_MESSAGES)
def test_a_session_that_opencode2_holds_is_not_adopted(
    program: Program, thread: str, opencode_home: OpenCodeHome, tmp_path: Path, shared_server: RawServer
) -> None:
    made = post(shared_server, f"/session?directory={tmp_path / 'work'}", {"title": "theirs"}).json()["id"]
    in_opencode2(opencode_home, made, "user", "assistant")
    refused = program.json("adopt", made, code=6)["error"]
    assert "OpenCode 2 holds the conversation" in refused["message"]
    assert len(program.json("threads")["threads"]) == 1


def test_a_thread_in_which_nothing_was_said_is_new(program: Program, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    made = program.json("new", "--dir", str(tmp_path / "work"))["id"]
    resumed = program.json("resume", made)
    assert (resumed["verdict"]["reason"], resumed["carries"]["kind"]) == ("new", "nothing")
    assert listed(program, made)["verdict"] == resumed["verdict"]
    assert program.run("send", made, "say: hello").strip() == "hello"
    assert program.json("resume", made)["carries"]["kind"] == "whole"


def test_a_newest_message_of_the_future_is_said(program: Program, thread: str, opencode_home: OpenCodeHome) -> None:
    ahead = round(time.time() * 1000) + 3_600_000
    with closing(sqlite3.connect(opencode_home.database, timeout=90)) as connection, connection:
        connection.execute("UPDATE message SET time_created = ?, data = json_set(data, '$.time.created', ?)", (ahead, ahead))
    for told in (program.json("resume", thread)["verdict"], listed(program, thread)["verdict"]):
        assert "dated in the future" in told["sentence"]
