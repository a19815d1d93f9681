"""Composition root of the tray app. Slow imports are done after the icon is shown, in the backend's thread."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import t3tray.ui.loading  # noqa: F401
from t3tray.system.paths import data_directory, log_directory
from t3tray.ui.application import Application

if TYPE_CHECKING:
    from t3tray.backend.backend import Backend
    from t3tray.demo.scratch import Scratch
    from t3tray.threads.snapshot import Snapshot


def run(data_dir: str | None, link: str = "") -> int:
    """Run the tray app until it is quit, and return the exit code. `link`: a thread to show, not checked yet."""
    from t3tray.errors import T3TrayError

    try:
        directory = data_directory(data_dir, os.environ)
    except T3TrayError as error:
        if sys.stderr:
            sys.stderr.write(f"{error.title}: {error.message}\n{error.hint or ''}\n")
        return int(error.exit_code)

    async def open_backend(_publish: Callable[[Snapshot], None]) -> Backend:
        from t3tray.system.log_file import begin_log

        begin_log(log_directory(directory))
        _import_heavy()
        from t3tray.backend import backend

        return await backend.Backend.open(str(directory), "tray")

    application = Application(directory, open_backend, _clean, link=link)
    code = application.run()
    # The environment, which the new program gets too, may name another folder than the usual one.
    return _start_again(application, ("--data-dir", str(directory)), os.environ) if application.is_restarting else code


def run_demo() -> int:
    """Run the tray app on temporary demo data, which is removed at the end, and return the exit code."""
    from t3tray.demo.scratch import entered
    from t3tray.errors import T3TrayError

    try:
        with entered() as (scratch, outside):
            application = _demo(scratch, outside)
            code = application.run()
    except T3TrayError as error:
        sys.stderr.write(f"{error.title}: {error.message}\n")
        return int(error.exit_code)
    return _start_again(application, ("--demo",), outside) if application.is_restarting else code


def _start_again(application: Application, words: Sequence[str], environment: Mapping[str, str]) -> int:
    """Start the updated program after this one has quit, and return the exit code."""
    from t3tray.errors import ExitCode, T3TrayError
    from t3tray.system.forced_exit import call_off
    from t3tray.system.replaced_program import start_again

    try:
        start_again(words, environment)
    except T3TrayError as error:
        # The user may take longer to read it than the app may take to quit.
        call_off()
        return application.say_why(error)
    return ExitCode.DONE


def demo_application(scratch: Scratch, outside: Mapping[str, str]) -> Application:
    """Return the tray app on the demo data, and switch this process's environment to it. `outside` is the former environment."""
    from t3tray.demo.scratch import enter

    enter(scratch, outside)
    return _demo(scratch, outside)


def _demo(scratch: Scratch, outside: Mapping[str, str]) -> Application:
    async def open_backend(publish: Callable[[Snapshot], None]) -> Backend:
        from t3tray.system.log_file import begin_log

        begin_log(log_directory(scratch.data))
        _import_heavy()
        from t3tray.demo.backend import open_demo

        return await open_demo(scratch, outside, publish)

    return Application(scratch.data, open_backend, _clean, "t3tray \N{EN DASH} demo")


def _clean(text: str) -> str:
    from t3tray.system.known_secrets import cleaned

    return cleaned(text)


def _import_heavy() -> None:
    """Import the slow modules. Called in the asyncio thread, after the icon is shown."""
    for heavy in ("sqlalchemy", "httpx", "t3tray.backend.backend"):
        import_module(heavy)
