"""The tray app's composition root. The heavy half of the program is imported after the icon is shown, in its own thread."""

from __future__ import annotations

import os

from t3tray.core.system.paths import data_directory
from t3tray.qt.application import Application
from t3tray.qt.desk import Desk


def run(data_dir: str | None) -> int:
    """Run the tray app until it is quit; the exit code."""
    directory = data_directory(data_dir, os.environ)

    def make_desk() -> Desk:
        from t3tray.core import desk

        return desk.Desk(str(directory))

    return Application(directory, make_desk).run()
