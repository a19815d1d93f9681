"""The tray app's composition root. The heavy half of the program is imported after the icon is shown, in its own thread."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

import t3tray.ui.loading  # noqa: F401
from t3tray.system.paths import data_directory, log_directory
from t3tray.ui.application import Application

if TYPE_CHECKING:
    from t3tray.demo.scratch import Scratch
    from t3tray.ui.backend_calls import BackendCalls


def run(data_dir: str | None) -> int:
    """Run the tray app until it is quit; the exit code."""
    from t3tray.errors import T3TrayError

    try:
        directory = data_directory(data_dir, os.environ)
    except T3TrayError as error:
        if sys.stderr:
            sys.stderr.write(f"{error.title}: {error.message}\n{error.hint or ''}\n")
        return int(error.exit_code)

    def make_desk() -> BackendCalls:
        from t3tray.system.log_file import begin_log

        begin_log(log_directory(directory))
        _import_heavy()
        from t3tray.backend import backend

        return backend.Backend(str(directory))

    return Application(directory, make_desk, _clean).run()


def run_demo() -> int:
    """Run the tray app in a world of its own, which is gone afterwards; the exit code."""
    from t3tray.demo.scratch import entered
    from t3tray.errors import T3TrayError

    try:
        with entered() as (scratch, outside):
            return _demo(scratch, outside).run()
    except T3TrayError as error:
        sys.stderr.write(f"{error.title}: {error.message}\n")
        return int(error.exit_code)


def demo_application(scratch: Scratch, outside: Mapping[str, str]) -> Application:
    """The tray app in a scratch world, which this process lives in from now on. `outside` is the environment before."""
    from t3tray.demo.scratch import enter

    enter(scratch, outside)
    return _demo(scratch, outside)


def _demo(scratch: Scratch, outside: Mapping[str, str]) -> Application:
    def make_desk() -> BackendCalls:
        from t3tray.system.log_file import begin_log

        begin_log(log_directory(scratch.data))
        _import_heavy()
        from t3tray.demo.backend import DemoBackend

        return DemoBackend(scratch, outside)

    return Application(scratch.data, make_desk, _clean, "t3tray \N{EN DASH} demo")


def _clean(text: str) -> str:
    from t3tray.system.known_secrets import cleaned

    return cleaned(text)


def _import_heavy() -> None:
    """In the desk's own thread, and after the icon."""
    for heavy in ("sqlalchemy", "httpx", "t3tray.backend.backend"):
        import_module(heavy)
