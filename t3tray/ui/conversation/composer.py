"""The composer: the editor for the next message, with the status that says where the message would go.

It owns the drafts of this run of the app: its text is newer than the draft in a snapshot.
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

# In ms: a draft is saved this long after the last key.
SAVE_AFTER = 600
_LINES = 8
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class Composer(QWidget):
    """Signals carry the thread's id; `send_wanted` also the text, and whether the user overrides a warning."""

    send_wanted = Signal(str, str, bool)
    stop_wanted = Signal(str)
    draft_changed = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thread_id = ""
        self._drafts: dict[str, str] = {}
        # All drafts of a thread that were shown or saved here: a late snapshot may still contain one of them.
        self._known: defaultdict[str, set[str]] = defaultdict(set)
        self._sending: dict[str, str] = {}
        self._refusals: dict[str, T3TrayError] = {}
        self._send_status = SendStatus("", False)
        self._overrides = False
        self._has_unsaved_draft = False
        self._status_line = label("", "muted", size=0.92)
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
        self._save_timer = QTimer(self, singleShot=True, interval=SAVE_AFTER)
        self._save_timer.timeout.connect(self.save_draft_now)
        self._lay_out()

    def show_thread(self, row: ThreadRow) -> None:
        """Show another thread with its draft; does nothing for the same thread."""
        thread = row.thread
        if thread.id == self._thread_id:
            return
        self.save_draft_now()
        self._thread_id, self._overrides = thread.id, False
        if thread.draft not in self._known[thread.id]:
            # Not typed here: the thread is shown for the first time, or another process has saved a draft since.
            self._known[thread.id].add(thread.draft)
            self._drafts[thread.id] = thread.draft
        self._write(self._drafts[thread.id])
        self._show_state()

    def show_send_status(self, status: SendStatus) -> None:
        if status == self._send_status:
            return
        if status.is_open and not self._send_status.is_open:
            self._refusals.pop(self._thread_id, None)
        self._send_status, self._overrides = status, False
        self._show_state()

    def show_actions(self, actions: Sequence[Action]) -> None:
        """Show the actions that are offered while nothing can be sent."""
        clear(self._actions)
        fill_row(self._actions, actions)

    def show_busy(self, is_busy: bool) -> None:
        """Set whether a turn is running, which can be stopped."""
        self.stop.setVisible(is_busy)

    def show_sent(self, thread_id: str, text: str) -> None:
        """Remove the sent text from the editor; what was typed meanwhile stays."""
        self._sending.pop(thread_id, None)
        self._known[thread_id].add("")
        if thread_id == self._thread_id:
            self._write(self.editor.toPlainText().removeprefix(text).lstrip("\n"))
            self._drafts[thread_id] = self.editor.toPlainText()
        else:
            self._drafts[thread_id] = self._drafts[thread_id].removeprefix(text).lstrip("\n")
        self._show_state()

    def show_refused(self, thread_id: str, error: T3TrayError) -> None:
        """Show why the text was not sent; it stays in the editor."""
        self._sending.pop(thread_id, None)
        self._refusals[thread_id] = error
        self._show_state()

    @Slot()
    def save_draft_now(self) -> None:
        """Emit `draft_changed` if there is unsaved text."""
        self._save_timer.stop()
        if self._has_unsaved_draft:
            self._has_unsaved_draft = False
            self._known[self._thread_id].add(self.editor.toPlainText())
            self.draft_changed.emit(self._thread_id, self.editor.toPlainText())

    def _write(self, text: str) -> None:
        self.editor.blockSignals(True)
        self.editor.setPlainText(text)
        self.editor.moveCursor(self.editor.textCursor().MoveOperation.End)
        self.editor.blockSignals(False)
        self.editor.fit()

    def _show_state(self) -> None:
        is_open = self._send_status.is_open or self._overrides
        is_sending = self._thread_id in self._sending
        has_text = bool(self.editor.toPlainText().strip())
        self._status_line.setText(self._send_status.sentence)
        set_kind(self._status_line, self._send_status.kind)
        refusal = self._refusals.get(self._thread_id)
        self._refusal_line.setText(self._refusal_text(refusal) if refusal else "")
        self._refusal_line.setVisible(refusal is not None)
        can_override = isinstance(refusal, RevertPending) or (self._send_status.can_override and not self._overrides)
        self.anyway.setVisible(can_override)
        self.anyway.setText("Send Anyway" if is_open else "Write Anyway")
        # A draft can be read and copied, whatever the verdict.
        self.editor.setVisible(is_open or has_text)
        self.editor.setReadOnly(not is_open or is_sending)
        self._closed.setVisible(not is_open)
        self.send.setVisible(is_open)
        self.send.setText("Sending…" if is_sending else "Send")
        self.send.setEnabled(is_open and not is_sending and has_text)

    def _refusal_text(self, refusal: T3TrayError) -> str:
        """Return why the text was not sent, without repeating the status line below."""
        parts = ("" if refusal.message == self._send_status.sentence else refusal.message, refusal.hint or "")
        return " ".join(filter(None, parts))

    def _lay_out(self) -> None:
        self.anyway.hide()
        self._refusal_line.hide()
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(self.editor, 1)
        for each in (self.stop, self.send):
            row.addWidget(each, 0, Qt.AlignmentFlag.AlignBottom)
        status = QHBoxLayout()
        status.setSpacing(GAP)
        text = QVBoxLayout()
        text.setSpacing(UNIT)
        text.addWidget(self._refusal_line)
        text.addWidget(self._status_line)
        status.addLayout(text, 1)
        status.addWidget(self.anyway, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, GAP, MARGIN, GAP + UNIT)
        layout.setSpacing(GAP - UNIT // 2)
        layout.addLayout(status)
        layout.addWidget(self._closed)
        layout.addLayout(row)

    @Slot()
    def _on_typed(self) -> None:
        self._drafts[self._thread_id] = self.editor.toPlainText()
        self._refusals.pop(self._thread_id, None)
        self._has_unsaved_draft = True
        self._save_timer.start()
        self._show_state()

    @Slot()
    def _on_send(self) -> None:
        if self.send.isEnabled():
            self._hand_over(self._overrides)

    @Slot()
    def _on_anyway(self) -> None:
        if self._send_status.is_open:
            self._hand_over(True)
        else:
            self._overrides = True
            self._show_state()
            self.editor.setFocus()

    def _hand_over(self, overrides: bool) -> None:
        text = self.editor.toPlainText().strip("\n")
        if not text.strip():
            return
        # Save the text as the draft before it is sent.
        self._save_timer.stop()
        self._has_unsaved_draft = False
        self.draft_changed.emit(self._thread_id, text)
        self._sending[self._thread_id] = text
        self._known[self._thread_id].add(text)
        self._refusals.pop(self._thread_id, None)
        self._show_state()
        self.send_wanted.emit(self._thread_id, text, overrides)


class _Editor(QPlainTextEdit):
    """Emits `entered` on Enter; Shift+Enter breaks the line. Grows with its text up to `_LINES` lines."""

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
        # A plain-text document reports its height in lines.
        lines = min(max(round(self.document().size().height()), 1), _LINES)
        self.setFixedHeight(lines * self.fontMetrics().lineSpacing() + 4 * UNIT + 1)
        scrolls = lines == _LINES
        policy = Qt.ScrollBarPolicy.ScrollBarAsNeeded if scrolls else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.setVerticalScrollBarPolicy(policy)
