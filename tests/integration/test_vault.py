"""The archive on the real opencode: the messages outlive their session, and can be carried over."""

from __future__ import annotations

from pathlib import Path

from tests.support.opencode import RawServer
from tests.support.program import Program
from tests.support.stub_model import StubModel


def test_what_was_said_outlives_its_session(tmp_path: Path, shared_server: RawServer, model: StubModel) -> None:
    program = Program(tmp_path / "data", shared_server.environment)
    (tmp_path / "work").mkdir()
    thread = program.json("new", "--dir", str(tmp_path / "work"), "--prompt", "the codeword is HERON")["id"]
    program.run("send", thread, "run: echo `hello`")
    with shared_server.http() as http:
        session = program.json("show", thread)["thread"]["session_id"]
        assert http.delete(f"/session/{session}").json() is True

    exported = program.run("vault", "export", thread)
    for part in ("the codeword is HERON", "used **bash**", "echo `hello`", "## You", "## Assistant"):
        assert part in exported, part
    (kept,) = program.json("vault", "list")["kept"]
    assert (kept["thread_id"], kept["damage"]) == (thread, [])
    document = program.json("vault", "export", thread)
    assert [each["role"] for each in document["utterances"]][:2] == ["user", "assistant"]
    assert program.json("vault", "show", thread)["kept"] == [kept]

    preview = program.json("remedy", thread, "carry-transcript", code=6)["preview"]
    assert any("t3tray's vault" in line for line in preview["after"])
    program.run("remedy", thread, "carry-transcript", "--yes")
    assert program.run("send", thread, "what is the codeword?").strip() == "HERON"
    assert model.words_sent().count("the codeword is HERON") == 1
