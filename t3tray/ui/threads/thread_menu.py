"""The context menu of the thread list, as plain values. No PySide6 here."""

from __future__ import annotations

import shlex

from t3tray.domain.link import link_to
from t3tray.domain.pending_request import ApprovalRequest, QuestionRequest
from t3tray.domain.t3code_thread import T3Thread
from t3tray.domain.thread import Source
from t3tray.domain.verdict import Kind, Reason
from t3tray.messages.thread_names import NO_LINK_TO_THREAD
from t3tray.threads.snapshot import ThreadRow
from t3tray.ui.threads.thread_list_data import ListItem
from t3tray.ui.tray.menu import SEPARATOR, MenuAction, MenuItem, answering

_NO_SESSION = "No session is recorded for this thread."
_NOT_PROVED = "Its session cannot be resumed now. Open the thread to see why."
_NO_FOLDER = "The folder no longer exists."
_THEIRS = "T3 Code shows this thread, so this is done there."
_OTHERS = "Another provider keeps this thread's memory."


def item_menu(item: ListItem) -> tuple[MenuItem, ...]:
    """Return the context menu; entries that are not possible are disabled, with the reason."""
    if isinstance(item, ApprovalRequest | QuestionRequest):
        return answering(item)
    return _foreign(item) if isinstance(item, T3Thread) else _own(item)


def resume_command(session_id: str, directory: str) -> str:
    """Return the shell command that resumes a session from any folder."""
    return shlex.join(["opencode", directory, "--session", session_id])


def _own(row: ThreadRow) -> tuple[MenuItem, ...]:
    thread, session = row.thread, row.session_id
    is_theirs = thread.source is Source.T3CODE
    may_resume = "" if row.verdict.kind is Kind.RESUMABLE and session else _NOT_PROVED
    t3code = (MenuItem("Open in T3 Code", MenuAction.OPEN_T3CODE, thread.id),) if row.t3 else ()
    folder_gone = _NO_FOLDER if row.verdict.reason is Reason.DIRECTORY_MISSING else ""
    theirs = _THEIRS if is_theirs else ""
    archive = MenuItem("Bring Back", MenuAction.BRING_BACK, thread.id, why=theirs)
    if thread.archived_at is None:
        archive = MenuItem("Archive", MenuAction.ARCHIVE, thread.id, why=theirs)
    return (
        MenuItem("Show", MenuAction.EXPLAIN, thread.id),
        MenuItem("Open in Terminal", MenuAction.RESUME, thread.id, why=may_resume),
        *t3code,
        MenuItem("Open Folder", MenuAction.OPEN_FOLDER, thread.id, why=folder_gone),
        SEPARATOR,
        MenuItem("Copy Session Id", MenuAction.COPY_SESSION, thread.id, why="" if session else _NO_SESSION),
        MenuItem("Copy Resume Command", MenuAction.COPY_COMMAND, thread.id, why="" if session else _NO_SESSION),
        _copy_link(thread.id),
        SEPARATOR,
        MenuItem("Rename…", MenuAction.RENAME, thread.id, why=theirs),
        archive,
        MenuItem("Unbind the Session…", MenuAction.RELEASE, thread.id, why="" if session else _NO_SESSION),
    )


def _foreign(thread: T3Thread) -> tuple[MenuItem, ...]:
    return (
        MenuItem("Show", MenuAction.EXPLAIN, thread.id),
        MenuItem("Open in Terminal", MenuAction.RESUME, thread.id, why=_OTHERS),
        MenuItem("Open in T3 Code", MenuAction.OPEN_T3CODE, thread.id),
        MenuItem("Open Folder", MenuAction.OPEN_FOLDER, thread.id),
        SEPARATOR,
        _copy_link(thread.id),
    )


def _copy_link(thread_id: str) -> MenuItem:
    return MenuItem("Copy Link", MenuAction.COPY_LINK, thread_id, why="" if link_to(thread_id) else NO_LINK_TO_THREAD)
