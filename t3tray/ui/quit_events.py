"""Every way in which the desktop ends the app, told as one wish, or as a moment after which there is none.

The menu and Unix signals are told elsewhere. Qt's own quit would end the process with everything still running.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from PySide6.QtCore import QEvent, QMessageLogContext, QtMsgType, Signal, qFormatLogMessage, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

# What Qt says right before it ends the process itself: its X server or its Wayland compositor is gone.
_LOST = "connection broke"


class EndingApplication(QApplication):
    """`quit_wanted`: the Dock, a logout or another program asks the app to end; `exit` ends its loop."""

    quit_wanted = Signal()

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Quit:
            event.accept()
            self.quit_wanted.emit()
            return True
        return super().event(event)


def on_lost_display(end: Callable[[], None]) -> None:
    """Have `end` called, in the GUI thread, when the display is lost: Qt ends the process as soon as it returns.

    From now on this is where Qt's messages go by.
    """

    def handle(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        if sys.stderr:
            sys.stderr.write(f"{qFormatLogMessage(kind, context, message)}\n")
        if _LOST in message:
            end()

    qInstallMessageHandler(handle)


def forget_lost_display() -> None:
    """The loop has ended: what Qt has to say from now on it says itself."""
    qInstallMessageHandler(None)
