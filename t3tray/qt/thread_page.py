"""The page of one thread: whether it can be resumed and why, what can be done, the last receipt, the journal, the facts."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QDir, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QVBoxLayout, QWidget

from t3tray.core.domain.alarm import Alarm, AlarmKind, alarm_sentence
from t3tray.core.domain.journal import Entry
from t3tray.core.domain.log_book import told
from t3tray.core.domain.receipt import Receipt
from t3tray.core.domain.remedy import Choice, Remedy
from t3tray.core.domain.sentences import sentence
from t3tray.core.domain.verdict import Kind, Verdict
from t3tray.core.services.views import T3Thread, ThreadDetails, ThreadRow
from t3tray.qt.parts import Card, ScrollPage, button, clear, code, column, heading, label
from t3tray.qt.theme import GAP
from t3tray.qt.words import MARK_NOT_SURE, REMEDIES, mark, reaper_text, reason_label

_TITLES = {
    Kind.RESUMABLE: "Can be resumed",
    Kind.BLOCKED: "Cannot be resumed",
    Kind.UNKNOWN: "Cannot tell now",
}
_ALARMS = {
    AlarmKind.SWITCHED: "This thread was switched to another session",
    AlarmKind.LOST: "This thread has lost its session",
    AlarmKind.CLIFF: "The model was sent much less than before",
}
# In characters.
_ROOM = 34


class ThreadPage(ScrollPage):
    """Signals carry what the user asked for: a thread's id, and for `remedy_wanted` the choice too."""

    resume_wanted = Signal(str)
    check_wanted = Signal(str)
    start_wanted = Signal()
    remedy_wanted = Signal(str, object)
    t3code_wanted = Signal(str)
    seen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Thread", parent)
        self._shown: ThreadRow | ThreadDetails | None = None

    def show_nothing(self, hint: str) -> None:
        """No thread is chosen."""
        self._shown = None
        clear(self._body)
        nothing = label(hint, "muted")
        nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._body.addWidget(nothing, 1)

    def show_foreign(self, thread: T3Thread) -> None:
        """A thread of another provider: what can be said of it."""
        self._shown = None
        clear(self._body)
        self._body.addWidget(label(thread.title, size=1.35, bold=True))
        self._body.addWidget(label(thread.directory, "muted"))
        card = Card()
        card.inside.addWidget(label(f"A thread of {thread.provider or 'another provider'}", "muted", size=1.1, bold=True))
        card.inside.addWidget(label("It keeps its memory by itself; t3tray proves only what OpenCode holds."))
        self._body.addWidget(card)
        self._body.addStretch(1)

    def show_row(self, row: ThreadRow) -> None:
        """What is known already, until the details come."""
        self._show(row, ThreadDetails(row, None, (), None))

    def show_details(self, details: ThreadDetails) -> None:
        if details != self._shown:
            self._show(details, details)

    def _show(self, shown: ThreadRow | ThreadDetails, details: ThreadDetails) -> None:
        same = self._shown is not None and _row(self._shown).thread.id == details.row.thread.id
        place = self.verticalScrollBar().value() if same else 0
        self._shown = shown
        clear(self._body)
        thread = details.row.thread
        self._body.addWidget(label(thread.title, size=1.35, bold=True))
        self._body.addWidget(label(thread.directory, "muted"))
        self._body.addWidget(self._verdict_card(details))
        for alarm in details.alarms:
            if alarm.seen_at is None:
                self._body.addWidget(self._alarm_card(alarm))
        if thread.draft:
            self._add_section("Not sent yet", _draft(thread.draft))
        if details.receipt:
            self._add_section("Last receipt", _receipt(details.receipt))
        if details.journal:
            self._add_section("History", _history(details.journal))
        self._add_section("Details", _facts(details))
        self._body.addStretch(1)
        self.verticalScrollBar().setValue(place)

    def _verdict_card(self, details: ThreadDetails) -> Card:
        verdict, card = details.row.verdict, Card()
        card.inside.addWidget(label(f"{mark(verdict)}  {_TITLES[verdict.kind]}", _kind(verdict), size=1.1, bold=True))
        card.inside.addWidget(label(sentence(verdict)))
        card.inside.addLayout(self._buttons(details))
        return card

    def _alarm_card(self, alarm: Alarm) -> Card:
        card = Card()
        card.inside.addWidget(label("!  " + _ALARMS[alarm.kind], "bad", size=1.1, bold=True))
        card.inside.addWidget(label(alarm_sentence(alarm)))
        card.inside.addWidget(label(f"{alarm.at.astimezone():%-d %B %Y, %H:%M:%S}", "muted", size=0.9))
        understood = button("I Have Seen This")
        understood.clicked.connect(lambda: self.seen.emit(alarm.thread_id))
        row = QHBoxLayout()
        row.addWidget(understood)
        row.addStretch(1)
        card.inside.addLayout(row)
        return card

    def _buttons(self, details: ThreadDetails) -> QHBoxLayout:
        """What can be done now, the best first; what does not fit is in a menu."""
        actions = self._actions(details)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        # Two stand side by side where a narrow window has room for their words.
        shown = 2 if sum(len(text) for text, _ in actions[:2]) <= _ROOM else 1
        for number, (text, do) in enumerate(actions[:shown]):
            made = button(text, "" if number else "main")
            made.clicked.connect(lambda _checked=False, do=do: do())
            row.addWidget(made)
        if rest := actions[shown:]:
            more = button("More")
            menu = QMenu(more)
            for text, do in rest:
                menu.addAction(text).triggered.connect(lambda _checked=False, do=do: do())
            more.setMenu(menu)
            row.addWidget(more)
        row.addStretch(1)
        return row

    def _actions(self, details: ThreadDetails) -> list[tuple[str, Callable[[], None]]]:
        row, offered = details.row, details.offered
        thread_id = row.thread.id
        found: list[tuple[str, Callable[[], None]]] = []
        if row.verdict.kind is Kind.RESUMABLE and row.session_id:
            found.append(("Resume in Terminal", lambda: self.resume_wanted.emit(thread_id)))
        if Remedy.START_SERVER in offered:
            found.append(("Start Server", self.start_wanted.emit))
        for remedy in offered:
            found += self._remedy_actions(remedy, details)
        check = "Check Now" if row.verdict.kind is Kind.RESUMABLE else "Check Again"
        found.insert(1, (check, lambda: self.check_wanted.emit(thread_id)))
        if row.t3:
            found.append(("Open in T3 Code", lambda: self.t3code_wanted.emit(thread_id)))
        return found

    def _remedy_actions(self, remedy: Remedy, details: ThreadDetails) -> list[tuple[str, Callable[[], None]]]:
        thread_id = details.row.thread.id

        def want(choice: Choice) -> Callable[[], None]:
            return lambda: self.remedy_wanted.emit(thread_id, choice)

        match remedy:
            case Remedy.BIND:
                return [
                    (
                        f"{REMEDIES[remedy]} …{found.session_id[-6:]} ({found.messages:,})",
                        want(Choice(remedy, found.session_id)),
                    )
                    for found in details.choices
                ]
            case Remedy.RELOCATE:
                return [(REMEDIES[remedy], lambda: self._ask_folder(thread_id))]
            case _:
                return [(REMEDIES[remedy], want(Choice(remedy)))] if remedy in REMEDIES else []

    def _ask_folder(self, thread_id: str) -> None:
        """Where the folder is now; whether it is the right one is told by the preview."""
        dialog = QFileDialog(self, "Where Is the Folder Now?", QDir.homePath())
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(
            lambda folder: self.remedy_wanted.emit(thread_id, Choice(Remedy.RELOCATE, directory=folder, confirmed=True))
        )
        dialog.open()

    def _add_section(self, title: str, widget: QWidget) -> None:
        self._body.addWidget(heading(title))
        self._body.addWidget(widget)


def _row(shown: ThreadRow | ThreadDetails) -> ThreadRow:
    return shown.row if isinstance(shown, ThreadDetails) else shown


def _kind(verdict: Verdict) -> str:
    if verdict.kind is Kind.BLOCKED:
        return "bad"
    return "unsure" if verdict.kind is Kind.UNKNOWN or mark(verdict) == MARK_NOT_SURE else "good"


def _draft(text: str) -> QWidget:
    card = Card()
    card.inside.addWidget(label(text))
    return card


def _receipt(receipt: Receipt) -> QWidget:
    """The receipt's checks, and the whole of it for the clipboard."""
    card = Card()
    top = QHBoxLayout()
    top.addWidget(label(f"{receipt.taken_at.astimezone():%-d %B %Y, %H:%M:%S} · {receipt.asked or 'nobody could be asked'}"), 1)
    copy = button("Copy", "plain")
    copy.setAccessibleName("Copy the receipt")
    copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(receipt.as_text()))
    top.addWidget(copy)
    card.inside.addLayout(top)
    for check in receipt.checks:
        sign, kind = {True: ("✓", "good"), False: ("✕", "bad"), None: ("·", "muted")}[check.passed]
        is_same = check.recorded in ("", check.found)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(label(check.name, "muted", size=0.9))
        words.addWidget(label(check.found if is_same else f"{check.recorded} → {check.found}"))
        row = QHBoxLayout()
        row.addWidget(column(sign, kind, "✓"), 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        card.inside.addLayout(row)
    for note in receipt.notes:
        card.inside.addWidget(label(note, "unsure"))
    return card


def _history(entries: tuple[Entry, ...]) -> QWidget:
    """The journal, newest first: when, what, why and by whom."""
    card = Card()
    for entry in reversed(entries):
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(label(told(entry)))
        words.addWidget(label(f"{entry.at.astimezone():%-d %b %Y, %H:%M}", "muted", size=0.9))
        card.inside.addLayout(words)
    return card


def _facts(details: ThreadDetails) -> QWidget:
    card = Card()
    thread = details.row.thread
    facts = [("Thread", thread.id), ("Session", details.row.session_id or "none"), ("Reason", reason_label(details.row.verdict))]
    facts.append(("Reaper", reaper_text(details.row.reaper)))
    if t3 := details.row.t3:
        facts += [("Project", t3.project), ("Branch", t3.branch or "none"), ("Model", t3.model or "not told")]
        facts.append(("T3 Code", f"talks to {t3.session_id}" if t3.session_id else "knows no session"))
    if details.cursor and details.cursor.message_count is not None:
        facts.append(("Messages", str(details.cursor.message_count)))
    if details.cursor and details.cursor.server_version:
        facts.append(("OpenCode", details.cursor.server_version))
    for name, value in facts:
        row = QHBoxLayout()
        row.addWidget(column(name, "muted", "Messages"))
        row.addWidget(code(value), 1)
        card.inside.addLayout(row)
    return card
