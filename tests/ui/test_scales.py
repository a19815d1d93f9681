"""The window on screens with other scales, each in another process: nothing is cut at its minimum width."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.threads.thread_list_data import Filters
from t3tray.ui.window import MainWindow
from tests.support.asked import idle_bridge
from t3tray.domain.verdict import Kind, Reason
from tests.support.views import NOON, READY, row

app = QApplication([])
window = MainWindow(idle_bridge(), lambda: NOON)
rows = tuple(row(f"t{number}", reason, title="A title " * 30) for number, reason in enumerate(Reason))
window.show_snapshot(Snapshot(READY, rows))
window.threads.filter.changed.emit(Filters(projects=frozenset(f"project {number}" for number in range(9))))
window.show()
for _ in range(3):
    app.processEvents()
assert window.width() == 420, window.width()
shown = [each for each in window.findChildren(QAbstractButton) if each.isVisible() and each.text()]
cut = [each.text() for each in shown if each.width() < each.sizeHint().width() or each.height() < each.sizeHint().height()]
lines = [each for each in window.findChildren(QLabel) if each.isVisible() and each.wordWrap()]
cut += [each.text() for each in lines if each.height() < each.heightForWidth(each.width())]
assert shown and lines and not cut, cut
picture = window.grab()
print(picture.width() / window.width())
"""


@pytest.mark.process
@pytest.mark.parametrize("scale", ["1", "1.5", "2"])
def test_nothing_is_cut_at_420_px(scale: str) -> None:
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": scale}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == float(scale)
