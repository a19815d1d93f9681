"""The behaviour on macOS, as far as it can be imitated here: our folders, the login item, the terminal, unavailable facts."""

from __future__ import annotations

import logging
import os
import plistlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from t3tray.domain.thread import Source, Thread
from t3tray.messages.server import APP_ASKED, APP_NOT_FOUND
from t3tray.server import process, token_bearers
from t3tray.server.programs import Programs
from t3tray.settings.definitions import Settings
from t3tray.system.autostart import open_autostart
from t3tray.system.launch_agent import LABEL
from t3tray.system.log_file import FILE_NAME, begin_log
from t3tray.system.other_processes import has_open
from t3tray.system.paths import data_directory, log_directory
from t3tray.system.url_handlers import has_handler
from tests.support.waiting import until

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
# Writes its arguments, one on each line, as a program that macOS starts with `open` gets them.
OPEN = '#!/bin/sh\nprintf "%s\\n" "$@" > "{0}.part" && mv "{0}.part" "{0}"\n'


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The home of a user who sets XDG's variables in a shell; Finder does not know them."""
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("T3TRAY_DATA_DIR")
    return tmp_path


@pytest.fixture
def opened(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file with the arguments of the last call of `open`."""
    program = home / "bin" / "open"
    program.parent.mkdir()
    program.write_text(OPEN.format(home / "opened"))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TERM", "xterm")
    return home / "opened"


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    handlers, level, raises = [*root.handlers], root.level, logging.raiseExceptions
    yield root
    for handler in [each for each in root.handlers if each not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    logging.raiseExceptions = raises


def test_the_log_lies_where_the_console_app_looks_for_its_owner_alone(home: Path, root_logger: logging.Logger) -> None:
    begin_log(log_directory(data_directory(None, {})))
    logging.getLogger("t3tray").warning("a word")
    written = home / "Library" / "Logs" / "t3tray" / FILE_NAME
    assert "a word" in written.read_text() and written.stat().st_mode & 0o777 == 0o600
    own = home / "elsewhere"
    assert log_directory(data_directory(str(own), {})) == own / "logs"


def test_the_login_item_is_a_launch_agent_whatever_xdg_says(home: Path) -> None:
    item = open_autostart({"XDG_CONFIG_HOME": str(home / "xdg")}, home, ("--data-dir", "/data"))
    assert not item.state().is_on
    item.turn_on()
    agent = plistlib.loads((home / "Library" / "LaunchAgents" / f"{LABEL}.plist").read_bytes())
    assert agent["RunAtLoad"] is True and agent["ProgramArguments"][-2:] == ["--data-dir", "/data"]
    assert item.state().is_on and not (home / "xdg").exists()
    item.turn_off()
    assert not item.state().is_on


@pytest.mark.process
def test_a_terminal_runs_a_script_that_takes_itself_away(home: Path, opened: Path) -> None:
    data = home / "data"
    data.mkdir()
    thread = Thread("3f2a", "Parser", "/work", Source.T3TRAY, NOON, NOON)
    Programs(Settings(), data).open_terminal(thread)
    until(opened.exists, "what was opened")
    app, name, script = opened.read_text().splitlines()
    assert (app, name) == ("-a", "Terminal")
    text = Path(script).read_text()
    assert text.startswith('#!/bin/sh\nrm -f -- "$0"\nexec ') and text.endswith(f" attach 3f2a --data-dir {data}\n")
    assert Path(script).stat().st_mode & 0o777 == 0o700


@pytest.mark.process
def test_a_folder_and_t3_code_are_opened_by_its_own_program(home: Path, opened: Path) -> None:
    ours = Programs(Settings(), home)
    ours.open_folder(home)
    until(opened.exists, "what was opened")
    assert opened.read_text().splitlines() == [str(home)]
    opened.unlink()
    assert has_handler("t3code", sys.platform, os.environ) is None, "it cannot be asked"
    theirs = Thread("3f2a", "Parser", "/work", Source.T3CODE, NOON, NOON)
    asked = ours.open_t3code(theirs, None)
    assert opened.read_text().splitlines() == ["t3code://app"] and asked.sentence == APP_ASKED
    (home / "bin" / "open").write_text("#!/bin/sh\nexit 1\n")
    assert ours.open_t3code(theirs, None).sentence == APP_NOT_FOUND, "its exit status is all that tells"


def test_an_environment_that_is_not_told_makes_no_server_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """psutil returns an empty one instead of raising AccessDenied."""

    class Strange(psutil.Process):
        def cmdline(self) -> list[str]:
            return ["opencode", "serve", "--port", "4711"]

        def environ(self) -> dict[str, str]:
            return {}

    monkeypatch.setattr(psutil, "process_iter", lambda *_: iter([Strange()]))
    assert [*token_bearers.bearers("")] and not [*token_bearers.bearers("abc")], "one of ours would be known by its token alone"
    assert process.search("abc", 4711) is None


def test_a_file_that_another_may_hold_open_cannot_be_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def denied(process: psutil.Process) -> list[object]:
        raise psutil.AccessDenied(process.pid)

    database = tmp_path / "opencode.db"
    with database.open("w"):
        assert has_open(psutil.Process(), database) is True
        monkeypatch.setattr(psutil.Process, "open_files", denied)
        assert has_open(psutil.Process(), database) is None
