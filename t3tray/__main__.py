"""The entry point: without a command the app, with or without a window; otherwise the command line."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Callable
from io import TextIOWrapper
from types import FrameType
from typing import TextIO


def main() -> int:
    """Run t3tray with the arguments of this process, and return the exit code."""
    _handle_ctrl_c(_end)
    try:
        return _run()
    finally:
        _handle_ctrl_c(_end_at_once)


def _run() -> int:
    # httpx's own command would load click and Pygments at each start (2 MB). They stay installed: other packages need both.
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    if len(sys.argv) == 1:
        # The usual start: the icon does not wait for the parser's import.
        return _start(None, False)
    from t3tray.cli import parser

    _open_streams()
    arguments = parser.parse(sys.argv[1:], sys.stdout, sys.stderr)
    if arguments.command == "run":
        return _run_headless(arguments.data_dir, arguments.demo, arguments.json)
    if arguments.command is not None:
        return parser.run(arguments, sys.stdout, sys.stderr)
    return _start(arguments.data_dir, arguments.demo, arguments.link)


def _handle_ctrl_c(handler: Callable[[int, FrameType | None], object]) -> None:
    """Handle Ctrl+C before a command or the app installs its own handlers, and after it removed them. Avoids a traceback."""
    if sys.platform != "win32" and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, handler)
        # The interpreter removes handlers in its last milliseconds; all work is finished by then.
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)


def _end(number: int, _frame: FrameType | None) -> None:
    """Exit, with all clean-up on the way out."""
    raise SystemExit(128 + number)


def _end_at_once(number: int, _frame: FrameType | None) -> None:
    """Exit immediately, whatever the interpreter waits for. All output has been flushed."""
    os._exit(128 + number)


def _start(data_dir: str | None, is_demo: bool, link: str = "") -> int:
    """Run the app, with a window where there is a usable display; `link` is shown in a window only."""
    from t3tray.errors import NoScreen
    from t3tray.system.display import has_screen, qt_is_broken

    try:
        if not has_screen(os.environ):
            if link:
                from t3tray.messages.thread_names import no_window_for_link

                raise no_window_for_link()
            return _run_headless(data_dir, is_demo)
        try:
            from t3tray import app
        except ImportError as error:
            raise qt_is_broken(error) from error
    except NoScreen as error:
        if sys.stderr:
            sys.stderr.write(f"{error.title}: {error.message}\n{error.hint}\n")
        return error.exit_code
    return app.run_demo() if is_demo else app.run(data_dir, link)


def _run_headless(data_dir: str | None, is_demo: bool, as_json: bool = False) -> int:
    from t3tray import headless

    _open_streams()
    if is_demo:
        return headless.run_demo(as_json, sys.stdout, sys.stderr)
    return headless.run(data_dir, as_json, sys.stdout, sys.stderr)


def _open_streams() -> None:
    """Replace closed standard streams by the null device, so that writing to them does not fail."""
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    # Replace characters that a stream cannot encode (ASCII only, or a Windows code page).
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def _nowhere() -> TextIO:
    # Not with pathlib: nothing is imported here before Ctrl+C is handled.
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123


if __name__ == "__main__":
    sys.exit(main())
