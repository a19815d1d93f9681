"""Notifications on a real desktop: the app as a process, a recording service, and a click that shows the window."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from t3tray.domain.notification import SETTLING
from tests.support.desktop import Desktop
from tests.support.notification_daemon import NotificationDaemon
from tests.support.opencode import OpenCodeHome
from tests.support.program import Program
from tests.support.waiting import until


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[Desktop]:
    with Desktop(tmp_path) as running:
        yield running


@pytest.fixture
def daemon(desktop: Desktop) -> Iterator[NotificationDaemon]:
    with NotificationDaemon(desktop.environment["DBUS_SESSION_BUS_ADDRESS"]) as running:
        yield running


def test_an_approval_is_shown_once_the_app_has_settled_and_goes_when_the_app_ends(
    tmp_path: Path, opencode_home: OpenCodeHome, desktop: Desktop, daemon: NotificationDaemon
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "opencode.json").write_text('{"permission": {"bash": "ask"}}')
    program = Program(tmp_path / "data", opencode_home.environment)
    program.environment |= desktop.environment
    began = time.monotonic()
    app = subprocess.Popen(program.argv(), env=program.environment, stdin=subprocess.DEVNULL)
    try:
        desktop.tray.wait_for_item()
        until(lambda: "Start Server" in desktop.tray.labels(), "the menu")
        desktop.tray.choose("Start Server")
        until(lambda: any(label.startswith("Server ready") for label in desktop.tray.labels()), "a server that is ready")
        program.run("new", "--dir", str(work), "--title", "Parser", "--prompt", "run: touch made", "--no-wait")
        daemon.wait(lambda daemon: bool(daemon.on_screen), "the approval", limit=90)
        assert time.monotonic() - began >= SETTLING.total_seconds()
        (asked,) = daemon.on_screen
        assert (asked.title, asked.text) == ("Parser", "Wants to run touch made")
        assert "t3tray" not in desktop.windows()
        daemon.press(asked, "default")
        until(lambda: "t3tray" in desktop.windows(), "the window")
        assert not (work / "made").exists()
        desktop.tray.choose("Quit t3tray")
        assert app.wait(90) == 0 and daemon.on_screen == []
    finally:
        if app.poll() is None:
            app.kill()
        app.wait(90)
