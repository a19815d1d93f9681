"""Without a tray, on a real X server: closing the window ends the app, but not while a turn is running."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.desktop import Desktop
from tests.support.notification_daemon import NotificationDaemon
from tests.support.opencode import OpenCodeHome
from tests.support.program import Program
from tests.support.stub_model import StubModel
from tests.support.waiting import until

CEILING = 90.0


def test_what_waits_for_the_user_is_not_ended_by_closing_the_window(
    tmp_path: Path, opencode_home: OpenCodeHome, model: StubModel
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "opencode.json").write_text('{"permission": {"bash": "ask"}}')
    with (
        Desktop(tmp_path, has_tray=False) as desktop,
        NotificationDaemon(desktop.environment["DBUS_SESSION_BUS_ADDRESS"]) as daemon,
    ):
        program = Program(tmp_path / "data", opencode_home.environment)
        program.environment |= desktop.environment
        program.run("settings", "server_with_app", "true")
        with subprocess.Popen(program.argv(), env=program.environment, stdin=subprocess.DEVNULL) as app:
            try:
                until(lambda: "t3tray" in desktop.windows(), "the window", CEILING)
                until(lambda: program.json("server", "status")["server"]["state"] == "ready", "the app's server", CEILING)
                asking = ("new", "--dir", str(work), "--title", "Parser", "--prompt", "run: touch allowed", "--no-wait")
                program.run(*asking)
                # From now on the app knows it too.
                daemon.wait(lambda daemon: any(each.buttons for each in daemon.on_screen), "the ask", CEILING)
                desktop.close_window("t3tray")
                told = "t3tray: “Parser” waits for your answer."
                until(lambda: told in desktop.windows(), "the reason in the title", CEILING)
                assert app.poll() is None
                (ask,) = (each for each in daemon.on_screen if each.buttons)
                daemon.press(ask, next(key for key, label in ask.buttons.items() if label == "Allow Once"))
                until((work / "allowed").exists, "what was allowed", CEILING)
                until(lambda: "t3tray" in desktop.windows(), "the end of the turn in the window", CEILING)
                desktop.close_window("t3tray")
                assert app.wait(CEILING) == 0
            finally:
                if app.poll() is None:
                    app.terminate()
