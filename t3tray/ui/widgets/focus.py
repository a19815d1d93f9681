"""Chooses the focus widget when the one that had the focus is hidden, disabled or deleted.

Qt gives the focus to the next widget, whatever that does: from a *Stop* that disappears to *Send*, and the next Space sends the
draft.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QWidget
from shiboken6 import isValid


class FocusKeeper(QObject):
    """Moves the focus to the editor if it is open, else to the first visible widget of `fallbacks`, else to the window itself."""

    def __init__(self, window: QWidget, editor: QPlainTextEdit, *fallbacks: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._editor = editor
        self._fallbacks = (*fallbacks, window)
        # Not updated while another window is active: Qt moves the focus of an inactive window without a signal.
        self._last: QWidget | None = None
        self._opener: QWidget | None = None
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._on_focus_changed)

    @Slot()
    def note_opener(self) -> None:
        """Remember the focused widget, which is about to open a sheet."""
        focused = QApplication.focusWidget()
        self._opener = focused if focused is not None and focused.window() is self._window else None

    def return_to_opener(self) -> None:
        """Give the focus back after a sheet."""
        opener, self._opener = self._opener, None
        if opener is not None and _can_have_focus(opener):
            opener.setFocus()
        else:
            self._settle()

    def _settle(self) -> None:
        if self._editor.isVisible() and not self._editor.isReadOnly():
            self._editor.setFocus()
        else:
            next(widget for widget in self._fallbacks if widget.isVisible()).setFocus()

    @Slot(QWidget, QWidget)
    def _on_focus_changed(self, _old: QWidget | None, now: QWidget | None) -> None:
        if not isValid(self._window) or not self._window.isVisible() or not self._window.isActiveWindow():
            return
        last = self._last
        self._last = now if now is not None and now.window() is self._window else None
        if last is not None and not _can_have_focus(last):
            self._settle()


def _can_have_focus(widget: QWidget) -> bool:
    return isValid(widget) and widget.isVisible() and widget.isEnabled()
