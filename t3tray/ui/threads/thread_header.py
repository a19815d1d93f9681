"""The head of a thread's page: title and folder, the verdict with its sentence, the actions, T3 Code's side, and alarms."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QDir
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from t3tray.domain.alarm import Acknowledged, Alarm, AlarmKind
from t3tray.domain.remedy import Choice, Remedy
from t3tray.domain.t3code_side import NextMessage, NextReason
from t3tray.domain.times import dated
from t3tray.domain.verdict import Kind, Reason, Verdict
from t3tray.messages.alarms import alarm_sentence
from t3tray.messages.verdicts import REMEDIES, sentence
from t3tray.threads.remedy_offers import answer_to_alarm
from t3tray.threads.snapshot import ThreadDetails, ThreadRow
from t3tray.ui.bridge import Bridge
from t3tray.ui.guard.refusal_card import refusal_card
from t3tray.ui.labels import NOT_BEGUN, SYMBOL_UNSURE, folder_name, is_ready_only_here, verdict_symbol
from t3tray.ui.theme import GAP, MARGIN, UNIT
from t3tray.ui.threads.t3code_side_lines import side_lines
from t3tray.ui.widgets.action_row import Action, fill_row
from t3tray.ui.widgets.basic import Card, button, clear, label, line

_TITLES = {
    Kind.RESUMABLE: "Can be resumed",
    Kind.BLOCKED: "Cannot be resumed",
    Kind.UNKNOWN: "Unknown",
}
_ALARMS = {
    AlarmKind.SWITCHED: "This thread was switched to another session",
    AlarmKind.LOST: "This thread has lost its session",
    AlarmKind.CLIFF: "The model was sent much less than before",
    AlarmKind.LEFT: "Left as it is",
}
_LEAVE = "Leave It"
_HERE = "Here and in the terminal: ready"
# Reasons in which the guard would send the next message to the thread's own session.
_PROTECTED_BY_GUARD = frozenset(
    {
        NextReason.OTHER_SESSION,
        NextReason.SESSION_GONE,
        NextReason.STARTS_EMPTY,
        NextReason.INSTANCE_CHANGED,
        NextReason.LIVE,
        NextReason.LIVE_ELSEWHERE,
    }
)
# In px: the minimum width for the buttons beside the sentence.
_SIDE_BY_SIDE = 720


# Shows what a remedy would do to the thread of this id.
PreviewRemedy = Callable[[str, Choice], None]


class ThreadHeader(QWidget):
    """The head calls the bridge; `preview_remedy` is called with a thread's id and the remedy that was chosen."""

    def __init__(self, bridge: Bridge, preview_remedy: PreviewRemedy) -> None:
        super().__init__()
        self._bridge = bridge
        self._preview_remedy = preview_remedy
        self._body = QVBoxLayout(self)
        self._body.setContentsMargins(MARGIN, UNIT, MARGIN, GAP)
        self._body.setSpacing(UNIT)
        self._verdict: QBoxLayout | None = None
        self._shown: tuple[object, ...] | None = None
        # Whether T3 Code could be protected by the guard, and is not.
        self.can_protect = False

    def show_details(self, details: ThreadDetails) -> bool:
        """Draw the details if anything shown here changed. Return whether it did."""
        row = details.row
        shown = (
            row.thread.id,
            row.thread.title,
            _location(row),
            row.verdict,
            row.session_id,
            row.t3 is None,
            row.next_message,
            row.is_half_mended,
            self.can_protect,
            details.alarms,
            details.offered,
            details.choices,
            details.answers,
            details.deleted,
        )
        if shown == self._shown:
            return False
        self._shown = shown
        clear(self._body)
        self._body.addWidget(label(row.thread.title, size=1.25, bold=True))
        self._body.addWidget(label(_location(row), "muted", size=0.92))
        self._body.addSpacing(UNIT)
        self._body.addWidget(self._verdict_card(details))
        if details.deleted:
            self._body.addWidget(label(details.deleted, "unsure", size=0.95))
        unseen = [alarm for alarm in details.alarms if alarm.seen_at is None]
        for number, alarm in enumerate(unseen, 1):
            # Only the newest describes the current state.
            actions = self._alarm_actions(details) if number == len(unseen) else []
            self._body.addWidget(self._alarm_card(alarm, is_ready_only_here(row), actions))
        if held_back := refusal_card(details, lambda: self._bridge.acknowledge(row.thread.id, Acknowledged.REFUSAL)):
            self._body.addWidget(held_back)
        return True

    def show_text(self, title: str, location: str, *lines: str) -> None:
        """Show a thread without a verdict, described by `lines`."""
        clear(self._body)
        self._shown = self._verdict = None
        self._body.addWidget(label(title, size=1.25, bold=True))
        self._body.addWidget(label(location, "muted", size=0.92))
        for each in lines:
            self._body.addWidget(label(each))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        if self._verdict:
            wide = self.width() >= _SIDE_BY_SIDE
            self._verdict.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)

    def _verdict_card(self, details: ThreadDetails) -> Card:
        verdict, side, card = details.row.verdict, details.row.next_message, Card()
        title = _HERE if is_ready_only_here(details.row) else _title(verdict)
        text = QVBoxLayout()
        text.setSpacing(UNIT // 2)
        text.addWidget(label(f"{verdict_symbol(verdict)}  {title}", _kind(verdict), bold=True))
        text.addWidget(label(sentence(verdict), size=0.95))
        self._verdict = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._verdict.setSpacing(GAP)
        self._verdict.addLayout(text, 1)
        self._verdict.addLayout(self._buttons(details))
        card.inside.addLayout(self._verdict)
        if side is not None and not side.is_fine and side.reason is not NextReason.AS_HERE:
            card.inside.addWidget(line())
            card.inside.addLayout(side_lines(side, self._side_actions(side, details), self._leaving(details)))
        self._arrange()
        return card

    def _side_actions(self, side: NextMessage, details: ThreadDetails) -> list[Action]:
        """Return the actions that fix T3 Code's side; none while the thread is not resumable here, which comes first."""
        if details.row.verdict.kind is not Kind.RESUMABLE:
            return []
        wanted = (remedy for remedy in side.remedies if remedy in details.offered)
        found = [action for remedy in wanted for action in self._remedy_actions(remedy, details)]
        if self.can_protect and side.reason in _PROTECTED_BY_GUARD:
            found.append(("Protect T3 Code…", lambda: self._bridge.preview_protection(True)))
        return found

    def _alarm_actions(self, details: ThreadDetails) -> list[Action]:
        side = details.row.next_message
        if side and self._side_actions(side, details):
            # The action is shown right above, with T3 Code's side.
            return []
        remedy = answer_to_alarm(details.offered)
        return self._remedy_actions(remedy, details)[:1] if remedy else []

    def _leaving(self, details: ThreadDetails) -> QPushButton | None:
        """Return the button that accepts T3 Code's side as it is, None if it is not needed or an alarm's card has it."""
        if not details.row.is_half_mended or any(alarm.seen_at is None for alarm in details.alarms):
            return None
        made = button(_LEAVE)
        made.clicked.connect(lambda: self._bridge.acknowledge(details.row.thread.id, Acknowledged.SIDE))
        return made

    def _alarm_card(self, alarm: Alarm, is_half_mended: bool, actions: list[Action]) -> Card:
        card = Card()
        card.inside.setSpacing(UNIT)
        dismiss = button(_LEAVE if is_half_mended else "Dismiss")
        fact = Acknowledged.SIDE if is_half_mended else Acknowledged.ALARMS
        dismiss.clicked.connect(lambda: self._bridge.acknowledge(alarm.thread_id, fact))
        title = QHBoxLayout()
        title.addWidget(label("!  " + _ALARMS[alarm.kind], "bad", bold=True), 1)
        title.addWidget(dismiss)
        card.inside.addLayout(title)
        card.inside.addWidget(label(alarm_sentence(alarm), size=0.95))
        card.inside.addWidget(label(dated(alarm.at, "%B %Y, %H:%M:%S"), "muted", size=0.9))
        if actions:
            buttons = QHBoxLayout()
            fill_row(buttons, actions, has_main=False)
            card.inside.addLayout(buttons)
        return card

    def _buttons(self, details: ThreadDetails) -> QHBoxLayout:
        row = QHBoxLayout()
        # If only T3 Code's side needs fixing, the main button is the one for that.
        side = details.row.next_message
        fill_row(row, self.offers(details), not (side and is_ready_only_here(details.row) and self._side_actions(side, details)))
        return row

    def offers(self, details: ThreadDetails) -> list[Action]:
        """Return the actions that are possible now, the recommended one first."""
        row, offered = details.row, details.offered
        thread_id = row.thread.id
        found: list[Action] = []
        if row.verdict.kind is Kind.RESUMABLE and row.session_id:
            found.append(("Resume in Terminal", lambda: self._bridge.open_in_terminal(thread_id)))
        if Remedy.START_SERVER in offered:
            found.append(("Start Server", self._bridge.start_server))
        for remedy in offered:
            found += self._remedy_actions(remedy, details)
        check = "Check Now" if row.verdict.kind is Kind.RESUMABLE else "Check Again"
        found.insert(1, (check, lambda: self._bridge.verify(thread_id)))
        if row.t3:
            found.append(("Open in T3 Code", lambda: self._bridge.open_in_t3code(thread_id)))
        return found

    def _remedy_actions(self, remedy: Remedy, details: ThreadDetails) -> list[Action]:
        thread_id = details.row.thread.id

        def want(choice: Choice) -> Callable[[], None]:
            return lambda: self._preview_remedy(thread_id, choice)

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
        """Ask for the thread's folder; the preview shows whether it is the right one."""
        dialog = QFileDialog(self, "Where Is the Folder Now?", QDir.homePath())
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(
            lambda folder: self._preview_remedy(thread_id, Choice(Remedy.RELOCATE, directory=folder, confirmed=True))
        )
        dialog.open()


def _location(row: ThreadRow) -> str:
    project = row.t3.project if row.t3 else ""
    return f"{project or folder_name(row.thread.directory)} · {row.thread.directory}"


def _title(verdict: Verdict) -> str:
    return NOT_BEGUN if verdict.reason is Reason.NEW else _TITLES[verdict.kind]


def _kind(verdict: Verdict) -> str:
    if verdict.reason is Reason.NEW:
        return "muted"
    if verdict.kind is Kind.BLOCKED:
        return "bad"
    return "unsure" if verdict.kind is Kind.UNKNOWN or verdict_symbol(verdict) == SYMBOL_UNSURE else "good"
