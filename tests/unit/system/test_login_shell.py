"""The login shell's environment, from real shells: good ones, noisy ones, and those that never answer."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from t3tray.server import programs
from t3tray.server.programs import Programs
from t3tray.settings.definitions import Settings
from t3tray.system.login_shell import login_environment
from t3tray.system.paths import data_directory

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no login shell")


def shell(folder: Path, *lines: str) -> dict[str, str]:
    """Return an environment whose shell runs these lines first, as a profile would."""
    path = folder / "shell"
    path.write_text("\n".join(["#!/bin/sh", *lines, 'exec /bin/sh -c "$2"', ""]))
    path.chmod(0o700)
    return {"PATH": "/usr/bin:/bin", "HOME": str(folder), "SHELL": str(path)}


@pytest.mark.process
def test_all_of_it_is_told_whatever_else_the_shell_says(tmp_path: Path) -> None:
    environ = shell(
        tmp_path,
        "echo Welcome; echo PATH=/nowhere",
        "export API_KEY=sk-1 PATH=/opt/bin:$PATH TWO='one\ntwo' EMPTY= T3TRAY_DATA_DIR=/elsewhere",
        "sleep 60 &",
    )
    told = login_environment(environ)
    assert told is not None
    assert (told["API_KEY"], told["PATH"], told["TWO"], told["EMPTY"]) == ("sk-1", "/opt/bin:/usr/bin:/bin", "one\ntwo", "")
    assert not {"_", "SHLVL", "PWD", "T3TRAY_DATA_DIR"} & set(told)


@pytest.mark.process
@pytest.mark.parametrize("lines", [("exit 1",), ("echo begun", "exec sleep 60"), ("sleep 60",)])
def test_a_shell_that_does_not_tell_tells_nothing(tmp_path: Path, lines: tuple[str, ...]) -> None:
    assert login_environment(shell(tmp_path, *lines), limit=0.5) is None


@pytest.mark.process
def test_no_shell_and_one_that_is_not_there_tell_nothing(tmp_path: Path) -> None:
    assert login_environment({}) is None
    assert login_environment({"SHELL": str(tmp_path / "none")}) is None


@pytest.mark.process
def test_the_users_own_shell_tells() -> None:
    told = login_environment({**os.environ, "SHELL": "/bin/sh"})
    assert told and told["PATH"]


@pytest.mark.process
def test_a_shell_that_failed_is_asked_again_at_the_servers_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TERM", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SHELL", "/bin/sh")
    answers: list[dict[str, str] | None] = [None, {"API_KEY": "sk-1", "XDG_DATA_HOME": "/shells"}]
    monkeypatch.setattr(programs, "login_environment", lambda environ: answers.pop(0))
    data = data_directory(None, os.environ)
    program = tmp_path / "opencode"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    ours = Programs(Settings(opencode_path=str(program)), tmp_path / "data")
    for _ in range(3):
        assert "API_KEY" not in ours.environment()
    assert ours.server_program().environment["API_KEY"] == "sk-1"
    assert ours.environment()["API_KEY"] == "sk-1" and answers == []
    ours.server_program()
    assert data_directory(None, os.environ) == data, "our own paths do not depend on it"


def test_in_a_terminal_no_shell_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(programs, "login_environment", lambda environ: pytest.fail("it was asked"))
    assert Programs(Settings(), tmp_path).environment()["PATH"]
