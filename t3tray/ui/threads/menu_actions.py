"""Executes what was chosen in the context menu of the thread list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication

from t3tray.domain.link import link_to
from t3tray.domain.remedy import Choice, Remedy
from t3tray.domain.t3code_thread import T3Thread
from t3tray.threads.snapshot import ThreadRow
from t3tray.ui.bridge import Bridge
from t3tray.ui.threads.rename import Rename
from t3tray.ui.threads.thread_list_data import ListItem, shown_thread
from t3tray.ui.threads.thread_menu import resume_command
from t3tray.ui.tray.menu import MenuAction, MenuItem


class ActionWindow(Protocol):
    """What the actions use of the window, which is above this module."""

    rename: Rename

    def show_thread(self, thread_id: str) -> None: ...

    def preview_remedy(self, thread_id: str, choice: Choice) -> None: ...


def run_action(window: ActionWindow, bridge: Bridge, item: MenuItem, listed: Mapping[str, ListItem]) -> None:
    """Execute a menu item. `listed` are all items of the thread list, by their keys."""
    thread_id, subject = item.thread_id, listed.get(item.thread_id)
    row = subject if isinstance(subject, ThreadRow) else None
    match item.action:
        case MenuAction.EXPLAIN:
            window.show_thread(thread_id)
        case MenuAction.RESUME:
            bridge.open_in_terminal(thread_id)
        case MenuAction.REPLY | MenuAction.ANSWER:
            bridge.answer_from_menu(item)
        case MenuAction.OPEN_T3CODE:
            bridge.open_in_t3code(thread_id)
        case MenuAction.OPEN_FOLDER if isinstance(subject, ThreadRow | T3Thread):
            QDesktopServices.openUrl(QUrl.fromLocalFile(shown_thread(subject).directory))
        case MenuAction.ARCHIVE | MenuAction.BRING_BACK:
            bridge.set_archived(thread_id, item.action is MenuAction.ARCHIVE)
        case MenuAction.RENAME if row:
            window.rename.ask(thread_id, row.thread.title)
        case MenuAction.RELEASE:
            window.show_thread(thread_id)
            window.preview_remedy(thread_id, Choice(Remedy.RELEASE))
        case MenuAction.COPY_SESSION if row:
            QGuiApplication.clipboard().setText(row.session_id or "")
        case MenuAction.COPY_COMMAND if row:
            QGuiApplication.clipboard().setText(resume_command(row.session_id or "", row.thread.directory))
        case MenuAction.COPY_LINK:
            QGuiApplication.clipboard().setText(link_to(thread_id))
