"""The bars on top of the window: those for conditions that hold now, then the latest message."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QVBoxLayout, QWidget

from t3tray.messages.restore import restore_sentence
from t3tray.messages.trouble import UPDATED, UPDATED_HINT, UPDATED_TITLE
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.quit_warning import would_end
from t3tray.ui.restore_sheet import SETTLE, restore_words
from t3tray.ui.widgets.action_bar import ActionBar
from t3tray.ui.widgets.message_bar import MessageBar


class Bars(QWidget):
    """All bars in one column. `would_end` returns what would end with the window, in sentences, "" if nothing."""

    def __init__(self, would_end: Callable[[], str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._would_end = would_end
        self._warned: tuple[str, ...] = ()
        self._title = ""
        self.minimised = ActionBar("Quit Anyway")
        self.updated = ActionBar("Restart")
        self.restore = ActionBar(SETTLE)
        self.message = MessageBar()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        for each in (self.minimised, self.updated, self.restore, self.message):
            layout.addWidget(each)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show an update and a restore in bars of their own, and each other warning once in the message bar."""
        restore = snapshot.restore
        in_own_bar = {restore_sentence(restore)} if restore else set()
        if snapshot.is_updated:
            in_own_bar.add(UPDATED)
            self.updated.show_message(UPDATED_TITLE, " ".join(filter(None, (UPDATED_HINT, would_end(snapshot)))))
        else:
            self.updated.hide()
        if restore:
            self.restore.show_message(*restore_words(restore, snapshot.rows))
        else:
            self.restore.hide()
        warnings = tuple(warning for warning in snapshot.warnings if warning not in in_own_bar)
        if warnings != self._warned:
            self._warned = warnings
            if warnings:
                self.message.warn("\n".join(warnings))
            else:
                self.message.end_warning()
        if not self.minimised.isHidden():
            self.warn_before_closing()

    def warn_before_closing(self) -> bool:
        """Show what would end with the window, until nothing would. Return whether anything would."""
        ending = self._would_end()
        if ending:
            self.minimised.show_message("t3tray was minimised, not closed", f"{ending} Quitting t3tray ends that.")
        else:
            self.minimised.hide()
        self._set_window_title(ending)
        return bool(ending)

    def _set_window_title(self, ending: str) -> None:
        """Put the warning into the window's title, which is all that is visible of a minimised window."""
        window = self.window()
        self._title = self._title or window.windowTitle()
        window.setWindowTitle(f"{self._title}: {ending}" if ending else self._title)
