"""The tabs of a thread's page besides the conversation: the last receipt, the history, and the details."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from t3tray.domain.conversation import Conversation
from t3tray.domain.receipt import Check, Receipt
from t3tray.domain.remedy import Choice, Remedy
from t3tray.domain.times import dated
from t3tray.messages.history import HistoryLine, history
from t3tray.messages.verdicts import REMEDIES, receipt_text
from t3tray.threads.snapshot import ThreadDetails
from t3tray.ui.labels import SOURCES, VERDICTS, reaper_text, reason_label
from t3tray.ui.theme import GAP, UNIT
from t3tray.ui.widgets.basic import Card, ScrollPage, button, clear, code, column, label

Facts = tuple[tuple[str, str], ...]

# How many entries of the history are drawn at first.
_ENTRIES = 40
_SIGNS = {True: ("✓", "good"), False: ("✕", "bad"), None: ("·", "muted")}


class _FactsTab(ScrollPage):
    """A tab that is drawn only while it is visible, and only when its content has changed."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._due: object = None
        self._drawn: object = None

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._draw_if_due()

    def _request_draw(self, content: object) -> None:
        self._due = content
        if self.isVisible():
            self._draw_if_due()

    def _draw_if_due(self) -> None:
        if self._due == self._drawn:
            return
        self._drawn = self._due
        page = self.widget()
        assert page is not None
        # Qt lays out the whole page for each widget that appears on it: they appear together.
        page.hide()
        clear(self._body)
        self._draw()
        self._body.addStretch(1)
        page.show()

    def _draw(self) -> None:
        raise NotImplementedError


class ReceiptTab(_FactsTab):
    """What the last check compared: what had been recorded, and what was found."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Receipt", parent)
        self._receipt: Receipt | None = None

    def show_details(self, details: ThreadDetails) -> None:
        self._receipt = details.receipt
        self._request_draw((details.row.thread.id, self._receipt))

    def _draw(self) -> None:
        receipt = self._receipt
        if receipt is None:
            self._body.addWidget(label("No receipt yet. Each check, and each message, leaves its receipt here.", "muted"))
            return
        when = dated(receipt.taken_at, "%B %Y, %H:%M:%S")
        copy = _copy_button("Copy as Text", "Copy the receipt as text", receipt_text(receipt))
        self._body.addLayout(_above(f"Checked on {when} · {receipt.asked or 'without an answer'}", copy))
        card = Card()
        for check in receipt.checks:
            card.inside.addLayout(_check(check))
        self._body.addWidget(card)
        for note in receipt.notes:
            self._body.addWidget(label(note, "unsure"))


class HistoryTab(_FactsTab):
    """The journal and the guard's answers to T3 Code as a time line, the newest on top."""

    remedy_wanted = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("History", parent)
        self._thread_id = ""
        self._lines: tuple[HistoryLine, ...] = ()
        self._can_undo = False
        self._most = _ENTRIES

    def show_details(self, details: ThreadDetails) -> None:
        if details.row.thread.id != self._thread_id:
            self._thread_id, self._most = details.row.thread.id, _ENTRIES
        self._lines, self._can_undo = history(details.journal, details.answers), Remedy.UNDO in details.offered
        self._request_draw((self._thread_id, self._lines, self._can_undo, self._most))

    def _draw(self) -> None:
        if self._can_undo:
            undo = button(REMEDIES[Remedy.UNDO])
            thread_id = self._thread_id
            undo.clicked.connect(lambda: self.remedy_wanted.emit(thread_id, Choice(Remedy.UNDO)))
            self._body.addLayout(_above("The last remedy can be undone.", undo))
        if not self._lines:
            self._body.addWidget(
                label("The history is empty: t3tray has never bound this thread or changed its session.", "muted")
            )
        for entry in reversed(self._lines[-self._most :]):
            self._body.addLayout(_history_entry(entry))
        more = len(self._lines) - self._most
        if more > 0:
            show = button(f"Show {more} Earlier")
            show.clicked.connect(self._on_all_wanted)
            self._body.addWidget(show, 0, Qt.AlignmentFlag.AlignLeft)

    @Slot()
    def _on_all_wanted(self) -> None:
        self._most = len(self._lines)
        self._request_draw((self._thread_id, self._lines, self._can_undo, self._most))


class DetailsTab(_FactsTab):
    """All other facts, as text that can be copied."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Details", parent)
        self._details: ThreadDetails | None = None
        self._spent: Facts = ()

    def show_details(self, details: ThreadDetails) -> None:
        if self._details is None or details.row.thread.id != self._details.row.thread.id:
            self._spent = ()
        self._details = details
        self._request_draw(self._facts)

    def show_conversation(self, conversation: Conversation) -> None:
        """Show the model, context and cost of the conversation's messages."""
        if self._details and conversation.thread_id == self._details.row.thread.id:
            self._spent = spent_in(conversation)
            self._request_draw(self._facts)

    @property
    def _facts(self) -> Facts:
        return (*(facts_of(self._details) if self._details else ()), *self._spent)

    def _draw(self) -> None:
        text = "\n".join(f"{name}: {value}" for name, value in self._facts)
        self._body.addLayout(_above("", _copy_button("Copy All", "Copy all details", text)))
        card = Card()
        for name, value in self._facts:
            row = QHBoxLayout()
            row.addWidget(column(name, "muted", "Last message"), 0, Qt.AlignmentFlag.AlignTop)
            row.addWidget(code(value), 1)
            card.inside.addLayout(row)
        self._body.addWidget(card)


def facts_of(details: ThreadDetails) -> Facts:
    """Return names and values, the most often needed first."""
    row, thread, t3, cursor = details.row, details.row.thread, details.row.t3, details.cursor
    held = next((found for found in details.candidates if found.session_id == row.session_id), None)
    facts: list[tuple[str, str | None]] = [
        ("Thread", thread.id),
        ("Session", row.session_id or "none"),
        ("Verdict", f"{VERDICTS[row.verdict.kind]} · {reason_label(row.verdict)}"),
        ("Reaper", reaper_text(row.reaper)),
        ("Folder", thread.directory),
        ("Shown by", SOURCES[thread.source]),
        ("Created", dated(thread.created_at)),
        ("Last active", dated(thread.last_activity_at)),
    ]
    if t3:
        facts += [("Project", t3.project), ("Branch", t3.branch or "none"), ("Model", t3.model or "unknown")]
        facts.append(("T3 Code", f"talks to {t3.session_id}" if t3.session_id else "knows no session"))
    if cursor:
        counted = f"{cursor.message_count:,}" if cursor.message_count is not None else None
        facts += [("Messages", counted), ("Last message", cursor.last_message_id), ("OpenCode", cursor.server_version)]
    if held:
        facts.append(("Input tokens", f"{held.input_tokens:,}"))
    return tuple((name, value) for name, value in facts if value)


def spent_in(conversation: Conversation) -> Facts:
    """Return the last answer's model and context size, and the cost of the messages that were read."""
    answers = [each for each in conversation.messages if each.model]
    if not answers:
        return ()
    facts = [("Last answer", f"by {answers[-1].model}")]
    if sent := next((each.sent_tokens for each in reversed(answers) if each.sent_tokens), 0):
        facts.append(("Context", f"{sent:,} tokens in the last request"))
    if cost := sum(each.cost for each in answers):
        since = f" for the last {len(conversation.messages)} messages" if conversation.has_older else ""
        facts.append(("Cost", f"{cost:.4f} US dollars{since}"))
    return tuple(facts)


def _copy_button(button_label: str, name: str, text: str) -> QPushButton:
    made = button(button_label)
    made.setAccessibleName(name)
    made.clicked.connect(lambda: QGuiApplication.clipboard().setText(text))
    return made


def _above(text: str, made: QPushButton) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(GAP)
    row.addWidget(label(text, "muted"), 1)
    row.addWidget(made, 0, Qt.AlignmentFlag.AlignTop)
    return row


def _check(check: Check) -> QHBoxLayout:
    sign, kind = _SIGNS[check.passed]
    is_same = check.recorded in ("", check.found)
    text = QVBoxLayout()
    text.setSpacing(0)
    text.addWidget(label(check.name, "muted", size=0.9))
    text.addWidget(label(check.found if is_same else f"{check.recorded} → {check.found}"))
    row = QHBoxLayout()
    row.addWidget(column(sign, kind, "✓"), 0, Qt.AlignmentFlag.AlignTop)
    row.addLayout(text, 1)
    return row


def _history_entry(line: HistoryLine) -> QHBoxLayout:
    text = QVBoxLayout()
    text.setSpacing(UNIT // 2)
    text.addWidget(label(line.sentence[:1].upper() + line.sentence[1:]))
    text.addWidget(label(dated(line.at, "%b %Y, %H:%M"), "muted", size=0.9))
    row = QHBoxLayout()
    row.addWidget(column("●", "muted", "●"), 0, Qt.AlignmentFlag.AlignTop)
    row.addLayout(text, 1)
    return row
