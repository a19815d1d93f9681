"""What a line of the thread list says: read aloud, in a tool tip; and whether it has news for the user. No PySide6 here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from t3tray.domain.pending_request import ApprovalRequest, QuestionRequest
from t3tray.domain.verdict import Kind
from t3tray.messages.verdicts import sentence
from t3tray.threads.snapshot import Snapshot, ThreadRow
from t3tray.ui.labels import VERDICTS, ago_aloud, is_all_well, is_half_fine, reaper_text, reason_label, side_note
from t3tray.ui.threads.thread_list_data import ListItem, ThreadItem, ThreadListData, shown_thread


class RowText:
    """What the user has looked at, until the next snapshot knows it; `now` is for times in words."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self._looked: dict[str, datetime] = {}

    def look(self, line: ThreadItem) -> None:
        """The user looks at this thread as it is now."""
        thread = shown_thread(line)
        self._looked[thread.id] = thread.last_activity_at

    def has_news(self, line: ThreadItem, snapshot: Snapshot) -> bool:
        """Whether something happened since, and is over: what still works has its news when it is done."""
        thread = shown_thread(line)
        return thread.id in snapshot.unread and self._looked.get(thread.id) != thread.last_activity_at


def note(line: ThreadItem) -> str:
    """What is to be said of a thread beside its title, in three words at most; nothing where all is well."""
    if not isinstance(line, ThreadRow):
        return line.provider
    if line.verdict.kind is Kind.BLOCKED:
        return reason_label(line.verdict)
    if line.waits_in_t3:
        return "Waits in T3 Code"
    if line.is_working:
        return "Working"
    if is_half_fine(line) and line.next_message:
        return side_note(line.next_message)
    return "" if is_all_well(line.verdict) else reason_label(line.verdict)


def spoken(line: ListItem, reading: RowText, listing: ThreadListData) -> str:
    """`Refactor the parser, cannot be resumed, missing, 12 min ago`."""
    if isinstance(line, ApprovalRequest | QuestionRequest):
        return line.sentence
    thread = shown_thread(line)
    parts = [" ".join(thread.title.split())]
    if isinstance(line, ThreadRow):
        parts += [VERDICTS[line.verdict.kind].lower(), note(line).lower()]
    else:
        parts.append(f"a thread of {line.provider or 'another provider'}")
    if thread.id in listing.unseen or reading.has_news(line, listing.snapshot):
        parts.append("not seen yet")
    if thread.id in listing.snapshot.guarded:
        parts.append("guarded")
    parts.append(ago_aloud(thread.last_activity_at, reading.now()))
    return ", ".join(part for part in parts if part)


def description(line: ListItem) -> str:
    """The rest, for who wants to hear it."""
    if isinstance(line, ApprovalRequest | QuestionRequest):
        return f"In {line.requester.directory}."
    told = sentence(line.verdict) if isinstance(line, ThreadRow) else "Another provider keeps its memory."
    if isinstance(line, ThreadRow) and line.next_message and not line.next_message.is_fine:
        told = f"{told} {line.next_message.sentence}"
    return f"{told} Folder {shown_thread(line).directory}."


def tool_tip(line: ListItem) -> str:
    if isinstance(line, ApprovalRequest | QuestionRequest):
        return f"{line.sentence}\n{line.requester.directory}"
    thread = shown_thread(line)
    words = [thread.title, thread.directory]
    if isinstance(line, ThreadRow):
        words += [sentence(line.verdict)] if not is_all_well(line.verdict) else []
        words += [line.next_message.sentence] if line.next_message and not line.next_message.is_fine else []
        words += [f"The reaper: {reaper_text(line.reaper)}"] if line.reaper.reap_at else []
    return "\n".join(words)
