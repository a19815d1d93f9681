"""The desktop's requests to the app: to end, to open a link; and the loss of the display as a last callback.

The menu and Unix signals are handled elsewhere. Qt's default quit would end the process while everything is still running.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from PySide6.QtCore import QEvent, QMessageLogContext, QtMsgType, QUrl, Signal, qFormatLogMessage, qInstallMessageHandler
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication

# Part of Qt's message right before it ends the process itself, because the X server or Wayland compositor is gone.
_LOST = "connection broke"


class QuitAwareApplication(QApplication):
    """Emits `quit_wanted` when the Dock, a logout or another program asks the app to end; `exit` ends its event loop.

    `link_opened` carries a link that macOS gives to the app, as text. Elsewhere links are arguments of a new process.
    """

    quit_wanted = Signal()
    link_opened = Signal(str)

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Quit:
            event.accept()
            self.quit_wanted.emit()
            return True
        if isinstance(event, QFileOpenEvent) and not event.file():
            self.link_opened.emit(event.url().toString(QUrl.ComponentFormattingOption.FullyEncoded))
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
