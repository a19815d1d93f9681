"""Executes what was chosen in the context menu of the thread list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from PySide6.QtCore import QUrl, SignalInstance
from PySide6.QtGui import QDesktopServices, QGuiApplication

from t3tray.domain.remedy import Choice, Remedy
from t3tray.domain.t3code_thread import T3Thread
from t3tray.threads.snapshot import ThreadRow
from t3tray.ui.threads.rename import Rename
from t3tray.ui.threads.thread_list_data import ListItem, shown_thread
from t3tray.ui.threads.thread_menu import resume_command
from t3tray.ui.tray.menu import MenuAction, MenuItem


class ActionWindow(Protocol):
    """The part of the main window that the actions need."""

    resume_wanted: SignalInstance
    reply_wanted: SignalInstance
    answer_wanted: SignalInstance
    t3code_wanted: SignalInstance
    archive_wanted: SignalInstance
    remedy_wanted: SignalInstance
    rename: Rename

    def show_thread(self, thread_id: str) -> None: ...


def run_action(window: ActionWindow, item: MenuItem, listed: Mapping[str, ListItem]) -> None:
    """Execute a menu item. `listed` are all items of the thread list, by their keys."""
    thread_id, subject = item.thread_id, listed.get(item.thread_id)
    row = subject if isinstance(subject, ThreadRow) else None
    match item.action:
        case MenuAction.EXPLAIN:
            window.show_thread(thread_id)
        case MenuAction.RESUME:
            window.resume_wanted.emit(thread_id)
        case MenuAction.REPLY:
            window.reply_wanted.emit(item.request, item.reply)
        case MenuAction.ANSWER:
            window.answer_wanted.emit(item.request, item.answers)
        case MenuAction.OPEN_T3CODE:
            window.t3code_wanted.emit(thread_id)
        case MenuAction.OPEN_FOLDER if isinstance(subject, ThreadRow | T3Thread):
            QDesktopServices.openUrl(QUrl.fromLocalFile(shown_thread(subject).directory))
        case MenuAction.ARCHIVE | MenuAction.BRING_BACK:
            window.archive_wanted.emit(thread_id, item.action is MenuAction.ARCHIVE)
        case MenuAction.RENAME if row:
            window.rename.ask(thread_id, row.thread.title)
        case MenuAction.RELEASE:
            window.show_thread(thread_id)
            window.remedy_wanted.emit(thread_id, Choice(Remedy.RELEASE))
        case MenuAction.COPY_SESSION if row:
            QGuiApplication.clipboard().setText(row.session_id or "")
        case MenuAction.COPY_COMMAND if row:
            QGuiApplication.clipboard().setText(resume_command(row.session_id or "", row.thread.directory))
