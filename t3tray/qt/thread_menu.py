"""What can be done with one line of the thread list, as plain values. No PySide6 here."""

from __future__ import annotations

import shlex

from t3tray.core.domain.ask import Approval, Inquiry
from t3tray.core.domain.thread import Source
from t3tray.core.domain.verdict import Kind, Reason
from t3tray.core.services.views import T3Thread, ThreadRow
from t3tray.qt.listing import Line
from t3tray.qt.menu import SEPARATOR, Deed, Item, answering

_NO_SESSION = "No session is recorded for this thread."
_NOT_PROVED = "Its session cannot be resumed now. Open the thread to see why."
_NO_FOLDER = "The folder no longer exists."
_THEIRS = "T3 Code shows this thread, so this is done there."
_OTHERS = "Another provider keeps this thread's memory."


def line_menu(line: Line) -> tuple[Item, ...]:
    """The context menu; what cannot be done stands there with the reason."""
    if isinstance(line, Approval | Inquiry):
        return answering(line)
    return _foreign(line) if isinstance(line, T3Thread) else _own(line)


def resume_command(session_id: str, directory: str) -> str:
    """What resumes a session in a terminal, from any folder."""
    return shlex.join(["opencode", directory, "--session", session_id])


def _own(row: ThreadRow) -> tuple[Item, ...]:
    thread, session = row.thread, row.session_id
    is_theirs = thread.source is Source.T3CODE
    may_resume = "" if row.verdict.kind is Kind.RESUMABLE and session else _NOT_PROVED
    t3code = (Item("Open in T3 Code", Deed.OPEN_T3CODE, thread.id),) if row.t3 else ()
    folder_gone = _NO_FOLDER if row.verdict.reason is Reason.DIRECTORY_MISSING else ""
    theirs = _THEIRS if is_theirs else ""
    archive = Item("Bring Back", Deed.BRING_BACK, thread.id, why=theirs)
    if thread.archived_at is None:
        archive = Item("Archive", Deed.ARCHIVE, thread.id, why=theirs)
    return (
        Item("Show", Deed.EXPLAIN, thread.id),
        Item("Open in Terminal", Deed.RESUME, thread.id, why=may_resume),
        *t3code,
        Item("Open Folder", Deed.OPEN_FOLDER, thread.id, why=folder_gone),
        SEPARATOR,
        Item("Copy Session Id", Deed.COPY_SESSION, thread.id, why="" if session else _NO_SESSION),
        Item("Copy Resume Command", Deed.COPY_COMMAND, thread.id, why="" if session else _NO_SESSION),
        SEPARATOR,
        Item("Rename…", Deed.RENAME, thread.id, why=theirs),
        archive,
        Item("Release…", Deed.RELEASE, thread.id, why="" if session else _NO_SESSION),
    )


def _foreign(thread: T3Thread) -> tuple[Item, ...]:
    return (
        Item("Show", Deed.EXPLAIN, thread.id),
        Item("Open in Terminal", Deed.RESUME, thread.id, why=_OTHERS),
        Item("Open in T3 Code", Deed.OPEN_T3CODE, thread.id),
        Item("Open Folder", Deed.OPEN_FOLDER, thread.id),
    )
