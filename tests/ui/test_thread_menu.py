"""The context menu of the list: the possible actions, and the reasons for disabled ones."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from pytestqt.qtbot import QtBot

from t3tray.domain.pending_request import ApprovalRequest, Reply
from t3tray.domain.remedy import Choice, Remedy
from t3tray.domain.verdict import Reason
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.threads.thread_list_data import ListItem
from t3tray.ui.threads.thread_menu import item_menu, resume_command
from t3tray.ui.tray.menu import MenuAction, MenuItem
from t3tray.ui.window import MainWindow
from tests.support.asked import Asked
from tests.support.views import NOON, READY, archived, in_t3, requester, row, t3_thread

OURS, THEIRS, FOREIGN = row("a"), in_t3(row("b")), t3_thread("c", "codex")
APPROVAL = ApprovalRequest("per_1", requester("a"), "bash", ("git push",))


def item(line: ListItem, action: MenuAction) -> MenuItem:
    return next(found for found in item_menu(line) if found.action is action)


@pytest.fixture
def window(qtbot: QtBot, recorded: Asked) -> MainWindow:
    made = MainWindow(recorded.bridge, lambda: NOON)
    qtbot.addWidget(made)
    made.show_snapshot(Snapshot(READY, (OURS, THEIRS), (FOREIGN,)))
    made.show()
    return made


def test_our_own_thread_can_have_everything_done_to_it() -> None:
    assert [(found.label, found.why) for found in item_menu(OURS) if found.label] == [
        ("Show", ""),
        ("Open in Terminal", ""),
        ("Open Folder", ""),
        ("Copy Session Id", ""),
        ("Copy Resume Command", ""),
        ("Copy Link", ""),
        ("Rename…", ""),
        ("Archive", ""),
        ("Unbind the Session…", ""),
    ]


def test_what_t3_code_shows_is_renamed_and_archived_there() -> None:
    assert all("T3 Code" in item(THEIRS, action).why for action in (MenuAction.RENAME, MenuAction.ARCHIVE))
    assert not item(THEIRS, MenuAction.OPEN_T3CODE).why
    assert not any(found.action is MenuAction.OPEN_T3CODE for found in item_menu(OURS))


def test_what_cannot_be_done_says_why() -> None:
    assert item(row("a", Reason.MISSING), MenuAction.RESUME).why
    assert "folder" in item(row("a", Reason.DIRECTORY_MISSING), MenuAction.OPEN_FOLDER).why
    unbound = replace(row("a", Reason.UNBOUND), session_id=None)
    assert all(
        item(unbound, action).why
        for action in (MenuAction.COPY_SESSION, MenuAction.COPY_COMMAND, MenuAction.RELEASE, MenuAction.RESUME)
    )
    assert item(FOREIGN, MenuAction.RESUME).why
    assert "link" in item(row("a/b"), MenuAction.COPY_LINK).why


def test_what_was_archived_can_be_brought_back() -> None:
    assert item(archived(OURS), MenuAction.BRING_BACK).label == "Bring Back"


def test_the_resume_command_survives_any_folder() -> None:
    command = resume_command("ses_1", "/home/dev/it's here; rm -rf")
    assert shlex.split(command) == ["opencode", "/home/dev/it's here; rm -rf", "--session", "ses_1"]


def test_copies_are_in_the_clipboard(window: MainWindow) -> None:
    window.threads.picked.emit(item(OURS, MenuAction.COPY_SESSION))
    assert QGuiApplication.clipboard().text() == "ses_a"
    window.threads.picked.emit(item(OURS, MenuAction.COPY_COMMAND))
    assert QGuiApplication.clipboard().text() == "opencode /home/dev/a --session ses_a"
    for line, link in ((OURS, "t3tray://thread/a"), (THEIRS, "t3tray://thread/b"), (FOREIGN, "t3tray://thread/c")):
        window.threads.picked.emit(item(line, MenuAction.COPY_LINK))
        assert QGuiApplication.clipboard().text() == link


@pytest.mark.parametrize(
    ("chosen", "call"),
    [
        (item(OURS, MenuAction.RESUME), ("open_in_terminal", "a")),
        (item(THEIRS, MenuAction.OPEN_T3CODE), ("open_in_t3code", "b")),
        (item(OURS, MenuAction.ARCHIVE), ("set_archived", "a", True)),
        (item(archived(OURS), MenuAction.BRING_BACK), ("set_archived", "a", False)),
        (item(OURS, MenuAction.RELEASE), ("remedies.preview", "a", Choice(Remedy.RELEASE))),
        (item_menu(APPROVAL)[2], ("conversations.reply", APPROVAL, Reply.REJECT)),
    ],
)
def test_what_is_chosen_is_asked_of_the_backend(
    window: MainWindow, recorded: Asked, chosen: MenuItem, call: tuple[str, *tuple[object, ...]]
) -> None:
    window.threads.picked.emit(chosen)
    recorded.wait_for(*call)


def test_a_new_title_is_asked_for_and_passed_on(window: MainWindow, recorded: Asked) -> None:
    window.threads.picked.emit(item(OURS, MenuAction.RENAME))
    assert window.rename.isVisible() and window.rename.title.text() == "Thread a"
    window.rename.title.setText("  ")
    assert not window.rename.confirm.isEnabled()
    window.rename.title.setText(" Parser ")
    window.rename.confirm.click()
    recorded.wait_for("rename", "a", "Parser")


def test_the_folder_is_opened_by_the_desktop(qtbot: QtBot, window: MainWindow) -> None:
    opened: list[QUrl] = []

    class Desktop(QObject):
        @Slot(QUrl)
        def open(self, url: QUrl) -> None:
            opened.append(url)

    desktop = Desktop()
    QDesktopServices.setUrlHandler("file", desktop, "open")  # type: ignore[arg-type]  # PySide takes a str; its stub says bytes
    try:
        window.threads.picked.emit(item(FOREIGN, MenuAction.OPEN_FOLDER))
    finally:
        QDesktopServices.unsetUrlHandler("file")
    assert [found.toLocalFile() for found in opened] == ["/home/dev/c"]
