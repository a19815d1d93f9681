"""The card of a pending request: a tool that asks for permission, or questions of the model. It only emits the answer."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QCheckBox, QHBoxLayout, QLineEdit, QRadioButton, QVBoxLayout, QWidget

from t3tray.domain.pending_request import Answers, ApprovalRequest, PendingRequest, Question, QuestionRequest, Reply
from t3tray.messages.pending_requests import request_sentence, wish_sentence
from t3tray.ui.theme import GAP, MARGIN, UNIT
from t3tray.ui.widgets.basic import Card, button, field, label

_REPLIES = ((Reply.ONCE, "Allow Once", "main"), (Reply.ALWAYS, "Always Allow", ""), (Reply.REJECT, "Reject", ""))


class RequestCard(Card):
    """Emits `replied` with the approval request and the reply, `answered` with the questions and the answers (None: left
    unanswered)."""

    replied = Signal(object, object)
    answered = Signal(object, object)

    def __init__(self, request: PendingRequest, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.request = request
        self.setProperty("kind", "ask")
        self.setAccessibleName(request_sentence(request))
        self._buttons: list[QAbstractButton] = []
        self._questions: list[_QuestionPart] = []
        self.inside.addWidget(label(request.requester.path, "muted", size=0.92))
        if isinstance(request, ApprovalRequest):
            self._add_approval(request)
        else:
            self._add_questions(request)

    def wait(self, waits: bool) -> None:
        """Disable the buttons while an answer is being sent; enable them again if it failed."""
        for each in self._buttons:
            each.setEnabled(not waits)
        if not waits:
            self._on_chosen()

    def _add_approval(self, request: ApprovalRequest) -> None:
        self.inside.addWidget(label(wish_sentence(request), bold=True))
        if request.always:
            self.inside.addWidget(
                label(f"Always Allow covers {', '.join(request.always)}, until the server ends.", "muted", size=0.92)
            )
        row = self._row()
        for reply, text, kind in _REPLIES:
            if reply is Reply.ALWAYS and not request.always:
                continue
            made = self._button(text, kind, row)
            made.clicked.connect(lambda _checked=False, reply=reply: self._reply(request, reply))

    def _add_questions(self, request: QuestionRequest) -> None:
        for question in request.questions:
            part = _QuestionPart(question)
            part.changed.connect(self._on_chosen)
            self._questions.append(part)
            self.inside.addWidget(part)
        row = self._row()
        self._answer = self._button("Answer", "main", row)
        self._answer.clicked.connect(lambda: self._give(request, tuple(part.answer for part in self._questions)))
        self._button("Leave Unanswered", "", row).clicked.connect(lambda: self._give(request, None))
        self._on_chosen()

    def _reply(self, request: ApprovalRequest, reply: Reply) -> None:
        self.wait(True)
        self.replied.emit(request, reply)

    def _give(self, request: QuestionRequest, answers: Answers | None) -> None:
        self.wait(True)
        self.answered.emit(request, answers)

    def _row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addStretch(1)
        self.inside.addLayout(row)
        return row

    def _button(self, text: str, kind: str, row: QHBoxLayout) -> QAbstractButton:
        made = button(text, kind)
        made.setAccessibleDescription(request_sentence(self.request))
        row.insertWidget(row.count() - 1, made)
        self._buttons.append(made)
        return made

    @Slot()
    def _on_chosen(self) -> None:
        if self._questions:
            self._answer.setEnabled(all(part.answer for part in self._questions))


class _QuestionPart(QWidget):
    """One question with its options. A typed answer replaces a single choice, or is added to several."""

    changed = Signal()

    def __init__(self, question: Question) -> None:
        super().__init__()
        self._question = question
        self._own: QLineEdit | None = None
        self._options = QButtonGroup(self, exclusive=not question.multiple)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(UNIT)
        if question.header:
            layout.addWidget(label(question.header, "muted", size=0.92))
        layout.addWidget(label(question.text, bold=True))
        for option in question.options:
            made = QCheckBox(option.label) if question.multiple else QRadioButton(option.label)
            made.setAccessibleDescription(option.description)
            made.toggled.connect(self._on_toggled)
            self._options.addButton(made)
            layout.addWidget(made)
            if option.description:
                description = label(option.description, "muted", size=0.92)
                description.setContentsMargins(MARGIN + GAP, 0, 0, 0)
                layout.addWidget(description)
        if question.custom or not question.options:
            self._own = field("Another answer" if question.options else "Answer", f"Your own answer to: {question.text}")
            self._own.textChanged.connect(self._on_typed)
            layout.addWidget(self._own)

    @property
    def answer(self) -> tuple[str, ...]:
        """The chosen options and the typed answer; empty while unanswered."""
        chosen = tuple(made.text() for made in self._options.buttons() if made.isChecked())
        own = self._own.text().strip() if self._own else ""
        if own and not self._question.multiple:
            return (own,)
        return (*chosen, own) if own else chosen

    @Slot(bool)
    def _on_toggled(self, checked: bool) -> None:
        if checked and self._own and not self._question.multiple:
            self._own.clear()
        self.changed.emit()

    @Slot(str)
    def _on_typed(self, text: str) -> None:
        if text.strip() and not self._question.multiple and (chosen := self._options.checkedButton()):
            # An exclusive group does not allow unchecking its choice.
            self._options.setExclusive(False)
            chosen.setChecked(False)
            self._options.setExclusive(True)
        self.changed.emit()
