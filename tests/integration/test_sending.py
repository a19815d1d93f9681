"""Careful sending on the real opencode: with another process at work it asks first, and a turn of T3 Code's is reported."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import httpx

from tests.support.opencode import OpenCodeHome, RawServer
from tests.support.program import Program, run_command
from tests.support.stub_model import StubModel
from tests.support.t3_world import add_thread, empty_world, writing

TELL, ASK = "the codeword is HERON", "what is the codeword?"


def test_a_turn_of_another_process_is_no_hindrance_only_when_the_user_says_so(
    tmp_path: Path, shared_server: RawServer, opencode_home: OpenCodeHome, model: StubModel
) -> None:
    program = Program(tmp_path / "data", opencode_home.environment)
    (tmp_path / "work").mkdir()
    program.run("server", "start")
    try:
        thread = program.json("new", "--dir", str(tmp_path / "work"), "--prompt", TELL)["id"]
        session = program.json("show", thread)["thread"]["session_id"]
        _prompt(shared_server, session, "hold it")
        model.wait_for_chats(2)
        refused = program.json("send", thread, ASK, code=4)
        assert refused["verdict"]["reason"] == "open-elsewhere"
        assert program.json("show", thread)["thread"]["draft"] == ASK
        assert len(model.chats()) == 2
        assert program.run("send", thread, ASK, "--anyway").strip() == "HERON"
        model.release()
        assert program.json("show", thread)["thread"]["draft"] == ""
    finally:
        program.run("server", "stop")


def test_it_is_said_when_t3_code_has_a_turn_running(tmp_path: Path, shared_server: RawServer, model: StubModel) -> None:
    world, server = empty_world(tmp_path), shared_server
    program = Program(tmp_path / "data", server.environment | {"T3CODE_HOME": str(world.home)})
    with httpx.Client(base_url=server.url, auth=("opencode", server.password), trust_env=False, verify=False) as http:
        session = http.post("/session", params={"directory": str(world.code / "proj")}, json={}).json()["id"]
        http.post(f"/session/{session}/message", json={"parts": [{"type": "text", "text": TELL}]}, timeout=90)
    with writing(world.state) as connection:
        add_thread(connection, "t3-thread", session, session_status="running", active_turn="turn-1", at=datetime.now(UTC))
    code, reply, told = run_command("send", "t3-thread", ASK, environment=program.environment)
    assert (code, reply.strip()) == (0, "HERON")
    assert "T3 Code has a turn running" in told


def _prompt(server: RawServer, session: str, text: str) -> None:
    auth = ("opencode", server.password)
    body = {"parts": [{"type": "text", "text": text}]}
    answer = httpx.post(f"{server.url}/session/{session}/prompt_async", json=body, auth=auth, trust_env=False, verify=False)
    assert answer.status_code == 204
