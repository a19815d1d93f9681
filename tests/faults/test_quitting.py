"""The app's end: once, in order, and in the end despite anything that hangs. Each test ends a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.desktop import Started

APP = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication, QEvent, Qt, QTimer
from t3tray.ui import application
from tests.support.recording import RecordingBackend
from tests.support.views import READY, row
from t3tray.threads.snapshot import Snapshot

backend = RecordingBackend(Snapshot(READY, (row("a"),)))
app = application.Application(Path(sys.argv[1]), backend.open)

def want_quit():
    QCoreApplication.instance().quit_wanted.emit()
"""


def run(tmp_path: Path, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", APP + script, str(tmp_path / "data")],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )


def test_quitting_with_the_window_open_is_asked_for_once(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
asked = []
def quit():
    bridge = app.bridge
    close = bridge.close
    bridge.close = lambda *words: (asked.append(1), close(*words))
    # In the thread that ends: the loop of this one may be over before it has the second of two calls.
    bridge.ended.connect(bridge.close, Qt.ConnectionType.DirectConnection)
    app.window.show()
    want_quit()
    want_quit()
    app.window.closed.emit()
window_there = QTimer()
window_there.timeout.connect(lambda: app.window and (window_there.stop(), quit()))
window_there.start(10)
code = app.run()
print(len(asked))
sys.exit(code)
""",
    )
    # Ours, and the one that the test itself hangs on the end.
    assert (done.returncode, done.stdout) == (0, "2\n")
    assert "Traceback" not in done.stderr


def test_the_process_ends_after_the_other_thread_and_not_under_it(tmp_path: Path) -> None:
    """Python aborts a process that ends while one of its threads is in a signal's C++."""
    done = run(
        tmp_path,
        """
import threading, time
def linger():
    app.bridge.ended.connect(lambda: time.sleep(0.5), Qt.ConnectionType.DirectConnection)
    want_quit()
there = QTimer()
there.timeout.connect(lambda: app.bridge and (there.stop(), linger()))
there.start(10)
code = app.run()
print("asyncio" in [thread.name for thread in threading.enumerate()])
sys.exit(code)
""",
    )
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr


def test_an_app_whose_own_thread_hangs_ends_all_the_same_and_says_where(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
application.HARD_END = 0.5
def hang():
    want_quit()
    while True:
        pass
QTimer.singleShot(500, hang)
app.run()
""",
    )
    assert done.returncode == 1
    assert "in hang" in done.stderr


# The backend records that it was closed in order.
IN_ORDER = """
backend.answers["close"] = lambda: print("closed in order", flush=True)
there = QTimer()
def when_there(do):
    there.timeout.connect(lambda: app.bridge and app.bridge.snapshot and (there.stop(), do()))
    there.start(10)
"""


def test_the_desktops_own_quit_ends_it_in_order(tmp_path: Path) -> None:
    """The Dock's and a logout's on macOS, which Qt would follow at once, with everything still running."""
    done = run(
        tmp_path,
        f"""
{IN_ORDER}
# Sent, as macOS does: Qt drops a posted one when another loop begins.
when_there(lambda: QCoreApplication.sendEvent(QCoreApplication.instance(), QEvent(QEvent.Type.Quit)))
sys.exit(app.run())
""",
    )
    assert (done.returncode, done.stdout) == (0, "closed in order\n"), done.stderr


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="there is no X server to lose")
def test_a_lost_display_ends_it_in_order(tmp_path: Path) -> None:
    with Started(["Xvfb", "-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp"]) as display:
        done = run(
            tmp_path,
            f"""
{IN_ORDER}
import os, signal
when_there(lambda: os.kill({display.pid}, signal.SIGKILL))
sys.exit(app.run())
""",
            DISPLAY=f":{display.first_line()}",
            QT_QPA_PLATFORM="xcb",
        )
    assert done.stdout == "closed in order\n", done.stderr
    assert "connection broke" in done.stderr


def test_what_is_to_end_with_a_hanging_app_does(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
import subprocess, os, signal
from t3tray.system.forced_exit import ends_with_us, outlives_us
application.HARD_END = 1.0
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
mine, other = (subprocess.Popen(["sleep", "600"], **quiet) for _ in range(2))
for child in (mine, other):
    ends_with_us(child.pid, lambda child=child: (os.killpg(child.pid, signal.SIGKILL), child.wait()))
outlives_us(other.pid)
print(mine.pid, other.pid, flush=True)
def hang():
    want_quit()
    while True:
        pass
QTimer.singleShot(500, hang)
app.run()
""",
    )
    mine, other = map(int, done.stdout.split())
    try:
        assert done.returncode == 1
        assert not psutil.pid_exists(mine) and psutil.pid_exists(other)
    finally:
        psutil.Process(other).kill()
