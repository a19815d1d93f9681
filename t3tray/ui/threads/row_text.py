"""Texts of a list item: its note, accessible text and tooltip; and whether the thread is unread. No PySide6 here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from t3tray.domain.pending_request import ApprovalRequest, QuestionRequest
from t3tray.domain.verdict import Kind
from t3tray.messages.pending_requests import request_sentence
from t3tray.messages.t3code_side import next_sentence
from t3tray.messages.verdicts import sentence
from t3tray.threads.snapshot import Snapshot, ThreadRow
from t3tray.ui.labels import VERDICTS, ago_aloud, is_all_well, is_ready_only_here, reaper_text, reason_label, side_note
from t3tray.ui.threads.thread_list_data import ListItem, ThreadItem, ThreadListData, shown_thread


class RowText:
    """Knows which threads the user has viewed since the last snapshot; `now` is the clock for relative times."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self._read_at: dict[str, datetime] = {}

    def mark_read(self, item: ThreadItem) -> None:
        """Note that the user views this thread in its current state."""
        thread = shown_thread(item)
        self._read_at[thread.id] = thread.last_activity_at

    def is_unread(self, item: ThreadItem, snapshot: Snapshot) -> bool:
        """Whether the thread has activity that the user has not viewed. A working thread becomes unread when it is done."""
        thread = shown_thread(item)
        return thread.id in snapshot.unread and self._read_at.get(thread.id) != thread.last_activity_at


def note(item: ThreadItem) -> str:
    """Return the note below a thread's time, in at most three words, "" if all is well."""
    if not isinstance(item, ThreadRow):
        return item.provider
    if item.verdict.kind is Kind.BLOCKED:
        return reason_label(item.verdict)
    if item.waits_in_t3:
        return "Waits in T3 Code"
    if item.is_working:
        return "Working"
    if is_ready_only_here(item) and item.next_message:
        return side_note(item.next_message)
    return "" if is_all_well(item.verdict) else reason_label(item.verdict)


def spoken(item: ListItem, row_text: RowText, list_data: ThreadListData) -> str:
    """Return the accessible text: `Refactor the parser, cannot be resumed, missing, 12 minutes ago`."""
    if isinstance(item, ApprovalRequest | QuestionRequest):
        return request_sentence(item)
    thread = shown_thread(item)
    parts = [" ".join(thread.title.split())]
    if isinstance(item, ThreadRow):
        parts += [VERDICTS[item.verdict.kind].lower(), note(item).lower()]
    else:
        parts.append(f"a thread of {item.provider or 'another provider'}")
    if thread.id in list_data.unseen or row_text.is_unread(item, list_data.snapshot):
        parts.append("not seen yet")
    if thread.id in list_data.snapshot.guarded:
        parts.append("guarded")
    parts.append(ago_aloud(thread.last_activity_at, row_text.now()))
    return ", ".join(part for part in parts if part)


def description(item: ListItem) -> str:
    """Return the accessible description: the verdict's sentence and the folder."""
    if isinstance(item, ApprovalRequest | QuestionRequest):
        return f"In {item.requester.directory}."
    text = sentence(item.verdict) if isinstance(item, ThreadRow) else "Another provider keeps its memory."
    if isinstance(item, ThreadRow) and item.next_message and not item.next_message.is_fine:
        text = f"{text} {next_sentence(item.next_message)}"
    return f"{text} Folder {shown_thread(item).directory}."


def tool_tip(item: ListItem) -> str:
    if isinstance(item, ApprovalRequest | QuestionRequest):
        return f"{request_sentence(item)}\n{item.requester.directory}"
    thread = shown_thread(item)
    lines = [thread.title, thread.directory]
    if isinstance(item, ThreadRow):
        lines += [sentence(item.verdict)] if not is_all_well(item.verdict) else []
        lines += [next_sentence(item.next_message)] if item.next_message and not item.next_message.is_fine else []
        lines += [f"The reaper: {reaper_text(item.reaper)}"] if item.reaper.reap_at else []
    return "\n".join(lines)
