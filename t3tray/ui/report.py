"""Our own mistakes: caught wherever nobody else does, and told once each. How they are told is `report_window`'s.

It ends nothing: the app goes on. What is in the world's way is told elsewhere, in the window's bar.
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

if TYPE_CHECKING:
    from t3tray.ui.report_window import ReportWindow

_log = logging.getLogger(__name__)

# More different ones than that have one cause, and nobody reads them.
MOST = 10


class Reporter(QObject):
    """One for the process, in the GUI's thread; `catch` what nobody else catches, `tell` what was caught. The same mistake is
    told once. `clean` takes the secrets out of a text."""

    _happened = Signal(object)

    def __init__(self, clean: Callable[[str], str]) -> None:
        super().__init__()
        self._clean = clean
        self._known: set[tuple[object, ...]] = set()
        self._window: ReportWindow | None = None
        self._happened.connect(self.tell)

    def catch(self) -> None:
        """From now on the uncaught errors of all threads are told: in slots, in threads, in what the collector takes away."""
        sys.excepthook = self._on_uncaught
        threading.excepthook = lambda args: self._on_uncaught(args.exc_type, args.exc_value, args.exc_traceback)

    def let_go(self) -> None:
        """As it was before `catch`."""
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__

    @property
    def window(self) -> ReportWindow:
        """Made when it is first needed: mostly it never is."""
        if self._window is None:
            from t3tray.ui.report_window import ReportWindow

            self._window = ReportWindow()
        return self._window

    @Slot(object)
    def tell(self, error: BaseException) -> None:
        """Show it, unless it was shown before."""
        kind = _kind_of(error)
        if kind in self._known or len(self._known) >= MOST:
            return
        self._known.add(kind)
        self.window.add(self._clean(report_of(error)))
        self.window.bring_up()

    def _on_uncaught(self, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        """In whatever thread it happened."""
        if error is None or not isinstance(error, Exception):
            sys.__excepthook__(kind, error or kind(), trace)
            return
        _log.error("This is a mistake of t3tray's.", exc_info=error)
        self._happened.emit(error)


def report_of(error: BaseException) -> str:
    """Version and system, then where it happened; what an error was told as is left out for what it was."""
    first = f"t3tray {__version__} · Python {platform.python_version()} · Qt {qVersion()} · {platform.platform()}"
    return f"{first}\n{''.join(traceback.format_exception(_origin(error))).rstrip()}"


def _origin(error: BaseException) -> BaseException:
    return error.__cause__ if error.__cause__ is not None and error.__traceback__ is None else error


def _kind_of(error: BaseException) -> tuple[object, ...]:
    """The same for the same mistake at the same place, whatever its words."""
    origin = _origin(error)
    places = traceback.extract_tb(origin.__traceback__)
    return (type(origin), *((place.filename, place.lineno) for place in places)) if places else (type(origin), str(origin))
