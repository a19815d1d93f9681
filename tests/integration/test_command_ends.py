"""The end of commands on the real opencode when they cannot do what was asked, or when their output is not read any more."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.opencode import OpenCodeHome
from tests.support.program import Program
from tests.support.stub_model import StubModel


@pytest.fixture
def program(tmp_path: Path, opencode_home: OpenCodeHome) -> Program:
    (tmp_path / "work").mkdir()
    return Program(tmp_path / "data", opencode_home.environment)


def test_adopting_a_session_that_is_not_there_is_no_such_session(program: Program) -> None:
    error = program.json("adopt", "ses_0000000000000000000000000", code=5)["error"]
    assert (error["title"], error["code"]) == ("No such session", 5)
    assert program.json("threads")["threads"] == []


def test_a_new_thread_whose_first_message_fails_tells_its_id(program: Program, tmp_path: Path) -> None:
    told = program.json("new", "--dir", str(tmp_path / "work"), "--prompt", "fail: no credit left", code=7)
    assert "no credit left" in told["error"]["message"]
    (row,) = program.json("threads")["threads"]
    assert told["thread"] == row["id"]


def test_a_reader_who_had_enough_does_not_end_the_turn(program: Program, tmp_path: Path, model: StubModel) -> None:
    thread = program.json("new", "--dir", str(tmp_path / "work"), "--prompt", "the codeword is WREN")["id"]
    before = program.json("show", thread)["cursor"]
    sending = subprocess.Popen(
        program.argv("send", thread, "hold it"),
        env=program.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert sending.stdout and sending.stderr
    assert sending.stdout.read(4) == b"I am"
    sending.stdout.close()
    model.release()
    assert sending.wait(90) == 0
    assert sending.stderr.read() == b""
    sending.stderr.close()
    after = program.json("show", thread)
    assert after["cursor"]["last_finished_id"] > before["last_finished_id"]
    assert (after["thread"]["draft"], after["thread"]["verdict"]["reason"]) == ("", "proved")
