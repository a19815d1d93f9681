"""A click on a notification opens its thread in the window. In another process, because there is one app per process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication, QTimer
from t3tray.domain.notification import Click
from t3tray.domain.remedy import Remedy
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.application import Application
from tests.support.recording import RecordingBackend
from tests.support.views import READY, row

backend = RecordingBackend(Snapshot(READY, (row("a"), row("b"))))
app = Application(Path(sys.argv[1]), backend.open)

# Without a tray the window is there by itself, and shows the list.
def look():
    bridge, window = app.bridge, app.window
    if not window or not bridge.snapshot:
        return
    if not clicked:
        remedy = Remedy(sys.argv[3]) if sys.argv[3] else None
        clicked.append(bridge.hand_over(lambda: backend.click(Click(sys.argv[2] or None, "leave", remedy))))
        window.hide()
    elif window.isVisible() and os.environ.get("XDG_ACTIVATION_TOKEN") and window.sheet.isVisible() is bool(sys.argv[3]):
        looking.stop()
        done = [asked[0] for asked in backend.asked if asked[0] in ("remedies.preview", "remedies.apply")]
        print(window.threads.current(), os.environ.pop("XDG_ACTIVATION_TOKEN"), window.sheet.thread_id, *done)
        QCoreApplication.instance().quit_wanted.emit()

clicked = []
looking = QTimer()
looking.timeout.connect(look)
looking.start(20)
sys.exit(app.run())
"""


def shown_after(directory: Path, thread_id: str, remedy: str) -> list[str]:
    """Return what the app shows after such a click."""
    argv = [sys.executable, "-c", SCRIPT, str(directory), thread_id, remedy]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=90)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.process
@pytest.mark.parametrize(("clicked", "shown"), [("b", "b"), ("", "None")])
def test_a_click_shows_the_window_with_the_thread_of_the_notice(tmp_path: Path, clicked: str, shown: str) -> None:
    assert shown_after(tmp_path, clicked, "") == [shown, "leave", "None"]


@pytest.mark.process
def test_the_button_of_a_remedy_shows_its_preview_and_changes_nothing(tmp_path: Path) -> None:
    assert shown_after(tmp_path, "b", "heal") == ["b", "leave", "b", "remedies.preview"]
