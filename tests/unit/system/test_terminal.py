"""Which command opens a terminal, on each system."""

from __future__ import annotations

from pathlib import Path

import pytest

from t3tray.core.system.terminal import NoTerminal, open_terminal, terminal_command

ATTACH = ["python", "-m", "t3tray", "attach", "3f2a"]
SCRIPT = Path("/data/attach.command")


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


def test_macos_runs_a_script_and_windows_its_own_terminal() -> None:
    assert command("darwin") == ["open", "-a", "Terminal", str(SCRIPT)]
    assert command("darwin", setting="iTerm") == ["open", "-a", "iTerm", str(SCRIPT)]
    assert command("win32", "wt.exe") == ["wt.exe", *ATTACH]
    assert command("win32") == ["cmd", "/c", "start", "t3tray", *ATTACH]


def test_the_script_for_macos_is_the_users_own(tmp_path: Path) -> None:
    script = tmp_path / "attach.command"
    opener = tmp_path / "open"
    opener.write_text("#!/bin/sh\n")
    opener.chmod(0o700)
    open_terminal(ATTACH, platform="darwin", setting="", environment={"PATH": str(tmp_path)}, script=script)
    assert script.read_text() == "#!/bin/sh\nexec python -m t3tray attach 3f2a\n"
    assert script.stat().st_mode & 0o777 == 0o700
