"""After a verification only the page that the user has in view is read anew. In another process, because there is one app per
process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication, QTimer
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.application import Application
from tests.support.recording import RecordingBackend
from tests.support.views import READY, row

backend = RecordingBackend(Snapshot(READY, (row("a"), row("b"))))
app = Application(Path(sys.argv[1]), backend.open)
asked = []

# Without a tray the window is there by itself, and shows the list.
def look():
    bridge, window = app.bridge, app.window
    if not window or not window.isVisible() or not bridge.snapshot:
        return
    if window.threads.current() != "a":
        window.show_thread("a")
    elif not asked and ("details.read", "a") in backend.asked:
        asked.append("b")
        bridge.resumed.connect(lambda verification: resumed(verification.thread.id))
        bridge.open_in_terminal("b")
    elif ("prompting.verify", "a") in backend.asked:
        after = backend.asked[backend.asked.index(("prompting.verify", "a")):]
        if ("details.read", "a") not in after:
            return
        looking.stop()
        print(*{each[1] for each in backend.asked if each[0] == "details.read"})
        QCoreApplication.instance().quit_wanted.emit()

def resumed(thread_id):
    if thread_id == "b":
        app.bridge.verify("a")

looking = QTimer()
looking.timeout.connect(look)
looking.start(20)
sys.exit(app.run())
"""


@pytest.mark.process
def test_only_the_thread_in_view_is_read_anew(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=90)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["a"]
