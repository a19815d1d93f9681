"""An OpenCode 2 in the place of OpenCode 1: recognised within seconds, started once, and nothing is created."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import fake_opencode2
from tests.support.opencode import OpenCodeHome, RawServer, free_port
from tests.support.program import Program, ServedProgram
from tests.support.unchanged import nothing_made

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the program is a POSIX script")
WORKS_WITH = "and t3tray works with OpenCode 1.15.13 or a newer 1.x."


class OpenCode2:
    """The program in a folder of its own; `asked` returns its requests since the last call."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.binary = folder / "opencode"
        program = f"{sys.executable} -S -E {fake_opencode2.__file__} {folder}"
        self.binary.write_text(f'#!/bin/sh\necho >> {folder / "starts"}\nexec {program} "$@"\n')
        self.binary.chmod(0o700)

    @property
    def asked(self) -> list[str]:
        file = self.binary.with_name("asked")
        return file.read_text().splitlines() if file.exists() else []

    @contextmanager
    def running(self) -> Iterator[str]:
        """Let it serve on its own; yields its address."""
        port = free_port()
        process = subprocess.Popen([self.binary, "serve", "--port", str(port)], stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout and "listening" in process.stdout.readline()
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.communicate()


@pytest.fixture
def program(tmp_path: Path, shared_server: RawServer, opencode_home: OpenCodeHome) -> Program:
    """A program without a server."""
    return Program(tmp_path / "data", opencode_home.environment)


@pytest.fixture
def thread(program: Program, shared_server: RawServer, tmp_path: Path) -> str:
    """A thread that was created with OpenCode 1, whose program has named its database."""
    (tmp_path / "work").mkdir()
    served = ServedProgram(program.data, shared_server)
    made: str = served.json("new", "--dir", str(tmp_path / "work"), "--prompt", "the codeword is HERON")["id"]
    program.run("show", made)
    return made


@pytest.fixture
def other(tmp_path: Path) -> OpenCode2:
    return OpenCode2(tmp_path / "bin2")


def test_on_the_path_it_is_named_and_started_once(
    program: Program, thread: str, other: OpenCode2, opencode_home: OpenCodeHome
) -> None:
    program.environment["PATH"] = f"{other.binary.parent}:{program.environment['PATH']}"
    began = time.monotonic()
    error = program.json("server", "start", code=4)["error"]
    print(f"named after {time.monotonic() - began:.2f} s")
    assert error["title"] == "Unsupported version of OpenCode"
    assert error["message"].startswith(f"This is OpenCode 2 ({other.binary.parent}"), error
    assert WORKS_WITH in error["message"]
    served = other.binary.with_name("starts").read_text().count("\n")
    assert served <= 2, "its server was started more than once (and it may have been asked for its database)"
    with nothing_made(program, opencode_home, thread):
        refused = program.json("send", thread, "hello", code=4)
        assert (refused["verdict"]["kind"], refused["verdict"]["reason"]) == ("unknown", "unsupported")
        assert "This is OpenCode 2" in refused["error"]["message"] + str(refused["receipt"])
        assert program.json("show", thread)["thread"]["draft"] == "hello"
    assert {asked.split()[1] for asked in other.asked} == {"/global/health", "/api/info", "/api/health"}


@pytest.mark.parametrize("is_released", [False, True])
def test_attached_it_is_named_with_either_password(
    program: Program, thread: str, other: OpenCode2, opencode_home: OpenCodeHome, is_released: bool
) -> None:
    if is_released:
        other.binary.with_name("released").touch()
    with other.running() as url, nothing_made(program, opencode_home, thread):
        program.environment["T3TRAY_SERVER_URL"] = url
        version = f"{fake_opencode2.RELEASED}, " if is_released else ""
        for password in ("wrong", fake_opencode2.PASSWORD):
            program.environment["OPENCODE_SERVER_PASSWORD"] = password
            refused = program.json("resume", thread, code=4)
            assert refused["verdict"]["reason"] == "unsupported"
            told = next(note for note in refused["receipt"]["notes"] if "OpenCode 2" in note)
            assert told == f"Unsupported version of OpenCode: This is OpenCode 2 ({version}{url}), {WORKS_WITH}"
        assert program.json("status")["server"]["reason"] == f"This is OpenCode 2 ({version}{url}), {WORKS_WITH}"
    assert all(asked.startswith("GET ") for asked in other.asked)
