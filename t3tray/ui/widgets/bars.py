"""The bars on top of the window: what stays for as long as something is so, then what was told last."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QVBoxLayout, QWidget

from t3tray.domain.restore import restore_sentence
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.restore_sheet import SETTLE, restore_words
from t3tray.ui.widgets.action_bar import ActionBar
from t3tray.ui.widgets.message_bar import MessageBar


class Bars(QWidget):
    """`would_end` says what would end with the window, in sentences, empty where nothing would."""

    def __init__(self, would_end: Callable[[], str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._would_end = would_end
        self._warned: tuple[str, ...] = ()
        self._title = ""
        self.stay = ActionBar("Quit All the Same")
        self.restore = ActionBar(SETTLE)
        self.message = MessageBar()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        for each in (self.stay, self.restore, self.message):
            layout.addWidget(each)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """A restore has a bar of its own; what else is warned of is told once."""
        restore, told = snapshot.restore, ""
        if restore:
            told = restore_sentence(restore)
            self.restore.tell(*restore_words(restore, snapshot.rows))
        else:
            self.restore.hide()
        warnings = tuple(warning for warning in snapshot.warnings if warning != told)
        if warnings != self._warned:
            self._warned = warnings
            if warnings:
                self.message.warn("\n".join(warnings))
            else:
                self.message.end_warning()
        if not self.stay.isHidden():
            self.say_what_stays()

    def say_what_stays(self) -> bool:
        """Whether something would end with the window; then it is said, until nothing would."""
        told = self._would_end()
        if told:
            self.stay.tell("t3tray was minimised, not closed", f"{told} Quitting t3tray ends that.")
        else:
            self.stay.hide()
        self._name_window(told)
        return bool(told)

    def _name_window(self, told: str) -> None:
        """The title is all that is seen of a window that is minimised."""
        window = self.window()
        self._title = self._title or window.windowTitle()
        window.setWindowTitle(f"{self._title}: {told}" if told else self._title)
