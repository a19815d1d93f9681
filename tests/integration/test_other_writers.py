"""Other processes in a conversation, on the real opencode: our own detached server is none of them, another server is."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.opencode import OpenCodeHome, RawServer
from tests.support.program import Program
from tests.support.stub_model import StubModel
from tests.support.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into processes as Linux shows them")
LIMIT = 90


def reasons(program: Program, thread: str) -> tuple[str, str]:
    """Return the reasons in the list, and at a resume."""
    (row,) = program.json("threads")["threads"]
    resumed = program.json("resume", thread, code=0 if row["verdict"]["kind"] == "resumable" else 4)
    return row["verdict"]["reason"], resumed["verdict"]["reason"]


def test_our_own_detached_server_is_not_another_and_a_foreign_one_is(
    tmp_path: Path, opencode_home: OpenCodeHome, model: StubModel
) -> None:
    program = Program(tmp_path / "data", opencode_home.environment)
    (tmp_path / "work").mkdir()
    program.run("server", "start")
    thread = program.json("new", "--dir", str(tmp_path / "work"), "--prompt", "the codeword is EGRET")["id"]
    program.run("send", thread, "hold it", "--no-wait")
    model.wait_for_chats(2, LIMIT)
    # A turn that never ends: its server is killed, and another one of ours takes its place.
    killed = program.json("server", "status")["server"]["pid"]
    os.kill(killed, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(killed) or psutil.Process(killed).status() == psutil.STATUS_ZOMBIE, "its end")
    model.release()
    program.run("server", "start")
    try:
        assert reasons(program, thread) == ("interrupted", "interrupted")
        with RawServer(opencode_home) as foreign, foreign.http() as http:
            http.get("/session").raise_for_status()
            assert reasons(program, thread) == ("open-elsewhere", "open-elsewhere")
        assert reasons(program, thread) == ("interrupted", "interrupted")
    finally:
        program.run("server", "stop")
