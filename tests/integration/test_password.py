"""The managed server's password on the real opencode: no tool gets it, and nothing that we store, show or export contains it."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from tests.support.opencode import OpenCodeHome
from tests.support.program import Program
from tests.support.stub_model import StubModel

# An agent can still search for it: in the environment of the server, its parent.
LOOKED_FOR = "run: tr '\\0' '\\n' < /proc/$PPID/environ; echo whole | tr -d '\\n'; printf ' '; echo listing"


@pytest.fixture
def program(tmp_path: Path, opencode_home: OpenCodeHome) -> Program:
    return Program(tmp_path / "data", opencode_home.environment)


def password_of(program: Program) -> str:
    return psutil.Process(program.json("server", "status")["server"]["pid"]).environ()["OPENCODE_SERVER_PASSWORD"]


@pytest.mark.skipif(sys.platform == "win32", reason="said in docs/security.md")
def test_env_in_a_tool_does_not_print_it(program: Program, tmp_path: Path, opencode_home: OpenCodeHome, model: StubModel) -> None:
    (tmp_path / "work").mkdir()
    program.run("server", "start")
    try:
        password = password_of(program)
        thread = program.json("new", "--dir", str(tmp_path / "work"), "--prompt", "run: env; echo $0 ${SHELL-none}")["id"]
        told = str(model.chats()[-1]["messages"])
        assert "OPENCODE_SERVER_USERNAME" in told, "the tool printed its environment"
        assert password not in told and "OPENCODE_SERVER_PASSWORD" not in told
        for path in opencode_home.database.parent.rglob("*"):
            assert not path.is_file() or password.encode() not in path.read_bytes(), path
        assert program.json("resume", thread)["verdict"]["reason"] == "proved"
    finally:
        program.run("server", "stop")


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="/proc")
def test_what_a_tool_found_all_the_same_is_kept_and_shown_nowhere(
    program: Program, tmp_path: Path, opencode_home: OpenCodeHome, model: StubModel
) -> None:
    (tmp_path / "work").mkdir()
    program.run("server", "start")
    try:
        password = password_of(program)
        thread = program.json("new", "--dir", str(tmp_path / "work"), "--prompt", LOOKED_FOR)["id"]
        assert password in str(model.chats()[-1]["messages"]), "it was not found, so this shows nothing"
        said = program.run("send", thread, f"say: the password is {password}.")
        assert said.strip() == "the password is [removed]."
        shown = [
            program.run("vault", "export", thread),
            program.run("vault", "export", thread, "--json"),
            program.run("show", thread, "--json"),
            program.run("doctor", "--diagnostics"),
            program.run("server", "logs"),
            program.run("journal", thread),
            program.run("remedy", thread, "carry-transcript", code=6),
        ]
        assert "whole listing" in shown[0] and "OPENCODE_SERVER_PASSWORD=[removed]" in shown[0]
        assert not [text for text in shown if password in text]
        for path in (tmp_path / "data").rglob("*"):
            kept = path.is_file() and path.parent.name != "secrets"
            assert not kept or password.encode() not in path.read_bytes(), path
    finally:
        program.run("server", "stop")
