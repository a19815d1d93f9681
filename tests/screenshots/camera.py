"""The process of the screenshots: the tray app in the demo's world, operated from within. Started by `tests.screenshots`."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import traceback
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from t3tray.app import demo_application
from t3tray.demo.backend import BANNER
from t3tray.demo.scratch import Scratch
from t3tray.opencode.binary import find_binary
from tests.screenshots.screens import take_all
from tests.screenshots.stage import Stage


def main() -> int:
    scratch = Scratch.make()
    # Screenshots show the program's path: not that of this machine.
    shown = scratch.root / ".local" / "bin" / "opencode"
    shown.parent.mkdir(parents=True)
    shown.symlink_to(find_binary("", os.environ, Path.home()))
    outside = {**os.environ, "PATH": os.pathsep.join((str(shown.parent), os.environ["PATH"]))}
    try:
        application = demo_application(scratch, outside)
        qt = QApplication.instance()
        assert isinstance(qt, QApplication)
        stage = Stage(qt, Path(sys.argv[1]))
        failures: list[str] = []

        def drive() -> None:
            try:
                stage.until(lambda: stage.window.banner.text() == BANNER, "the world")
                failures.extend(take_all(stage))
            except BaseException:
                failures.append(traceback.format_exc())
            finally:
                # As a user would do: the app watches for it.
                os.kill(os.getpid(), signal.SIGTERM)

        QTimer.singleShot(1000, drive)
        application.run()
    finally:
        faulthandler.cancel_dump_traceback_later()
        scratch.remove()
    for failure in failures:
        print(f"Not taken: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
