"""The owner of a port: another program only where the system shows that it is one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from t3tray.system import port_owner
from t3tray.system.port_owner import is_like_t3tray, may_be_t3tray


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("python3.12", ["/usr/bin/python3.12", "-m", "t3tray"], True),
        ("t3tray", ["/opt/t3tray/t3tray", "run"], True),
        ("MainThread", ["/home/u/.venv/bin/t3tray"], True),
        ("T3Tray", ["/Applications/T3Tray.app/Contents/MacOS/T3Tray"], True),
        ("Python", ["/Library/Frameworks/Python.framework/Versions/3.12/Resources/Python.app/Contents/MacOS/Python"], True),
        ("gunicorn", ["/usr/bin/python3", "/usr/bin/gunicorn"], True),
        ("node", [], True),
        ("node", ["node", "server.js"], False),
        ("opencode", ["/home/u/.opencode/bin/opencode", "serve", "--port", "4096"], False),
        ("nc", ["nc", "-l", "127.0.0.1", "25000"], False),
    ],
)
def test_any_python_may_be_ours(name: str, words: list[str], expected: bool) -> None:
    assert is_like_t3tray(name, words) is expected


def test_ours_may_be_and_nobody_may_be_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert may_be_t3tray(port)
    assert may_be_t3tray(port), "it may have ended just now"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose a socket is")
def test_another_users_socket_is_none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert list(port_owner.users_of(port)) == [os.getuid()]
        monkeypatch.setattr(os, "getuid", lambda: 4711)
        assert not may_be_t3tray(port)


def test_tables_that_are_not_there_tell_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(port_owner, "TABLES", (tmp_path / "tcp",))
    (tmp_path / "tcp").write_text("  sl  local_address\n   0: 0100007F:1F90 00000000:0000 0A\n")
    assert list(port_owner.users_of(8080)) == []


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="sees the sockets of this user's programs on Linux")
def test_a_program_that_is_no_python_is_another(tmp_path: Path) -> None:
    """A process that was given a listening socket, and is a shell."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        number = listening.fileno()
        shell = subprocess.Popen(["/bin/sh", "-c", "read line"], stdin=subprocess.PIPE, pass_fds=(number,))
    try:
        assert not may_be_t3tray(port)
    finally:
        shell.communicate(b"\n", timeout=90)
