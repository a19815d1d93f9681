"""Our own mistakes: caught wherever nobody else does, and told once each in a window with all that is needed to mend them.

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

from PySide6.QtCore import QObject, Qt, Signal, Slot, qVersion
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from t3tray import __version__
from t3tray.qt.parts import button, code, heading, label
from t3tray.qt.theme import GAP, MARGIN, NARROW, colours, style_sheet

_log = logging.getLogger(__name__)

# More different ones than that have one cause, and nobody reads them.
MOST = 10
TITLE = "t3tray made a mistake"
LOST = "Nothing was lost: your threads, their sessions and what you typed are safe, and t3tray goes on."
TO_DO = "Does something look wrong now? Quit t3tray and start it again. To have the mistake mended, send this report."


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


class ReportWindow(QWidget):
    """What happened, what was lost, what to do, and the details to copy. Not in anybody's way: it is no dialog."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle(TITLE)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("kind", "page")
        self.setMinimumSize(NARROW, 320)
        self.resize(560, 440)
        self._details = QPlainTextEdit(readOnly=True)
        self._details.setFont(code("").font())
        self._details.setAccessibleName("Details of the mistake")
        self._details.setTabChangesFocus(True)
        self._details.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        self._copy = button("Copy Report", "main")
        self._copy.clicked.connect(self._on_copy)
        close = button("Close")
        close.clicked.connect(self.close)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(close)
        buttons.addWidget(self._copy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(GAP)
        layout.addWidget(label(TITLE, size=1.35, bold=True))
        layout.addWidget(label(LOST))
        layout.addWidget(label(TO_DO, "muted"))
        layout.addWidget(heading("Details"))
        layout.addWidget(self._details, 1)
        layout.addLayout(buttons)
        QShortcut(QKeySequence(Qt.Key.Key_Escape), self, self.close)
        self._paint()
        application = QGuiApplication.instance()
        assert isinstance(application, QGuiApplication)
        application.paletteChanged.connect(self._paint)

    @property
    def text(self) -> str:
        """All that is told by now."""
        return self._details.toPlainText()

    def add(self, report: str) -> None:
        """Tell this one too, below those that nobody has closed yet."""
        before = self.text if self.isVisible() else ""
        self._details.setPlainText(f"{before}\n\n{report}" if before else report)
        self._copy.setText("Copy Report")

    def bring_up(self) -> None:
        """Shown, without a word taken out of anybody's mouth: who types elsewhere goes on typing."""
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.show()
        self.raise_()

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text)
        self._copy.setText("Copied")

    @Slot()
    def _paint(self) -> None:
        sheet = style_sheet(colours())
        if sheet != self.styleSheet():
            self.setStyleSheet(sheet)


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
