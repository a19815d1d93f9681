"""What `t3tray run` tells people: one line for each change, with the command to type where there is one. Times are local."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from t3tray.backend.snapshot_changes import (
    AlarmChanged,
    Change,
    FirstTable,
    GuardChanged,
    MessageRefused,
    Progress,
    RequestChanged,
    ServerChanged,
    ThreadAdded,
    ThreadChange,
    ThreadRemoved,
    TurnChanged,
    VerdictChanged,
    WarningChanged,
)
from t3tray.cli import text_tables
from t3tray.domain.alarm import Alarm, alarm_sentence
from t3tray.domain.guard_state import GuardPhase
from t3tray.domain.remedy import Remedy
from t3tray.domain.verdict import KIND_OF, Kind, Reason
from t3tray.messages.guard import told_sentence
from t3tray.messages.verdicts import sentence
from t3tray.threads.remedy_offers import answer_to_alarm
from t3tray.threads.snapshot import Snapshot, ThreadRow

# From how many of one reason on threads are told together.
_JOINED_FROM = 8
_SHORT_ID = 8
_GUARD = {
    GuardPhase.NO_T3CODE: "There is no T3 Code to protect.",
    GuardPhase.OFF: "T3 Code is not protected: it can switch a thread to an empty session.",
}


class RunLines:
    """`command` is what a person types for `t3tray`, in any shell."""

    def __init__(self, command: str) -> None:
        self._command = command
        self._ids: frozenset[str] = frozenset()

    def of(self, changes: Iterable[Change], at: datetime) -> Iterator[str]:
        """The lines of what one look showed."""
        told = tuple(changes)
        self._ids |= {change.row.thread.id for change in told if isinstance(change, ThreadAdded)}
        counted = Counter(change.row.verdict.reason for change in told if isinstance(change, VerdictChanged))
        for change in told:
            match change:
                case FirstTable(snapshot):
                    self._ids = frozenset(row.thread.id for row in snapshot.rows)
                    yield text_tables.threads(_shown(snapshot))
                case VerdictChanged(row) if counted[row.verdict.reason] >= _JOINED_FROM:
                    continue
                case _:
                    yield line(*self._told(change), at)
        for reason, count in counted.items():
            if count >= _JOINED_FROM:
                of_all = {
                    _verdict(each.row) for each in told if isinstance(each, VerdictChanged) and each.row.verdict.reason is reason
                }
                # What is said of one thread is not so of another: numbers and sessions stand in it.
                said = of_all.pop() if len(of_all) == 1 else f"{_mark(reason)} {KIND_OF[reason]} / {reason}."
                yield line("verdict", f"{count} threads: {said} Type: {self._command} threads", at)

    def answer(self, thread_id: str | None, remedy: Remedy | None) -> str:
        """What to type for what a notice offered."""
        if thread_id is None:
            return f"You clicked on a notice. Type: {self._command} threads"
        words = ("remedy", thread_id, remedy.value) if remedy else ("show", thread_id)
        return f"You clicked on a notice. {self._typed(*words)}"

    def _told(self, change: Change) -> tuple[str, str]:
        """What it is about, and what is so."""
        match change:
            case Progress(words):
                return "demo", f"{words}…"
            case ServerChanged():
                return "server", self._server(change)
            case GuardChanged(guard, threads):
                guarding = f"T3 Code is protected: {threads} thread{'' if threads == 1 else 's'}."
                return "guard", guard.sentence or _GUARD.get(guard.phase, guarding)
            case AlarmChanged(alarm, row, True):
                return "alarm", f"{self._titled(alarm, row)}this alarm is over."
            case AlarmChanged(alarm, row):
                return "ALARM", f"{self._titled(alarm, row)}{alarm_sentence(alarm)}{self._type(row, alarm.thread_id)}"
            case RequestChanged(ask, True):
                return "ask", f"{ask.sentence}: this is answered, or its turn has ended."
            case RequestChanged(ask):
                thread_id = ask.asker.thread_id
                return "ask", f"{_ended(ask.sentence)} {self._typed('attach', thread_id) if thread_id else ''}"
            case MessageRefused(told, row):
                thread_id = told.decision.thread_id
                return "guard", f"{_ended(told_sentence(told))}{self._type(row, thread_id) if thread_id else ''}"
            case WarningChanged(words, is_over):
                return "warning", f"This is over: {words}" if is_over else words
            case FirstTable():
                raise AssertionError("a table is no line")
            case _:
                return self._of_thread(change)

    def _of_thread(self, change: ThreadChange) -> tuple[str, str]:
        row, name = change.row, self._name(change.row)
        match change:
            case ThreadAdded():
                return "thread", f"{name} is new: {_verdict(row)}"
            case ThreadRemoved(_, archived):
                return "thread", f"{name} {'was archived' if archived else 'is gone'}."
            case TurnChanged(_, True):
                return "turn", f"{name}: a turn runs."
            case TurnChanged():
                broke_off = row.verdict.reason is Reason.INTERRUPTED
                return "turn", f"{name}: the turn {'broke off' if broke_off else 'has ended'}."
            case VerdictChanged():
                return "verdict", f"{name}: {_verdict(row)}{self._next(row)}"

    def _server(self, change: ServerChanged) -> str:
        told = text_tables.server(change.server).removeprefix("server").strip()
        return f"{told} · {change.resting}" if change.resting else told

    def _titled(self, alarm: Alarm, row: ThreadRow | None) -> str:
        return f"{self._name(row)}: " if row else f"{alarm.thread_id}: "

    def _name(self, row: ThreadRow) -> str:
        return f"“{row.thread.title}” ({self._short(row.thread.id)})"

    def _next(self, row: ThreadRow) -> str:
        """What to type for a thread that does not go on as it is."""
        is_well = row.verdict.kind is Kind.RESUMABLE and row.is_t3_side_fine
        return "" if is_well else self._type(row, row.thread.id)

    def _type(self, row: ThreadRow | None, thread_id: str) -> str:
        remedy = answer_to_alarm(row.remedies, is_complete=True) if row else None
        words = ("remedy", thread_id, remedy.value) if remedy else ("show", thread_id)
        return f" {self._typed(*words)}"

    def _typed(self, name: str, thread_id: str, *more: str) -> str:
        return f"Type: {' '.join((self._command, name, self._short(thread_id), *more))}"

    def _short(self, thread_id: str) -> str:
        """The beginning of an id, where it fits no other."""
        short = thread_id[:_SHORT_ID]
        return thread_id if any(id.startswith(short) and id != thread_id for id in self._ids) else short


def line(kind: str, text: str, at: datetime) -> str:
    """One line, whatever stands in a title."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}  {kind:<7}  {' '.join(text.split())}"


def _ended(sentence: str) -> str:
    """With a full stop, where it ends without one."""
    return sentence if sentence.endswith((".", "?", "!", "…")) else f"{sentence}."


def _mark(reason: Reason) -> str:
    return "○" if reason is Reason.NEW else text_tables.MARKS[KIND_OF[reason]]


def _verdict(row: ThreadRow) -> str:
    verdict = row.verdict
    told = f"{_mark(verdict.reason)} {verdict.kind} / {verdict.reason}: {sentence(verdict)}"
    side = row.next_message
    if verdict.kind is Kind.RESUMABLE and side and not side.is_fine:
        return f"{told} In T3 Code: {side.sentence}"
    return told


def _shown(snapshot: Snapshot) -> Snapshot:
    """Without what is put away."""
    return replace(
        snapshot,
        rows=tuple(row for row in snapshot.rows if not row.is_archived),
        foreign=tuple(thread for thread in snapshot.foreign if thread.archived_at is None),
    )
