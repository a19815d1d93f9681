"""The tray app's composition root. The heavy half of the program is imported after the icon is shown, in its own thread."""

from __future__ import annotations

import linecache
import os
from importlib import import_module
from typing import TYPE_CHECKING

from t3tray.core.system.paths import data_directory, log_directory
from t3tray.qt.application import Application

if TYPE_CHECKING:
    from t3tray.qt.desk import Desk


def run(data_dir: str | None) -> int:
    """Run the tray app until it is quit; the exit code."""
    directory = data_directory(data_dir, os.environ)

    def make_desk() -> Desk:
        from t3tray.core.system.log_file import begin_log

        begin_log(log_directory(directory))
        # PySide6 reads the source of every module that is imported after it, and keeps it here: 14 MB, unless it is let go of
        # before the next ones come.
        for heavy in ("sqlalchemy", "httpx", "t3tray.core.desk"):
            import_module(heavy)
            linecache.clearcache()
        from t3tray.core import desk

        return desk.Desk(str(directory))

    def clean(text: str) -> str:
        from t3tray.core.system.secrecy import cleaned

        return cleaned(text)

    return Application(directory, make_desk, clean).run()
