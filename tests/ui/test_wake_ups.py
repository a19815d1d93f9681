"""What would wake the GUI thread while idle. In another process, because there is one app per process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from pathlib import Path
from PySide6.QtGui import QPixmapCache
from t3tray.ui.application import Application
from t3tray.ui.tray.tray import IconState, tray_icon
from tests.support.recording import RecordingBackend
from t3tray.threads.snapshot import Snapshot
from tests.support.views import READY

app = Application(Path(sys.argv[1]), RecordingBackend(Snapshot(READY)).open)
assert not tray_icon(IconState.READY).pixmap(22, 22).isNull()
# For as long as it holds one, Qt wakes the thread to let go of it.
print(QPixmapCache.cacheLimit())
"""


@pytest.mark.process
def test_no_drawn_picture_is_kept_that_a_timer_has_to_let_go_of(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=90)
    assert (done.returncode, done.stdout.split()) == (0, ["0"]), done.stderr
