"""The conversation's tab: the messages, below them the pending requests, below those the composer.

Messages of an archived copy have a notice above them; they are not shown while the thread can be resumed.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from t3tray.domain.conversation import Conversation, CopyInfo
from t3tray.domain.evidence import Role
from t3tray.domain.pending_request import PendingRequest
from t3tray.domain.verdict import Kind, Reason
from t3tray.errors import T3TrayError
from t3tray.messages.window import MESSAGES_LOADING, NO_MESSAGES, NO_SESSION, SESSION_GONE, archived_notice
from t3tray.threads.snapshot import ThreadDetails, ThreadRow
from t3tray.ui.bridge import Bridge
from t3tray.ui.conversation.composer import Composer
from t3tray.ui.conversation.request_card import RequestCard
from t3tray.ui.conversation.send_status import send_status
from t3tray.ui.conversation.view import ConversationView
from t3tray.ui.theme import GAP, MARGIN
from t3tray.ui.widgets.basic import label, line
from t3tray.ui.widgets.fitting_area import FittingArea

# As a fraction of the page's height.
_REQUESTS_SHARE = 0.6


class ConversationPage(QWidget):
    """The conversation of a thread."""

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self._bridge = bridge
        self._row: ThreadRow | None = None
        self._counted: int | None = None
        self._conversation: Conversation | None = None
        self._held_back: Conversation | None = None
        self.copy_notice = label("", "muted", size=0.92)
        self.copy_notice.setContentsMargins(MARGIN, GAP, MARGIN, GAP)
        self._copy_notice_area = QWidget()
        notice = QVBoxLayout(self._copy_notice_area)
        notice.setContentsMargins(0, 0, 0, 0)
        notice.setSpacing(0)
        notice.addWidget(self.copy_notice)
        notice.addWidget(line())
        self._copy_notice_area.hide()
        self.view = ConversationView()
        self.composer = Composer()
        self._cards: dict[str, RequestCard] = {}
        cards = QWidget()
        self._request_layout = QVBoxLayout(cards)
        self._request_layout.setContentsMargins(MARGIN, GAP, MARGIN, GAP)
        self._request_layout.setSpacing(GAP)
        self._request_area = FittingArea(cards, "What waits for your answer", _REQUESTS_SHARE)
        self._request_area.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for each in (self._copy_notice_area, self.view, self._request_area, line(), self.composer):
            layout.addWidget(each, 1 if each is self.view else 0)
        self.view.older_wanted.connect(bridge.show_older)
        self.view.agent_wanted.connect(bridge.show_agent)
        self.view.retry_wanted.connect(self._on_retry)
        self.composer.send_wanted.connect(self._on_send)
        self.composer.stop_wanted.connect(bridge.stop_turn)
        self.composer.draft_changed.connect(bridge.save_draft)
        bridge.sent.connect(self.composer.show_sent)
        bridge.refused.connect(self.composer.show_refused)
        bridge.answer_failed.connect(self.show_answer_failed)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._request_area.fit()

    def show_row(self, row: ThreadRow) -> None:
        """Show a thread; another thread than before begins without messages."""
        if self._row is None or self._row.thread.id != row.thread.id:
            self._counted = self._held_back = None
            self._show_nothing_yet(row)
            self.composer.show_busy(False)
        self._row = row
        self.composer.show_thread(row)
        self._show_or_hide_copy(row)
        self._show_send_status()

    def show_details(self, details: ThreadDetails) -> None:
        self.show_row(details.row)
        self._counted = details.cursor.message_count if details.cursor else None
        self._show_send_status()

    def show_conversation(self, conversation: Conversation) -> None:
        """Show a conversation; one of another thread than the shown one is ignored."""
        if self._row is None or conversation.thread_id != self._row.thread.id:
            return
        self._held_back = None
        if conversation.kept and self._row.verdict.kind is Kind.RESUMABLE:
            # Verdict and copy contradict each other, so one of them is outdated; the next update of either decides.
            self._held_back = conversation
            return
        is_gone = self._row.verdict.reason is Reason.MISSING and not conversation.messages
        if is_gone or (self._conversation is None and not conversation.messages):
            self.view.show_hint(SESSION_GONE if is_gone else NO_MESSAGES if conversation.session_id else NO_SESSION)
        self._conversation = conversation
        self._show_copy_notice()
        if not is_gone:
            self.view.show_conversation(conversation)
        self.composer.show_busy(conversation.is_busy)
        self._show_send_status()

    def show_requests(self, requests: Sequence[PendingRequest]) -> None:
        """Show cards for this thread's requests; remove the cards of requests that were answered, here or elsewhere."""
        mine = {request.id: request for request in requests if self._row and request.requester.thread_id == self._row.thread.id}
        for name in [*self._cards]:
            if self._cards[name].request != mine.get(name):
                card = self._cards.pop(name)
                self._request_layout.removeWidget(card)
                card.hide()
                card.deleteLater()
        for name, request in mine.items():
            if name not in self._cards:
                self._add_card(request)
        self._request_area.setVisible(bool(self._cards))
        self._request_area.fit()

    def show_answer_failed(self, request_id: str, _error: T3TrayError) -> None:
        """Let the user answer again, because the answer did not arrive."""
        if card := self._cards.get(request_id):
            card.wait(False)

    @property
    def _shown_copy(self) -> CopyInfo | None:
        return self._conversation.kept if self._conversation else None

    def _show_or_hide_copy(self, row: ThreadRow) -> None:
        """Show an archived copy only while the thread cannot be resumed."""
        is_resumable = row.verdict.kind is Kind.RESUMABLE
        if self._shown_copy and is_resumable:
            self._held_back = self._conversation
            self._show_nothing_yet(row)
        elif self._held_back and not is_resumable:
            self.show_conversation(self._held_back)
        self._show_copy_notice()

    def _show_nothing_yet(self, row: ThreadRow) -> None:
        self._conversation = None
        self.view.show_hint(MESSAGES_LOADING if row.session_id else NO_SESSION)

    def _show_copy_notice(self) -> None:
        if self._shown_copy and self._row:
            self.copy_notice.setText(archived_notice(self._shown_copy, self._row.verdict))
        self._copy_notice_area.setVisible(self._shown_copy is not None)

    def _add_card(self, request: PendingRequest) -> None:
        card = self._cards[request.id] = RequestCard(request)
        self._request_layout.addWidget(card)
        card.replied.connect(self._bridge.reply)
        card.answered.connect(self._bridge.answer)

    def _show_send_status(self) -> None:
        if self._row:
            shown = self._conversation
            all_read = shown and not shown.has_older and not shown.kept and shown.session_id == self._row.session_id
            self.composer.show_send_status(send_status(self._row, len(shown.messages) if shown and all_read else self._counted))

    @Slot(str, str, bool)
    def _on_send(self, thread_id: str, text: str, overrides: bool) -> None:
        self.view.show_newest()
        self._bridge.send(thread_id, text, overrides)

    @Slot()
    def _on_retry(self) -> None:
        """Send the user's last message again."""
        shown = self._conversation
        sent = [each for each in shown.messages if each.role is Role.USER and each.text] if shown else []
        if shown and sent:
            self._on_send(shown.thread_id, sent[-1].text, False)
