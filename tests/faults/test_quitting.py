"""The app's end: once, in order, and at last whatever hangs. Each in a process of its own, since it is the process that ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

APP = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from t3tray.qt import application
from tests.support.views import FakeDesk, READY, row
from t3tray.core.services.views import Overview

app = application.Application(Path(sys.argv[1]), lambda: FakeDesk(Overview(READY, (row("a"),))))
"""


def run(tmp_path: Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", APP + script, str(tmp_path / "data")], capture_output=True, text=True, check=False, timeout=60
    )


def test_quitting_with_the_window_open_is_asked_for_once(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
asked = []
def quit():
    bridge = app._bridge
    close = bridge.close
    bridge.close = lambda *words: (asked.append(1), close(*words))
    bridge.ended.connect(bridge.close)
    app._open_window().show()
    app._on_quit_wanted()
    app._on_quit_wanted()
    app._open_window().closed.emit()
bridge_there = QTimer()
bridge_there.timeout.connect(lambda: app._bridge and (bridge_there.stop(), quit()))
bridge_there.start(10)
code = app.run()
print(len(asked))
sys.exit(code)
""",
    )
    # Ours, and the one that the test itself hangs on the end.
    assert (done.returncode, done.stdout) == (0, "2\n")
    assert "Traceback" not in done.stderr


def test_an_app_whose_own_thread_hangs_ends_all_the_same_and_says_where(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
application.HARD_END = 0.5
def hang():
    app._on_quit_wanted()
    while True:
        pass
QTimer.singleShot(500, hang)
app.run()
""",
    )
    assert done.returncode == 1
    assert "in hang" in done.stderr
