"""The command that opens a terminal, on each system."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from t3tray.system.terminal import NoTerminal, console_program, open_terminal, terminal_command

ATTACH = ["python", "-m", "t3tray", "attach", "3f2a"]
SCRIPT = Path("/data/attach-1.command")


def command(platform: str, *there: str, setting: str = "", environment: dict[str, str] | None = None) -> list[str]:
    def which(name: str) -> str | None:
        return name if name.startswith("/") else (f"/usr/bin/{name}" if name in there else None)

    return terminal_command(ATTACH, platform=platform, setting=setting, environment=environment or {}, script=SCRIPT, which=which)


@pytest.mark.parametrize(
    ("terminal", "flags"),
    [("xterm", ["-e"]), ("gnome-terminal", ["--"]), ("kitty", []), ("wezterm", ["start", "--"]), ("xfce4-terminal", ["-x"])],
)
def test_each_terminal_is_told_in_its_own_way(terminal: str, flags: list[str]) -> None:
    assert command("linux", terminal) == [f"/usr/bin/{terminal}", *flags, *ATTACH]


def test_the_setting_comes_first_then_the_environment_then_what_is_there() -> None:
    there = ("xterm", "kitty", "konsole")
    assert command("linux", *there, setting="konsole", environment={"TERMINAL": "xterm"})[0] == "/usr/bin/konsole"
    assert command("linux", *there, environment={"TERMINAL": "xterm"})[0] == "/usr/bin/xterm"
    assert command("linux", *there)[0] == "/usr/bin/kitty"
    assert command("linux", setting="/opt/mine")[:2] == ["/opt/mine", "-e"]


def test_without_any_terminal_the_hint_names_the_command() -> None:
    with pytest.raises(NoTerminal) as told:
        command("linux")
    assert "python -m t3tray attach 3f2a" in (told.value.hint or "")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("", ["-a", "Terminal", str(SCRIPT)]),
        ("iTerm", ["-a", "iTerm", str(SCRIPT)]),
        ("iTerm2", ["-a", "iTerm", str(SCRIPT)]),
        ("Some Other", ["-a", "Some Other", str(SCRIPT)]),
        ("Ghostty", ["-n", "-a", "Ghostty", "--args", "-e", *ATTACH]),
        ("/Applications/kitty.app", ["-n", "-a", "/Applications/kitty.app", "--args", *ATTACH]),
        ("WezTerm", ["-n", "-a", "WezTerm", "--args", "start", "--", *ATTACH]),
        ("Alacritty", ["-n", "-a", "Alacritty", "--args", "-e", *ATTACH]),
    ],
)
def test_each_app_of_macos_is_told_in_its_own_way(setting: str, words: list[str]) -> None:
    assert command("darwin", setting=setting) == ["open", *words]


@pytest.mark.parametrize(
    ("environment", "app"),
    [
        ({"TERM_PROGRAM": "iTerm.app", "TERM": "xterm-256color"}, "iTerm"),
        ({"TERM_PROGRAM": "ghostty", "TERM": "xterm-ghostty"}, "Ghostty"),
        ({"TERM_PROGRAM": "WezTerm"}, "WezTerm"),
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "alacritty"}, "Alacritty"),
        ({"TERM_PROGRAM": "Apple_Terminal"}, "Terminal"),
        ({"TERM_PROGRAM": "vscode", "TERM": "xterm-256color"}, "Terminal"),
    ],
)
def test_without_a_setting_it_is_the_app_of_macos_in_whose_shell_t3tray_runs(environment: dict[str, str], app: str) -> None:
    started = command("darwin", environment=environment)
    assert started == command("darwin", setting=app) and app in started
    assert command("darwin", setting="kitty", environment=environment) == command("darwin", setting="kitty")


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="a shell runs the script")
def test_an_app_that_macos_does_not_find_is_an_error_with_the_command(tmp_path: Path) -> None:
    opener = tmp_path / "open"
    opener.write_text("#!/bin/sh\nexit 1\n")
    opener.chmod(0o700)
    with pytest.raises(NoTerminal) as told:
        open_terminal(ATTACH, platform="darwin", setting="Gone", environment={"PATH": str(tmp_path)}, folder=tmp_path)
    assert "Gone" in told.value.message and "t3tray attach 3f2a" in (told.value.hint or "")
    assert not list(tmp_path.glob("attach-*.command"))


def test_windows_has_its_own_terminal_or_a_window_without_a_title() -> None:
    assert command("win32", "wt.exe") == ["wt.exe", *ATTACH]
    started = command("win32")
    assert started == ["cmd", "/c", "start", "", *ATTACH]
    assert subprocess.list2cmdline(started).startswith('cmd /c start "" python ')


def test_a_terminal_of_windows_runs_the_program_that_has_an_output(tmp_path: Path) -> None:
    for name in ("pythonw.exe", "python.exe", "t3tray.exe", "t3trayc.exe"):
        (tmp_path / name).touch()
    assert console_program(tmp_path / "pythonw.exe", "win32") == tmp_path / "python.exe"
    assert console_program(tmp_path / "t3tray.exe", "win32") == tmp_path / "t3trayc.exe"
    assert console_program(tmp_path / "python.exe", "win32") == tmp_path / "python.exe"
    (tmp_path / "t3trayc.exe").unlink()
    assert console_program(tmp_path / "t3tray.exe", "win32") == tmp_path / "t3tray.exe"
    assert console_program(tmp_path / "pythonw.exe", "linux") == tmp_path / "pythonw.exe"


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="a shell runs the script")
def test_two_scripts_for_macos_are_the_users_own_and_each_runs_its_own_command(tmp_path: Path) -> None:
    opener = tmp_path / "open"
    opener.write_text("#!/bin/sh\n")
    opener.chmod(0o700)
    left = tmp_path / "attach-0.command"
    left.touch()
    os.utime(left, (0, 0))
    for word in ("one", "two"):
        open_terminal(["/bin/echo", word], platform="darwin", setting="", environment={"PATH": str(tmp_path)}, folder=tmp_path)
    scripts = list(tmp_path.glob("attach-*.command"))
    assert len(scripts) == 2 and left not in scripts and {script.stat().st_mode & 0o777 for script in scripts} == {0o700}
    told = {subprocess.run([script], capture_output=True, text=True, check=True).stdout for script in scripts}
    assert told == {"one\n", "two\n"} and not any(script.exists() for script in scripts)
