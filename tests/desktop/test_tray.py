"""The icon on a real desktop: an X server, a session bus and a tray host, and the app as a process."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.desktop import Desktop
from tests.support.forked import Command
from tests.support.opencode import OpenCodeHome
from tests.support.program import Program
from tests.support.waiting import lives, until

# In s: after this the app counts as hanging.
CEILING = 90.0


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[Desktop]:
    with Desktop(tmp_path) as running:
        yield running


@pytest.fixture
def program(tmp_path: Path, opencode_home: OpenCodeHome, desktop: Desktop) -> Program:
    running = Program(tmp_path / "data", opencode_home.environment)
    running.environment |= desktop.environment
    return running


@pytest.fixture
def app(program: Program, desktop: Desktop) -> Iterator[Command]:
    with program.forked() as process:
        try:
            desktop.tray.wait_for_item()
            until(lambda: "Reading your threads…" not in desktop.tray.labels(), "the list of threads")
            yield process
        finally:
            process.terminate()
            process.wait(CEILING)


@pytest.mark.usefixtures("app")
def test_the_icon_has_pictures_a_tooltip_and_a_menu(desktop: Desktop) -> None:
    assert desktop.tray.properties()["IconPixmap"]
    assert desktop.tray.tooltip == "t3tray: server stopped"
    assert desktop.tray.labels() == [
        "Open t3tray",
        "No threads yet",
        "New Thread…",
        "Server stopped",
        "Start Server",
        "Settings…",
        "Quit t3tray",
    ]


def test_a_click_opens_the_window_and_quit_ends_the_app(desktop: Desktop, app: Command) -> None:
    assert "t3tray" not in desktop.windows()
    desktop.tray.click()
    until(lambda: "t3tray" in desktop.windows(), "the window")
    desktop.tray.choose("Quit t3tray")
    assert app.wait(CEILING) == 0


@pytest.mark.usefixtures("app")
def test_the_menu_opens_the_settings_and_nothing_else(desktop: Desktop) -> None:
    desktop.tray.choose("Settings…")
    until(lambda: "Settings" in desktop.windows(), "the settings")
    assert "t3tray" not in desktop.windows()


def test_a_second_start_brings_the_first_one_up(desktop: Desktop, program: Program, app: Command) -> None:
    second = subprocess.run(program.argv(), env=program.environment, timeout=CEILING)
    assert second.returncode == 0
    until(lambda: "t3tray" in desktop.windows(), "the window")
    assert app.poll() is None


def test_the_menu_starts_the_server_and_quit_ends_it(desktop: Desktop, program: Program, app: Command, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    desktop.tray.choose("Start Server")
    until(lambda: any(label.startswith("Server ready") for label in desktop.tray.labels()), "a server that is ready")
    pid = program.json("server", "status")["server"]["pid"]
    program.run("new", "--dir", str(tmp_path / "work"), "--title", "Parser & printer")
    until(lambda: any("Parser & printer" in label for label in desktop.tray.labels()), "the new thread in the menu")
    assert program.json("server", "status")["server"]["pid"] == pid
    desktop.tray.choose("Quit t3tray")
    assert app.wait(CEILING) == 0
    assert not lives(pid)


def test_a_thread_that_cannot_be_resumed_opens_the_window_from_the_menu(
    desktop: Desktop, program: Program, app: Command, tmp_path: Path
) -> None:
    (tmp_path / "work").mkdir()
    program.run("new", "--dir", str(tmp_path / "work"), "--title", "Parser")
    (tmp_path / "work").rmdir()
    program.run("server", "stop")
    until(lambda: "✕  Parser — work" in desktop.tray.labels(), "the mark of a thread that cannot be resumed")
    desktop.tray.choose("✕  Parser — work")
    until(lambda: "t3tray" in desktop.windows(), "the window")
    assert desktop.tray.tooltip == "t3tray: 1 cannot resume"
    assert app.poll() is None


def test_a_server_that_would_stay_can_be_ended_together_with_the_app(desktop: Desktop, program: Program, app: Command) -> None:
    assert "Quit and Stop the Server" not in desktop.tray.labels()
    program.run("server", "start")
    pid = program.json("server", "status")["server"]["pid"]
    until(lambda: "Quit and Stop the Server" in desktop.tray.labels(), "the second way to quit")
    desktop.tray.choose("Quit and Stop the Server")
    assert app.wait(CEILING) == 0
    assert not lives(pid)


def test_the_window_comes_up_where_it_was_closed(desktop: Desktop, program: Program, app: Command, tmp_path: Path) -> None:
    desktop.tray.click()
    until(lambda: "t3tray" in desktop.windows(), "the window")
    desktop.tray.choose("Quit t3tray")
    assert app.wait(CEILING) == 0
    assert (tmp_path / "data" / "window.ini").is_file()


def test_a_tool_that_asks_for_leave_is_allowed_in_the_menu_and_gone_from_it(
    desktop: Desktop, program: Program, app: Command, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "opencode.json").write_text('{"permission": {"bash": "ask"}}')
    program.run("server", "start")
    program.run("new", "--dir", str(work), "--title", "Parser", "--prompt", "run: touch allowed", "--no-wait")
    requests = "Parser ▸ wants to run touch allowed"
    until(lambda: requests in desktop.tray.labels(), "the ask in the menu", 60)
    assert desktop.tray.tooltip == "t3tray: 1 working · 1 needs you"
    assert not (work / "allowed").exists()
    desktop.tray.choose_below(requests, "Allow Once")
    until((work / "allowed").exists, "what was allowed")
    until(lambda: requests not in desktop.tray.labels(), "the end of the ask")
    # It was started to stay, and no other test ends it.
    desktop.tray.choose("Quit and Stop the Server")
    assert app.wait(CEILING) == 0
