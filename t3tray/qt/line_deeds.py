"""Does what was chosen in the menu of a line of the thread list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication

from t3tray.core.domain.remedy import Choice, Remedy
from t3tray.core.services.views import T3Thread, ThreadRow
from t3tray.qt.listing import Line, shown_thread
from t3tray.qt.menu import Deed, Item
from t3tray.qt.thread_menu import resume_command

if TYPE_CHECKING:
    from t3tray.qt.window import MainWindow


def do_deed(window: MainWindow, item: Item, lines: Mapping[str, Line]) -> None:
    """`lines` are all that are listed, by their keys."""
    thread_id, line = item.thread_id, lines.get(item.thread_id)
    row = line if isinstance(line, ThreadRow) else None
    match item.deed:
        case Deed.EXPLAIN:
            window.show_thread(thread_id)
        case Deed.RESUME:
            window.resume_wanted.emit(thread_id)
        case Deed.REPLY:
            window.reply_wanted.emit(item.ask, item.reply)
        case Deed.ANSWER:
            window.answer_wanted.emit(item.ask, item.answers)
        case Deed.OPEN_T3CODE:
            window.t3code_wanted.emit(thread_id)
        case Deed.OPEN_FOLDER if isinstance(line, ThreadRow | T3Thread):
            QDesktopServices.openUrl(QUrl.fromLocalFile(shown_thread(line).directory))
        case Deed.ARCHIVE | Deed.BRING_BACK:
            window.archive_wanted.emit(thread_id, item.deed is Deed.ARCHIVE)
        case Deed.RENAME if row:
            window.rename.ask(thread_id, row.thread.title)
        case Deed.RELEASE:
            window.show_thread(thread_id)
            window.remedy_wanted.emit(thread_id, Choice(Remedy.RELEASE))
        case Deed.COPY_SESSION if row:
            QGuiApplication.clipboard().setText(row.session_id or "")
        case Deed.COPY_COMMAND if row:
            QGuiApplication.clipboard().setText(resume_command(row.session_id or "", row.thread.directory))
