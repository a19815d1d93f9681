"""Where the next message is typed. It says what would become of it, keeps what was typed, and hands it over.

It owns the drafts of this run: what was typed here is newer than what the list tells of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from t3tray.errors import T3TrayError
from t3tray.threads.send import RevertPending
from t3tray.threads.snapshot import ThreadRow
from t3tray.ui.conversation.send_status import SendStatus
from t3tray.ui.theme import GAP, MARGIN, UNIT
from t3tray.ui.widgets.action_row import Action, fill_row
from t3tray.ui.widgets.basic import button, clear, label, set_kind

# In ms: what was typed is kept when the fingers rest.
KEEP_AFTER = 600
_LINES = 8
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class Composer(QWidget):
    """Signals carry the thread's id; `send_wanted` the text too, and whether to send it whatever speaks against it."""

    send_wanted = Signal(str, str, bool)
    stop_wanted = Signal(str)
    draft_changed = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thread_id = ""
        self._drafts: dict[str, str] = {}
        # Every draft of a thread that was shown or kept here: the list may tell one of them late.
        self._known: defaultdict[str, set[str]] = defaultdict(set)
        self._sending: dict[str, str] = {}
        self._refusals: dict[str, T3TrayError] = {}
        self._outlook = SendStatus("", False)
        self._insists = False
        self._is_unkept = False
        self._outlook_line = label("", "muted", size=0.92)
        self._refusal_line = label("", "bad", size=0.92)
        self.anyway = button("Send Anyway")
        self.anyway.clicked.connect(self._on_anyway)
        self.editor = _Editor()
        self.editor.entered.connect(self._on_send)
        self.editor.textChanged.connect(self._on_typed)
        self.send = button("Send", "main")
        self.send.clicked.connect(self._on_send)
        self.stop = button("Stop")
        self.stop.setAccessibleName("Stop the turn that is running")
        self.stop.clicked.connect(lambda: self.stop_wanted.emit(self._thread_id))
        self.stop.hide()
        self._closed = QWidget()
        self._actions = QHBoxLayout(self._closed)
        self._actions.setContentsMargins(0, 0, 0, 0)
        self._keeping = QTimer(self, singleShot=True, interval=KEEP_AFTER)
        self._keeping.timeout.connect(self.keep_now)
        self._lay_out()

    def show_thread(self, row: ThreadRow) -> None:
        """Another thread, with what was typed in it and not sent; the same one goes on as it is."""
        thread = row.thread
        if thread.id == self._thread_id:
            return
        self.keep_now()
        self._thread_id, self._insists = thread.id, False
        if thread.draft not in self._known[thread.id]:
            # Nothing that was typed here: the first look, or another program has kept something since.
            self._known[thread.id].add(thread.draft)
            self._drafts[thread.id] = thread.draft
        self._write(self._drafts[thread.id])
        self._show_state()

    def show_outlook(self, outlook: SendStatus) -> None:
        if outlook == self._outlook:
            return
        if outlook.is_open and not self._outlook.is_open:
            self._refusals.pop(self._thread_id, None)
        self._outlook, self._insists = outlook, False
        self._show_state()

    def show_actions(self, actions: Sequence[Action]) -> None:
        """What can be done where nothing can be sent."""
        clear(self._actions)
        fill_row(self._actions, actions)

    def show_busy(self, is_busy: bool) -> None:
        """Whether a turn runs, that can be stopped."""
        self.stop.setVisible(is_busy)

    def show_sent(self, thread_id: str, text: str) -> None:
        """It is in the conversation now; what was typed meanwhile stays."""
        self._sending.pop(thread_id, None)
        self._known[thread_id].add("")
        if thread_id == self._thread_id:
            self._write(self.editor.toPlainText().removeprefix(text).lstrip("\n"))
            self._drafts[thread_id] = self.editor.toPlainText()
        else:
            self._drafts[thread_id] = self._drafts[thread_id].removeprefix(text).lstrip("\n")
        self._show_state()

    def show_refused(self, thread_id: str, error: T3TrayError) -> None:
        """It was not sent: it stays, with the reason."""
        self._sending.pop(thread_id, None)
        self._refusals[thread_id] = error
        self._show_state()

    @Slot()
    def keep_now(self) -> None:
        """Have what was typed since the last time kept."""
        self._keeping.stop()
        if self._is_unkept:
            self._is_unkept = False
            self._known[self._thread_id].add(self.editor.toPlainText())
            self.draft_changed.emit(self._thread_id, self.editor.toPlainText())

    def _write(self, text: str) -> None:
        self.editor.blockSignals(True)
        self.editor.setPlainText(text)
        self.editor.moveCursor(self.editor.textCursor().MoveOperation.End)
        self.editor.blockSignals(False)
        self.editor.fit()

    def _show_state(self) -> None:
        is_open = self._outlook.is_open or self._insists
        is_sending = self._thread_id in self._sending
        has_words = bool(self.editor.toPlainText().strip())
        self._outlook_line.setText(self._outlook.sentence)
        set_kind(self._outlook_line, self._outlook.kind)
        refusal = self._refusals.get(self._thread_id)
        self._refusal_line.setText(self._told(refusal) if refusal else "")
        self._refusal_line.setVisible(refusal is not None)
        may_insist = isinstance(refusal, RevertPending) or (self._outlook.may_insist and not self._insists)
        self.anyway.setVisible(may_insist)
        self.anyway.setText("Send Anyway" if is_open else "Write Anyway")
        # What was typed can be read and copied, whatever the verdict.
        self.editor.setVisible(is_open or has_words)
        self.editor.setReadOnly(not is_open or is_sending)
        self._closed.setVisible(not is_open)
        self.send.setVisible(is_open)
        self.send.setText("Sending…" if is_sending else "Send")
        self.send.setEnabled(is_open and not is_sending and has_words)

    def _told(self, refusal: T3TrayError) -> str:
        """Why it was not sent; what the line below says is not said twice."""
        parts = ("" if refusal.message == self._outlook.sentence else refusal.message, refusal.hint or "")
        return " ".join(filter(None, parts))

    def _lay_out(self) -> None:
        self.anyway.hide()
        self._refusal_line.hide()
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(self.editor, 1)
        for each in (self.stop, self.send):
            row.addWidget(each, 0, Qt.AlignmentFlag.AlignBottom)
        told = QHBoxLayout()
        told.setSpacing(GAP)
        words = QVBoxLayout()
        words.setSpacing(UNIT)
        words.addWidget(self._refusal_line)
        words.addWidget(self._outlook_line)
        told.addLayout(words, 1)
        told.addWidget(self.anyway, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, GAP, MARGIN, GAP + UNIT)
        layout.setSpacing(GAP - UNIT // 2)
        layout.addLayout(told)
        layout.addWidget(self._closed)
        layout.addLayout(row)

    @Slot()
    def _on_typed(self) -> None:
        self._drafts[self._thread_id] = self.editor.toPlainText()
        self._refusals.pop(self._thread_id, None)
        self._is_unkept = True
        self._keeping.start()
        self._show_state()

    @Slot()
    def _on_send(self) -> None:
        if self.send.isEnabled():
            self._hand_over(self._insists)

    @Slot()
    def _on_anyway(self) -> None:
        if self._outlook.is_open:
            self._hand_over(True)
        else:
            self._insists = True
            self._show_state()
            self.editor.setFocus()

    def _hand_over(self, insists: bool) -> None:
        text = self.editor.toPlainText().strip("\n")
        if not text.strip():
            return
        # The text is kept before it is sent, in the place of what was typed until then.
        self._keeping.stop()
        self._is_unkept = False
        self.draft_changed.emit(self._thread_id, text)
        self._sending[self._thread_id] = text
        self._known[self._thread_id].add(text)
        self._refusals.pop(self._thread_id, None)
        self._show_state()
        self.send_wanted.emit(self._thread_id, text, insists)


class _Editor(QPlainTextEdit):
    """Enter hands over, Shift and Enter break the line; it grows with what is typed."""

    entered = Signal()

    def __init__(self) -> None:
        super().__init__(tabChangesFocus=True)
        self.setProperty("kind", "composer")
        self.setAccessibleName("Message")
        self.setPlaceholderText("Message")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(UNIT)
        self.document().documentLayout().documentSizeChanged.connect(self.fit)
        self.fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in _ENTER and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.entered.emit()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self.fit()

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self.height())

    @Slot()
    def fit(self) -> None:
        # This document counts its height in lines.
        lines = min(max(round(self.document().size().height()), 1), _LINES)
        self.setFixedHeight(lines * self.fontMetrics().lineSpacing() + 4 * UNIT + 1)
        scrolls = lines == _LINES
        policy = Qt.ScrollBarPolicy.ScrollBarAsNeeded if scrolls else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.setVerticalScrollBarPolicy(policy)
