"""A click on a notice opens its thread in the window. In a process of its own, since the app is the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from t3tray.core.domain.notice import Click
from t3tray.core.services.views import Overview
from t3tray.qt.application import Application
from tests.support.views import FakeDesk, READY, row

desk = FakeDesk(Overview(READY, (row("a"), row("b"))))
app = Application(Path(sys.argv[1]), lambda: desk)

# Without a tray the window is there by itself, and shows the list.
def look():
    bridge, window = app._bridge, app._window
    if not window or not bridge.overview:
        return
    if not clicked:
        clicked.append(bridge._hand_over(lambda: desk.click(Click(sys.argv[2] or None, "leave"))))
        window.hide()
    elif window.isVisible() and os.environ.get("XDG_ACTIVATION_TOKEN"):
        looking.stop()
        print(window.threads.current(), os.environ.pop("XDG_ACTIVATION_TOKEN"))
        app._on_quit_wanted()

clicked = []
looking = QTimer()
looking.timeout.connect(look)
looking.start(20)
sys.exit(app.run())
"""


@pytest.mark.parametrize(("clicked", "shown"), [("b", "b"), ("", "None")])
def test_a_click_shows_the_window_with_the_thread_of_the_notice(tmp_path: Path, clicked: str, shown: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), clicked], capture_output=True, text=True, check=False, timeout=20
    )
    assert (done.returncode, done.stdout.split()) == (0, [shown, "leave"]), done.stderr
