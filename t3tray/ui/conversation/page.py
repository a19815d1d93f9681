"""The tab of the conversation: the messages, under them what waits for an answer, under that the composer.

Messages of a kept copy have a line above them that says so; they are not shown where the thread can be resumed.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from t3tray.domain.conversation import Conversation, CopyInfo
from t3tray.domain.evidence import Role
from t3tray.domain.pending_request import PendingRequest
from t3tray.domain.verdict import Kind, Reason
from t3tray.errors import T3TrayError
from t3tray.threads.snapshot import ThreadDetails, ThreadRow
from t3tray.ui.conversation.archived_notice import kept_words
from t3tray.ui.conversation.composer import Composer
from t3tray.ui.conversation.request_card import RequestCard
from t3tray.ui.conversation.send_status import send_status
from t3tray.ui.conversation.view import ConversationView
from t3tray.ui.theme import GAP, MARGIN
from t3tray.ui.widgets.basic import label, line
from t3tray.ui.widgets.fitting_area import FittingArea

# Of the page's height.
_ASKS_SHARE = 0.6
_READING = "The messages are being read…"
_NO_SESSION = "No session is recorded for this thread, so there are no messages to show."
_GONE = "The session is gone from OpenCode, and nobody kept a copy of its messages that could be shown here."
_EMPTY = "Nothing was said here yet. What you write below begins the conversation."


class ConversationPage(QWidget):
    """Signals carry what the user asked for; those of one thread its id first."""

    older_wanted = Signal()
    agent_wanted = Signal(str)
    send_wanted = Signal(str, str, bool)
    stop_wanted = Signal(str)
    draft_changed = Signal(str, str)
    replied = Signal(object, object)
    answered = Signal(object, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._row: ThreadRow | None = None
        self._counted: int | None = None
        self._conversation: Conversation | None = None
        self._held_back: Conversation | None = None
        self.kept_line = label("", "muted", size=0.92)
        self.kept_line.setContentsMargins(MARGIN, GAP, MARGIN, GAP)
        self._kept_part = QWidget()
        told = QVBoxLayout(self._kept_part)
        told.setContentsMargins(0, 0, 0, 0)
        told.setSpacing(0)
        told.addWidget(self.kept_line)
        told.addWidget(line())
        self._kept_part.hide()
        self.view = ConversationView()
        self.composer = Composer()
        self._cards: dict[str, RequestCard] = {}
        cards = QWidget()
        self._asks = QVBoxLayout(cards)
        self._asks.setContentsMargins(MARGIN, GAP, MARGIN, GAP)
        self._asks.setSpacing(GAP)
        self._ask_area = FittingArea(cards, "What waits for your answer", _ASKS_SHARE)
        self._ask_area.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for each in (self._kept_part, self.view, self._ask_area, line(), self.composer):
            layout.addWidget(each, 1 if each is self.view else 0)
        self.view.older_wanted.connect(self.older_wanted)
        self.view.agent_wanted.connect(self.agent_wanted)
        self.view.retry_wanted.connect(self._on_retry)
        self.composer.send_wanted.connect(self._on_send)
        self.composer.stop_wanted.connect(self.stop_wanted)
        self.composer.draft_changed.connect(self.draft_changed)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._ask_area.fit()

    def show_row(self, row: ThreadRow) -> None:
        """A thread; another one than before begins with no messages."""
        if self._row is None or self._row.thread.id != row.thread.id:
            self._counted = self._held_back = None
            self._show_nothing_yet(row)
            self.composer.show_busy(False)
        self._row = row
        self.composer.show_thread(row)
        self._show_or_hide_copy(row)
        self._show_outlook()

    def show_details(self, details: ThreadDetails) -> None:
        self.show_row(details.row)
        self._counted = details.cursor.message_count if details.cursor else None
        self._show_outlook()

    def show_conversation(self, conversation: Conversation) -> None:
        """One of another thread comes too late."""
        if self._row is None or conversation.thread_id != self._row.thread.id:
            return
        self._held_back = None
        if conversation.kept and self._row.verdict.kind is Kind.RESUMABLE:
            # The verdict or the copy is older than the other: which one, the next of either tells.
            self._held_back = conversation
            return
        is_gone = self._row.verdict.reason is Reason.MISSING and not conversation.messages
        if is_gone or (self._conversation is None and not conversation.messages):
            self.view.show_hint(_GONE if is_gone else _EMPTY if conversation.session_id else _NO_SESSION)
        self._conversation = conversation
        self._show_kept_line()
        if not is_gone:
            self.view.show_conversation(conversation)
        self.composer.show_busy(conversation.is_busy)
        self._show_outlook()

    def show_asks(self, asks: Sequence[PendingRequest]) -> None:
        """What waits in this thread; a card that is not among it any more was answered, here or elsewhere."""
        mine = {ask.id: ask for ask in asks if self._row and ask.requester.thread_id == self._row.thread.id}
        for name in [*self._cards]:
            if self._cards[name].ask != mine.get(name):
                card = self._cards.pop(name)
                self._asks.removeWidget(card)
                card.hide()
                card.deleteLater()
        for name, ask in mine.items():
            if name not in self._cards:
                self._add_card(ask)
        self._ask_area.setVisible(bool(self._cards))
        self._ask_area.fit()

    def show_answer_failed(self, ask_id: str, _error: T3TrayError) -> None:
        """The answer did not arrive: it can be given again."""
        if card := self._cards.get(ask_id):
            card.wait(False)

    def show_sent(self, thread_id: str, text: str) -> None:
        self.composer.show_sent(thread_id, text)

    def show_refused(self, thread_id: str, error: T3TrayError) -> None:
        self.composer.show_refused(thread_id, error)

    @property
    def _kept(self) -> CopyInfo | None:
        return self._conversation.kept if self._conversation else None

    def _show_or_hide_copy(self, row: ThreadRow) -> None:
        """As the thread's verdict is now."""
        is_mended = row.verdict.kind is Kind.RESUMABLE
        if self._kept and is_mended:
            self._held_back = self._conversation
            self._show_nothing_yet(row)
        elif self._held_back and not is_mended:
            self.show_conversation(self._held_back)
        self._show_kept_line()

    def _show_nothing_yet(self, row: ThreadRow) -> None:
        self._conversation = None
        self.view.show_hint(_READING if row.session_id else _NO_SESSION)

    def _show_kept_line(self) -> None:
        if self._kept and self._row:
            self.kept_line.setText(kept_words(self._kept, self._row.verdict))
        self._kept_part.setVisible(self._kept is not None)

    def _add_card(self, ask: PendingRequest) -> None:
        card = self._cards[ask.id] = RequestCard(ask)
        self._asks.addWidget(card)
        card.replied.connect(self.replied)
        card.answered.connect(self.answered)

    def _show_outlook(self) -> None:
        if self._row:
            shown = self._conversation
            all_read = shown and not shown.has_older and not shown.kept and shown.session_id == self._row.session_id
            self.composer.show_outlook(send_status(self._row, len(shown.messages) if shown and all_read else self._counted))

    @Slot(str, str, bool)
    def _on_send(self, thread_id: str, text: str, insists: bool) -> None:
        self.view.show_newest()
        self.send_wanted.emit(thread_id, text, insists)

    @Slot()
    def _on_retry(self) -> None:
        """The last message of the user's, once more."""
        shown = self._conversation
        said = [each for each in shown.messages if each.role is Role.USER and each.text] if shown else []
        if shown and said:
            self._on_send(shown.thread_id, said[-1].text, False)
