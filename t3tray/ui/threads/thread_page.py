"""The page of one thread: its head, and below it tabs for the conversation, the last receipt, the history and the details."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from t3tray.domain.conversation import Conversation
from t3tray.domain.pending_request import PendingRequest
from t3tray.domain.reaper import ReaperState
from t3tray.domain.remedy import Remedy
from t3tray.domain.t3code_thread import T3Thread
from t3tray.domain.verdict import Reason
from t3tray.threads.snapshot import ThreadDetails, ThreadRow
from t3tray.ui.bridge import Bridge
from t3tray.ui.conversation.page import ConversationPage
from t3tray.ui.labels import reaper_text
from t3tray.ui.theme import MARGIN
from t3tray.ui.threads.thread_facts import DetailsTab, HistoryTab, ReceiptTab
from t3tray.ui.threads.thread_header import PreviewRemedy, ThreadHeader
from t3tray.ui.widgets.basic import label, line
from t3tray.ui.widgets.fitting_area import FittingArea

# Reasons for which the session has no messages to show: without a copy either, the receipt is more useful as the first tab.
_UNREADABLE = frozenset({Reason.UNBOUND, Reason.MISSING, Reason.EMPTY, Reason.HISTORY_LOST})
# As a fraction of the page's height.
_HEAD_SHARE = 0.5


class ThreadPage(QWidget):
    """The page of a thread. `preview_remedy` is called with its id and the remedy that was chosen."""

    def __init__(self, bridge: Bridge, preview_remedy: PreviewRemedy) -> None:
        super().__init__()
        self._bridge = bridge
        self._shown: ThreadRow | ThreadDetails | None = None
        self._requests: tuple[PendingRequest, ...] = ()
        self._followed = ""
        self._first = 0
        self.header = ThreadHeader(bridge, preview_remedy)
        self.conversation = ConversationPage(bridge)
        self.receipt, self.history, self.details = ReceiptTab(), HistoryTab(), DetailsTab()
        self.tabs = QTabBar(expanding=False, drawBase=False, usesScrollButtons=False)
        self.tabs.setElideMode(Qt.TextElideMode.ElideNone)
        self.tabs.setAccessibleName("Parts of the thread")
        self._stack = QStackedWidget()
        self._hint = label("", "muted")
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._head = FittingArea(self.header, "Verdict", _HEAD_SHARE)
        self._lay_out()
        self._connect(preview_remedy)
        self.show_nothing("")

    def show_nothing(self, hint: str) -> None:
        """Show only a hint, because no thread is selected."""
        self._shown = None
        self._hint.setText(hint)
        self._outer.setCurrentWidget(self._hint)
        self._follow()

    def show_foreign(self, thread: T3Thread, reaper: ReaperState | None = None) -> None:
        """Show a thread of another provider, for which there is no verdict. `reaper` is its state with T3 Code's reaper."""
        self._shown = None
        self.header.show_text(
            thread.title,
            thread.directory,
            f"A thread of {thread.provider or 'another provider'}.",
            "That provider stores its conversation; t3tray can only check sessions of OpenCode.",
            *([f"T3 Code's reaper: {reaper_text(reaper)}."] if reaper else []),
        )
        self._show_parts(False)
        self._follow()

    def show_row(self, row: ThreadRow) -> None:
        """Show what the list already knows, until the details arrive."""
        self._show(row, ThreadDetails(row, None, (), None))

    def show_details(self, details: ThreadDetails) -> None:
        if details != self._shown:
            self._show(details, details)

    def show_conversation(self, conversation: Conversation) -> None:
        self.conversation.show_conversation(conversation)
        self.details.show_conversation(conversation)

    def show_requests(self, requests: Sequence[PendingRequest]) -> None:
        """Set all pending requests; the page shows those of its thread."""
        self._requests = tuple(requests)
        self.conversation.show_requests(self._requests)

    def show_guard(self, can_protect: bool) -> None:
        """Set whether T3 Code could be protected by the guard, and is not."""
        if can_protect != self.header.can_protect:
            self.header.can_protect = can_protect
            if isinstance(self._shown, ThreadDetails):
                self.header.show_details(self._shown)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._follow()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.conversation.composer.save_draft_now()
        self._follow()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._head.fit()

    def _show(self, shown: ThreadRow | ThreadDetails, details: ThreadDetails) -> None:
        thread_id = details.row.thread.id
        is_other = self._shown is None or _row(self._shown).thread.id != thread_id
        # The first details of a thread decide which tab is shown first.
        is_first = isinstance(shown, ThreadDetails) and not isinstance(self._shown, ThreadDetails)
        self._shown = shown
        self._show_parts(True)
        if self.header.show_details(details) or is_other:
            self.conversation.composer.show_actions(self.header.offers(details))
        if isinstance(shown, ThreadDetails):
            self.conversation.show_details(details)
        else:
            self.conversation.show_row(details.row)
        for tab in (self.receipt, self.history, self.details):
            scrolled = 0 if is_other else tab.verticalScrollBar().value()
            tab.show_details(details)
            tab.verticalScrollBar().setValue(scrolled)
        if is_other or (is_first and self.tabs.currentIndex() == self._first):
            self._first = _first_tab(details)
            self.tabs.setCurrentIndex(self._first)
        if is_other:
            self.conversation.show_requests(self._requests)
        self._head.fit()
        self._follow()

    def _show_parts(self, are_shown: bool) -> None:
        self._outer.setCurrentWidget(self._inner)
        for part in (self._tab_row, self._stack):
            part.setVisible(are_shown)
        self._rest.setVisible(not are_shown)

    def _follow(self) -> None:
        """Follow the thread's conversation only while the page is visible."""
        wanted = _row(self._shown).thread.id if self._shown and self.isVisible() else ""
        if wanted != self._followed:
            self._followed = wanted
            self._bridge.follow(wanted)

    def _lay_out(self) -> None:
        for tab, name in (
            (self.conversation, "Conversation"),
            (self.receipt, "Receipt"),
            (self.history, "History"),
            (self.details, "Details"),
        ):
            self.tabs.addTab(name)
            self._stack.addWidget(tab)
        self._tab_row = QWidget()
        row = QHBoxLayout(self._tab_row)
        row.setContentsMargins(MARGIN, 0, MARGIN, 0)
        row.addWidget(self.tabs)
        row.addStretch(1)
        self._rest = QWidget()
        self._inner = QWidget()
        inner = QVBoxLayout(self._inner)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(0)
        for each in (self._head, self._tab_row, line(), self._stack, self._rest):
            inner.addWidget(each, 1 if each in (self._stack, self._rest) else 0)
        self._outer = QStackedWidget()
        self._outer.addWidget(self._inner)
        self._outer.addWidget(self._hint)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._outer)
        self.setFocusProxy(self.tabs)

    def _connect(self, preview_remedy: PreviewRemedy) -> None:
        self._bridge.conversation_changed.connect(self.show_conversation)
        self.history.remedy_wanted.connect(preview_remedy)
        self.tabs.currentChanged.connect(self._stack.setCurrentIndex)
        self.tabs.currentChanged.connect(self._on_tab_changed)

    @Slot(int)
    def _on_tab_changed(self, _number: int) -> None:
        self.conversation.composer.save_draft_now()


def _row(shown: ThreadRow | ThreadDetails) -> ThreadRow:
    return shown.row if isinstance(shown, ThreadDetails) else shown


def _first_tab(details: ThreadDetails) -> int:
    """Return the tab to show first: the conversation if it can be read or has a draft, else the receipt, else the history."""
    has_messages = details.row.verdict.reason not in _UNREADABLE or Remedy.CARRY in details.offered
    if has_messages or details.row.thread.draft:
        return 0
    return 1 if details.receipt else 2 if details.journal else 0
