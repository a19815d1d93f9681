"""The shell that OpenCode opens for its agents is the user's, without the server's password."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from t3tray.server.agent_shell import without_password_in_shells

pytestmark = pytest.mark.skipif(os.name != "posix", reason="no such scripts")
BASH = shutil.which("bash") or "/bin/sh"


def run(environment: dict[str, str], *words: str) -> dict[str, str]:
    """Return the variables that the shell of this environment was given, by name; under "0" its own name."""
    told = subprocess.run(
        [environment["SHELL"], *words, "-c", 'env; echo "0=$0"'],
        env=environment | {"OPENCODE_SERVER_PASSWORD": "swordfish"},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split("=", 1) for line in told.stdout.splitlines() if "=" in line)


@pytest.mark.process
@pytest.mark.parametrize("shell", [BASH, "/bin/sh"])
def test_it_has_all_but_the_password(tmp_path: Path, shell: str) -> None:
    environment = {"PATH": os.environ["PATH"], "SHELL": shell, "HOME": str(tmp_path), "OTHER": "a b\tc"}
    made = without_password_in_shells(tmp_path / "with a blank", environment)
    assert Path(made["SHELL"]).name == Path(shell).name, "OpenCode knows shells by their names"
    told = run(made)
    assert "OPENCODE_SERVER_PASSWORD" not in told
    assert (told["SHELL"], told["0"], told["OTHER"]) == (shell, shell, "a b\tc")
    assert made | {"SHELL": shell} == environment


@pytest.mark.process
def test_without_a_shell_it_is_what_opencode_takes(tmp_path: Path) -> None:
    told = run(without_password_in_shells(tmp_path, {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}))
    assert "OPENCODE_SERVER_PASSWORD" not in told and told["0"] == BASH


@pytest.mark.process
def test_a_shell_that_agents_do_not_get_stays_the_users_in_a_terminal(tmp_path: Path) -> None:
    fish = tmp_path / "bin" / "fish"
    fish.parent.mkdir()
    fish.write_text('#!/bin/sh\nprintf \'fish:%s:%s:%s\' "$OPENCODE_SERVER_PASSWORD" "$SHELL" "$*"\n')
    fish.chmod(0o755)
    made = without_password_in_shells(tmp_path / "shells", {"PATH": os.environ["PATH"], "SHELL": str(fish)})
    assert Path(made["SHELL"]).name == Path(BASH).name
    told = run(made, "-l")
    assert (told["SHELL"], told["0"]) == (str(fish), BASH) and "OPENCODE_SERVER_PASSWORD" not in told
    environment = made | {"OPENCODE_SERVER_PASSWORD": "swordfish"}
    terminal = subprocess.run([made["SHELL"], "-l"], env=environment, capture_output=True, text=True, check=True)
    assert terminal.stdout == f"fish::{fish}:-l"


@pytest.mark.process
def test_a_shell_whose_own_files_are_slow_fail_or_talk_is_no_reason_to_leave_the_password_in(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A `.zshenv`, or BASH_ENV: what they write would stand before a command's document."""
    shell = tmp_path / "bin" / "zsh"
    shell.parent.mkdir()
    shell.write_text(f"#!/bin/sh\necho hello; touch {tmp_path}/read; exit 3\n")
    shell.chmod(0o755)
    made = without_password_in_shells(tmp_path / "shells", {"PATH": os.environ["PATH"], "SHELL": str(shell)})
    assert made["SHELL"] == str(tmp_path / "shells" / "zsh") and not (tmp_path / "read").exists()
    assert capfd.readouterr() == ("", "")


def test_where_no_script_can_be_made_the_shell_stays(tmp_path: Path) -> None:
    (tmp_path / "shells").write_text("a file")
    environment = {"PATH": os.environ["PATH"], "SHELL": BASH}
    assert without_password_in_shells(tmp_path / "shells", environment) == environment
