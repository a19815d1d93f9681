"""Reports bugs of t3tray: uncaught errors of all threads, each shown once in `report_window`.

The app keeps running. Expected errors (`T3TrayError`) are shown elsewhere, in the window's message bar.
"""

from __future__ import annotations

import logging
import platform
import sys
import threading
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot, qVersion

from t3tray import __version__
from t3tray.messages.bugs import UNEXPECTED

if TYPE_CHECKING:
    from t3tray.ui.report_window import ReportWindow

_log = logging.getLogger(__name__)

# Different errors to show at most: more than that usually have one cause, and are not read.
MOST = 10


class Reporter(QObject):
    """Shows each bug once. One per process, in the GUI thread. `clean` removes secrets from a text."""

    _happened = Signal(object)

    def __init__(self, clean: Callable[[str], str]) -> None:
        super().__init__()
        self._clean = clean
        self._known: set[tuple[object, ...]] = set()
        self._window: ReportWindow | None = None
        self._happened.connect(self.report)

    def install(self) -> None:
        """Show uncaught errors of all threads from now on: those of slots, of threads, and of finalizers."""
        sys.excepthook = self._on_uncaught
        threading.excepthook = lambda args: self._on_uncaught(args.exc_type, args.exc_value, args.exc_traceback)

    def uninstall(self) -> None:
        """Restore Python's own hooks."""
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__

    @property
    def window(self) -> ReportWindow:
        """The report window, created on first use."""
        if self._window is None:
            from t3tray.ui.report_window import ReportWindow

            self._window = ReportWindow()
        return self._window

    @Slot(object)
    def report(self, error: BaseException) -> None:
        """Show this error, unless the same one was shown before."""
        kind = _kind_of(error)
        if kind in self._known or len(self._known) >= MOST:
            return
        self._known.add(kind)
        self.window.add(self._clean(report_of(error)))
        self.window.bring_up()

    def _on_uncaught(self, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        """Log and show an uncaught error; called in the thread in which it was raised."""
        if error is None or not isinstance(error, Exception):
            sys.__excepthook__(kind, error or kind(), trace)
            return
        _log.error(UNEXPECTED, exc_info=error)
        self._happened.emit(error)


def report_of(error: BaseException) -> str:
    """Return the report: versions and system, then the traceback. For an `OurBug` that wraps an error, that error's traceback."""
    first = f"t3tray {__version__} · Python {platform.python_version()} · Qt {qVersion()} · {platform.platform()}"
    return f"{first}\n{''.join(traceback.format_exception(_origin(error))).rstrip()}"


def _origin(error: BaseException) -> BaseException:
    return error.__cause__ if error.__cause__ is not None and error.__traceback__ is None else error


def _kind_of(error: BaseException) -> tuple[object, ...]:
    """Return a key that is equal for errors of one type from the same source lines, whatever their messages."""
    origin = _origin(error)
    places = traceback.extract_tb(origin.__traceback__)
    return (type(origin), *((place.filename, place.lineno) for place in places)) if places else (type(origin), str(origin))
