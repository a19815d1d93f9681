"""Start at login on each system: off until asked, on for the copy that runs now, and reported as the system has it."""

from __future__ import annotations

import plistlib
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from t3tray.domain.inventory import AutostartState
from t3tray.errors import WorldError
from t3tray.system.autostart import open_autostart, own_command
from t3tray.system.autostart_entry import Autostart
from t3tray.system.desktop_entry import DesktopEntry
from t3tray.system.launch_agent import LABEL, LaunchAgent
from t3tray.system.run_key import APPROVED, NAME, RUN, RunKey

ON, OFF = AutostartState(True), AutostartState(False)
HERE, THERE = ["/opt/my apps/t3tray", "--data-dir", "/home/dev/100 % $mine"], ["/old/t3tray"]
Way = Callable[[list[str]], Autostart]


class FakeRegistry:
    """Imitates winreg, where there is no Windows."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], object] = {}
        self.refuses = False

    def read(self, key: str, name: str) -> object:
        self._check()
        return self.values.get((key, name))

    def write(self, key: str, name: str, value: str) -> None:
        self._check()
        self.values[key, name] = value

    def remove(self, key: str, name: str) -> None:
        self._check()
        self.values.pop((key, name), None)

    def _check(self) -> None:
        if self.refuses:
            raise PermissionError(5, "Access is denied")


@pytest.fixture(params=["linux", "macos", "windows"])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Way:
    registry = FakeRegistry()
    ways: dict[str, Way] = {
        "linux": lambda command: DesktopEntry(tmp_path / "config", command),
        "macos": lambda command: LaunchAgent(tmp_path, command),
        "windows": lambda command: RunKey(registry, command),
    }
    return ways[request.param]


def test_it_is_off_until_asked_and_off_again(way: Way) -> None:
    ours = way(HERE)
    assert ours.state() == OFF
    ours.turn_off()
    ours.turn_on()
    ours.turn_on()
    assert ours.state() == ON
    ours.turn_off()
    assert ours.state() == OFF


def test_another_copy_that_starts_is_said_and_replaced(way: Way) -> None:
    way(THERE).turn_on()
    state = way(HERE).state()
    assert state.is_on and "/old/t3tray" in state.trouble
    way(HERE).turn_on()
    assert way(HERE).state() == ON


@pytest.mark.skipif(sys.platform == "win32", reason="folders are not closed that way there")
def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "autostart").write_text("a file where a folder should be")
    (tmp_path / "Library").write_text("")
    for ours in (DesktopEntry(tmp_path, HERE), LaunchAgent(tmp_path, HERE)):
        with pytest.raises(WorldError, match="turned on"):
            ours.turn_on()
        state = ours.state()
        assert not state.is_on and "cannot be said" in state.trouble
    registry = FakeRegistry()
    registry.refuses = True
    for deed in (RunKey(registry, HERE).turn_on, RunKey(registry, HERE).turn_off):
        with pytest.raises(WorldError, match="Access is denied"):
            deed()
    assert "Access is denied" in RunKey(registry, HERE).state().trouble


def entry(tmp_path: Path) -> Path:
    return tmp_path / "autostart" / "t3tray.desktop"


@pytest.mark.process
@given(some.lists(some.text(some.characters(exclude_categories=("C", "Z"), include_characters=" "), min_size=1), min_size=1))
def test_every_word_of_the_command_arrives_on_linux(tmp_path_factory: pytest.TempPathFactory, command: list[str]) -> None:
    config = tmp_path_factory.mktemp("config")
    ours = DesktopEntry(config, command)
    ours.turn_on()
    assert ours.state() == ON
    (line,) = (line for line in entry(config).read_text("utf-8").splitlines() if line.startswith("Exec="))
    # First what holds for every text of such a file, then what holds for commands: the quotes are the shell's.
    read = line.removeprefix("Exec=").replace("\\\\", "\\").replace("%%", "%")
    said = subprocess.run(["sh", "-c", f"printf '%s\\0' {read}"], capture_output=True, check=True).stdout
    assert said.decode().split("\0")[:-1] == command


def test_a_path_that_no_entry_can_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="cannot contain"):
        DesktopEntry(tmp_path, ["/tmp/a\nb/t3tray"]).turn_on()
    assert not entry(tmp_path).exists()


@pytest.mark.parametrize("line", ["Hidden=true", "X-GNOME-Autostart-enabled=false"])
def test_what_the_desktop_has_switched_off_is_off_and_can_be_turned_on(tmp_path: Path, line: str) -> None:
    ours = DesktopEntry(tmp_path, HERE)
    ours.turn_on()
    kept = [each for each in entry(tmp_path).read_text().splitlines() if not each.startswith(line.partition("=")[0])]
    entry(tmp_path).write_text("\n".join((*kept, line)))
    state = ours.state()
    assert not state.is_on and "keeps t3tray from starting" in state.trouble
    ours.turn_on()
    assert ours.state() == ON


@pytest.mark.parametrize("content", [b"", b"no entry", b"[Other]\nExec=t3tray", b"\xff\xfe"])
def test_an_entry_that_is_none_is_said(tmp_path: Path, content: bytes) -> None:
    entry(tmp_path).parent.mkdir()
    entry(tmp_path).write_bytes(content)
    state = DesktopEntry(tmp_path, HERE).state()
    assert not state.is_on and "cannot be said" in state.trouble


def agent(tmp_path: Path) -> Path:
    return tmp_path / "Library" / "LaunchAgents" / f"{LABEL}.plist"


def test_the_launch_agent_says_what_launchd_needs(tmp_path: Path) -> None:
    LaunchAgent(tmp_path, HERE).turn_on()
    told = plistlib.loads(agent(tmp_path).read_bytes())
    assert (told["Label"], told["ProgramArguments"], told["RunAtLoad"]) == (LABEL, HERE, True)
    # launchd loads no agent that others could have written.
    assert not agent(tmp_path).stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)


@pytest.mark.parametrize(
    "content", [b"", b"<plist>", plistlib.dumps([1]), plistlib.dumps({"Label": LABEL}), plistlib.dumps({"ProgramArguments": "x"})]
)
def test_a_launch_agent_that_is_none_is_said(tmp_path: Path, content: bytes) -> None:
    agent(tmp_path).parent.mkdir(parents=True)
    agent(tmp_path).write_bytes(content)
    state = LaunchAgent(tmp_path, HERE).state()
    assert not state.is_on and "cannot be said" in state.trouble


def test_a_launch_agent_that_is_disabled_is_off(tmp_path: Path) -> None:
    LaunchAgent(tmp_path, HERE).turn_on()
    agent(tmp_path).write_bytes(plistlib.dumps(plistlib.loads(agent(tmp_path).read_bytes()) | {"Disabled": True}))
    assert "keeps t3tray from starting" in LaunchAgent(tmp_path, HERE).state().trouble


def test_a_copy_that_macos_runs_from_a_passing_place_is_not_set(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="gone at the next login"):
        LaunchAgent(tmp_path, ["/private/var/folders/x/AppTranslocation/1/d/t3tray.app/Contents/MacOS/t3tray"]).turn_on()
    assert not agent(tmp_path).exists()


def test_what_the_task_manager_has_switched_off_is_off_and_can_be_turned_on() -> None:
    registry = FakeRegistry()
    ours = RunKey(registry, HERE)
    ours.turn_on()
    assert registry.values[RUN, NAME] == '"/opt/my apps/t3tray" --data-dir "/home/dev/100 % $mine"'
    registry.values[APPROVED, NAME] = b"\x02" + bytes(11)
    assert ours.state() == ON
    registry.values[APPROVED, NAME] = b"\x03" + bytes(11)
    assert not ours.state().is_on and "Task Manager" in ours.state().trouble
    ours.turn_on()
    assert ours.state() == ON


def made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_the_packed_program_starts_itself_and_an_appimage_its_own_file(tmp_path: Path) -> None:
    python = made(tmp_path / "mount" / "usr" / "bin" / "t3tray")
    image = {"APPIMAGE": "/home/dev/t3tray.AppImage", "APPDIR": str(tmp_path / "mount")}
    assert own_command(image, python, python, frozen=True) == ["/home/dev/t3tray.AppImage"]
    assert own_command({}, python, python, frozen=True) == [str(python)]
    # Started from a terminal that is an AppImage.
    assert own_command(image | {"APPDIR": "/elsewhere"}, python, python, frozen=True) == [str(python)]


def test_an_installed_script_is_preferred_to_the_interpreter(tmp_path: Path) -> None:
    python, script = made(tmp_path / "bin" / "python"), made(tmp_path / "local" / "t3tray")
    module = made(tmp_path / "site" / "t3tray" / "__main__.py")
    assert own_command({}, script, python, frozen=False) == [str(script)]
    assert own_command({}, module, python, frozen=False) == [str(python), "-m", "t3tray"]
    beside = made(tmp_path / "bin" / "t3tray")
    assert own_command({}, module, python, frozen=False) == [str(beside)]


def test_windows_starts_the_script_or_the_interpreter_without_a_console(tmp_path: Path) -> None:
    python, windowed = made(tmp_path / "python.exe"), made(tmp_path / "pythonw.exe")
    assert own_command({}, tmp_path / "x.py", python, frozen=False) == [str(windowed), "-m", "t3tray"]
    script = made(tmp_path / "Scripts" / "t3tray.exe")
    assert own_command({}, script.with_suffix(""), python, frozen=False) == [str(script)]


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="an entry of the desktop's is Linux's way")
def test_on_linux_the_entry_lies_where_the_desktop_looks(tmp_path: Path) -> None:
    for environment, folder in (({"XDG_CONFIG_HOME": str(tmp_path / "x")}, tmp_path / "x"), ({}, tmp_path / ".config")):
        open_autostart(environment, tmp_path, ()).turn_on()
        assert entry(folder).is_file()
