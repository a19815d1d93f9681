"""External servers that refuse, hang, fail or speak another protocol: each is its own *unknown*, and none is ended by us."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.opencode import OpenCodeHome, RawServer
from tests.support.program import Program, ServedProgram
from tests.support.unchanged import nothing_made
from tests.support.waiting import lives


@pytest.fixture
def program(tmp_path: Path, shared_server: RawServer, opencode_home: OpenCodeHome) -> Program:
    """A program without a server."""
    return Program(tmp_path / "data", opencode_home.environment)


@pytest.fixture
def thread(program: Program, shared_server: RawServer, tmp_path: Path) -> str:
    (tmp_path / "work").mkdir()
    served = ServedProgram(program.data, shared_server)
    made: str = served.json("new", "--dir", str(tmp_path / "work"), "--prompt", "the codeword is HERON")["id"]
    return made


class Always(ThreadingHTTPServer):
    """Answers every request with the same status, type and body; `asked` has its requests."""

    daemon_threads = True

    def __init__(self, status: int, kind: str, body: bytes) -> None:
        answer, server = (status, kind, body), self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(f"{self.command} {self.path}")
                self.send_response(answer[0])
                self.send_header("content-type", answer[1])
                self.send_header("content-length", str(len(answer[2])))
                self.end_headers()
                self.wfile.write(answer[2])

            do_POST = do_GET

            def log_message(self, format: str, *args: Any) -> None:
                """Do not log requests."""

        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


ANSWERS = {
    "unsupported": (200, "text/html", b"<!doctype html><title>OpenCode</title>"),
    "server-error": (500, "application/json", b'{"name":"UnknownError","data":{"message":"boom"}}'),
    "unauthorized": (401, "application/json", b"{}"),
}


@pytest.fixture(params=ANSWERS)
def strange(request: pytest.FixtureRequest) -> Iterator[tuple[str, Always]]:
    server = Always(*ANSWERS[request.param])
    yield request.param, server
    server.shutdown()
    server.server_close()


def test_a_strange_answer_is_its_own_unknown(
    program: Program, thread: str, strange: tuple[str, Always], opencode_home: OpenCodeHome
) -> None:
    reason, server = strange
    with nothing_made(program, opencode_home, thread):
        program.environment["T3TRAY_SERVER_URL"] = f"http://127.0.0.1:{server.server_address[1]}"
        refused = program.json("resume", thread, code=4)
        assert (refused["verdict"]["kind"], refused["verdict"]["reason"]) == ("unknown", reason)
        assert program.json("send", thread, "hello", code=4)["verdict"]["reason"] == reason
        assert program.json("show", thread)["thread"]["draft"] == "hello"
    assert server.asked and not [asked for asked in server.asked if not asked.startswith("GET ")]


def test_nobody_listening_is_server_down(program: Program, thread: str, opencode_home: OpenCodeHome) -> None:
    with nothing_made(program, opencode_home, thread):
        program.environment["T3TRAY_SERVER_URL"] = "http://127.0.0.1:9"
        assert program.json("resume", thread, code=4)["verdict"]["reason"] == "server-down"
        assert program.json("send", thread, "hello", code=4)["verdict"]["reason"] == "server-down"


def test_an_external_server_serves_and_is_never_stopped(program: Program, thread: str, shared_server: RawServer) -> None:
    program.environment |= {"T3TRAY_SERVER_URL": shared_server.url, "OPENCODE_SERVER_PASSWORD": "wrong"}
    assert program.json("resume", thread, code=4)["verdict"]["reason"] == "unauthorized"
    program.environment["OPENCODE_SERVER_PASSWORD"] = shared_server.password
    assert program.run("send", thread, "what is the codeword?").strip() == "HERON"
    assert program.json("status")["server"]["state"] == "external"
    program.run("server", "stop", code=6)
    assert lives(shared_server.pid)


def test_a_broken_configuration_of_the_project_is_told_with_file_and_line(
    program: Program, thread: str, tmp_path: Path, opencode_home: OpenCodeHome
) -> None:
    broken = tmp_path / "work" / "opencode.json"
    broken.write_text('{\n "model": "x",\n "provider": oops\n}\n')
    told = f"OpenCode cannot use {broken}: InvalidSymbol at line 3"
    with nothing_made(program, opencode_home, thread):
        program.run("server", "start")
        try:
            refused = program.json("resume", thread, code=4)
            assert refused["verdict"]["reason"] == "server-error" and told in refused["verdict"]["sentence"]
            assert told in program.json("send", thread, "hello", code=4)["error"]["message"]
            shown = program.json("show", thread)["thread"]["verdict"]
            assert shown["kind"] == "unknown" and told in shown["sentence"]
            (finding,) = configuration_of(program)
            assert told in finding and "`t3tray server restart`" in finding
            # The list is green, by the database: so it warns beside it.
            assert [warning for warning in program.json("status")["warnings"] if told in warning] == [finding]
            # OpenCode goes on with what it has read.
            broken.write_text("{}")
            assert told in program.json("resume", thread, code=4)["verdict"]["sentence"]
            program.run("server", "restart")
            assert program.json("resume", thread)["verdict"]["kind"] == "resumable"
            assert configuration_of(program) == []
        finally:
            program.run("server", "stop")


def test_a_broken_configuration_of_the_user_ends_every_server_and_is_told(
    program: Program, thread: str, opencode_home: OpenCodeHome
) -> None:
    broken = Path(opencode_home.environment["XDG_CONFIG_HOME"]) / "opencode" / "opencode.json"
    broken.parent.mkdir(parents=True, exist_ok=True)
    broken.write_text('{\n "apiKey": "very secret", // line 1\n "model": oops\n}\n')
    told = f"OpenCode cannot use {broken}: InvalidSymbol at line 3"
    with nothing_made(program, opencode_home, thread):
        assert configuration_of(program) == [], "nobody has said anything yet"
        refused = program.json("send", thread, "hello", code=4)
        assert told in refused["error"]["message"] and "very secret" not in str(refused)
        (finding,) = configuration_of(program)
        assert program.json("status")["warnings"] == [finding]
        assert finding.startswith(told) and finding.endswith("No server starts until it is corrected.")
        broken.write_text("{}")
        later = time.time() + 5
        os.utime(broken, (later, later))
        assert configuration_of(program) == [], "it is another file by now"


def configuration_of(program: Program) -> list[str]:
    """Return the doctor's finding on it."""
    return [str(each["detail"]) for each in program.json("doctor")["findings"] if each["name"] == "opencode's configuration"]
