"""The desktop's requests to end the app: a quit event as one signal, and the loss of the display as a last callback.

The menu and Unix signals are handled elsewhere. Qt's default quit would end the process while everything is still running.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from PySide6.QtCore import QEvent, QMessageLogContext, QtMsgType, Signal, qFormatLogMessage, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

# Part of Qt's message right before it ends the process itself, because the X server or Wayland compositor is gone.
_LOST = "connection broke"


class QuitAwareApplication(QApplication):
    """Emits `quit_wanted` when the Dock, a logout or another program asks the app to end; `exit` ends its event loop."""

    quit_wanted = Signal()

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Quit:
            event.accept()
            self.quit_wanted.emit()
            return True
        return super().event(event)


def on_lost_display(end: Callable[[], None]) -> None:
    """Call `end` in the GUI thread when the display is lost: Qt ends the process as soon as it returns.

    Installs a message handler that also writes Qt's messages to stderr.
    """

    def handle(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        if sys.stderr:
            sys.stderr.write(f"{qFormatLogMessage(kind, context, message)}\n")
        if _LOST in message:
            end()

    qInstallMessageHandler(handle)


def forget_lost_display() -> None:
    """Restore Qt's own message handler, after the event loop has ended."""
    qInstallMessageHandler(None)
