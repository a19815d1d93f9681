"""Output of `t3tray run` for people: one line for each change, with a command to type where one helps. Times are local."""

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
from t3tray.domain.alarm import Alarm
from t3tray.domain.guard_state import GuardPhase
from t3tray.domain.remedy import Remedy
from t3tray.domain.verdict import KIND_OF, Kind, Reason
from t3tray.messages.alarms import alarm_sentence
from t3tray.messages.guard import NO_T3CODE, answer_sentence
from t3tray.messages.pending_requests import request_sentence
from t3tray.messages.t3code_side import next_sentence
from t3tray.messages.verdicts import sentence
from t3tray.threads.remedy_offers import answer_to_alarm
from t3tray.threads.snapshot import Snapshot, ThreadRow

# From this many changes to the same verdict on, one line replaces them all.
_JOINED_FROM = 8
_SHORT_ID = 8
_GUARD = {
    GuardPhase.NO_T3CODE: NO_T3CODE,
    GuardPhase.OFF: "T3 Code is not protected: it can switch a thread to an empty session.",
}


class RunLines:
    """Makes lines of changes. `command` is the command that starts this t3tray from any shell."""

    def __init__(self, command: str) -> None:
        self._command = command
        self._ids: frozenset[str] = frozenset()

    def of(self, changes: Iterable[Change], at: datetime) -> Iterator[str]:
        """Yield the lines for the changes of one snapshot."""
        changes = tuple(changes)
        self._ids |= {change.row.thread.id for change in changes if isinstance(change, ThreadAdded)}
        counts = Counter(change.row.verdict.reason for change in changes if isinstance(change, VerdictChanged))
        for change in changes:
            match change:
                case FirstTable(snapshot):
                    self._ids = frozenset(row.thread.id for row in snapshot.rows)
                    yield text_tables.threads(_shown(snapshot))
                case VerdictChanged(row) if counts[row.verdict.reason] >= _JOINED_FROM:
                    continue
                case _:
                    yield line(*self._text(change), at)
        for reason, count in counts.items():
            if count >= _JOINED_FROM:
                verdicts = {
                    _verdict(each.row)
                    for each in changes
                    if isinstance(each, VerdictChanged) and each.row.verdict.reason is reason
                }
                # A sentence may contain numbers and sessions of its thread: it is used only when it is the same for all.
                text = verdicts.pop() if len(verdicts) == 1 else f"{_mark(reason)} {KIND_OF[reason]} / {reason}."
                yield line("verdict", f"{count} threads: {text} Type: {self._command} threads", at)

    def answer(self, thread_id: str | None, remedy: Remedy | None) -> str:
        """Return the answer to a click on a notification: the command for what it offered."""
        if thread_id is None:
            return f"You clicked a notification. Type: {self._command} threads"
        words = ("remedy", thread_id, remedy.value) if remedy else ("show", thread_id)
        return f"You clicked a notification. {self._typed(*words)}"

    def _text(self, change: Change) -> tuple[str, str]:
        """Return the line's subject and its text."""
        match change:
            case Progress(step):
                return "demo", f"{step}…"
            case ServerChanged():
                return "server", self._server(change)
            case GuardChanged(guard, threads):
                is_on = f"T3 Code is protected: {threads} thread{'' if threads == 1 else 's'}."
                return "guard", guard.sentence or _GUARD.get(guard.phase, is_on)
            case AlarmChanged(alarm, row, True):
                return "alarm", f"{self._titled(alarm, row)}this alarm is over."
            case AlarmChanged(alarm, row):
                return "ALARM", f"{self._titled(alarm, row)}{alarm_sentence(alarm)}{self._type(row, alarm.thread_id)}"
            case RequestChanged(request, True):
                return "ask", f"{request_sentence(request)}: answered, or its turn has ended."
            case RequestChanged(request):
                thread_id = request.requester.thread_id
                return "ask", f"{_ended(request_sentence(request))} {self._typed('attach', thread_id) if thread_id else ''}"
            case MessageRefused(answer, row):
                thread_id = answer.decision.thread_id
                return "guard", f"{_ended(answer_sentence(answer))}{self._type(row, thread_id) if thread_id else ''}"
            case WarningChanged(warning, is_over):
                return "warning", f"Resolved: {warning}" if is_over else warning
            case FirstTable():
                raise AssertionError("the first table has several lines")
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
                return "turn", f"{name}: a turn is running."
            case TurnChanged():
                was_interrupted = row.verdict.reason is Reason.INTERRUPTED
                return "turn", f"{name}: the turn {'was interrupted' if was_interrupted else 'has ended'}."
            case VerdictChanged():
                return "verdict", f"{name}: {_verdict(row)}{self._next(row)}"

    def _server(self, change: ServerChanged) -> str:
        text = text_tables.server(change.server).removeprefix("server").strip()
        return f"{text} · {change.idle_status}" if change.idle_status else text

    def _titled(self, alarm: Alarm, row: ThreadRow | None) -> str:
        return f"{self._name(row)}: " if row else f"{alarm.thread_id}: "

    def _name(self, row: ThreadRow) -> str:
        return f"“{row.thread.title}” ({self._short(row.thread.id)})"

    def _next(self, row: ThreadRow) -> str:
        """Return the command for a thread whose next message does not carry its conversation."""
        is_well = row.verdict.kind is Kind.RESUMABLE and row.is_t3_side_fine
        return "" if is_well else self._type(row, row.thread.id)

    def _type(self, row: ThreadRow | None, thread_id: str) -> str:
        remedy = answer_to_alarm(row.remedies, is_complete=True) if row else None
        words = ("remedy", thread_id, remedy.value) if remedy else ("show", thread_id)
        return f" {self._typed(*words)}"

    def _typed(self, name: str, thread_id: str, *more: str) -> str:
        return f"Type: {' '.join((self._command, name, self._short(thread_id), *more))}"

    def _short(self, thread_id: str) -> str:
        """Return the first characters of an id where they are unambiguous, otherwise the whole id."""
        short = thread_id[:_SHORT_ID]
        return thread_id if any(id.startswith(short) and id != thread_id for id in self._ids) else short


def line(kind: str, text: str, at: datetime) -> str:
    """Return one line; line breaks in titles become spaces."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}  {kind:<7}  {' '.join(text.split())}"


def _ended(sentence: str) -> str:
    """Return the sentence with a full stop where it has no final punctuation."""
    return sentence if sentence.endswith((".", "?", "!", "…")) else f"{sentence}."


def _mark(reason: Reason) -> str:
    return "○" if reason is Reason.NEW else text_tables.MARKS[KIND_OF[reason]]


def _verdict(row: ThreadRow) -> str:
    verdict = row.verdict
    text = f"{_mark(verdict.reason)} {verdict.kind} / {verdict.reason}: {sentence(verdict)}"
    in_t3 = row.next_message
    if verdict.kind is Kind.RESUMABLE and in_t3 and not in_t3.is_fine:
        return f"{text} In T3 Code: {next_sentence(in_t3)}"
    return text


def _shown(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot without archived threads."""
    return replace(
        snapshot,
        rows=tuple(row for row in snapshot.rows if not row.is_archived),
        foreign=tuple(thread for thread in snapshot.foreign if thread.archived_at is None),
    )
