"""The window's way to the backend: a method calls the backend in the asyncio thread, a signal carries the result.

How that crosses between the threads is in `async_thread`.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot

from t3tray.backend.running import OpenBackend
from t3tray.domain.alarm import Acknowledged
from t3tray.domain.conversation import Conversation
from t3tray.domain.notification import Click
from t3tray.domain.pending_request import Answers, ApprovalRequest, QuestionRequest, Reply
from t3tray.domain.remedy import Choice, Preview
from t3tray.domain.restore import SettlePlan
from t3tray.domain.verification import OpenResult
from t3tray.errors import OurBug, T3TrayError
from t3tray.guard.status import GuardStatus
from t3tray.settings.definitions import LOGIN
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.async_thread import AsyncThread
from t3tray.ui.labels import (
    CHECKING,
    CREATING,
    DIAGNOSING,
    PREVIEWING,
    RESTARTING,
    RESUMING,
    STARTING,
    doing,
    opened_note,
    stopped,
)
from t3tray.ui.threads.thread_list_data import ThreadListData, brief_of, thread_list_data
from t3tray.ui.tray.menu import RECENT, MenuAction, MenuItem

if TYPE_CHECKING:
    from t3tray.backend.backend import Backend


class Bridge(AsyncThread):
    """One for the app's life. Each method asks the backend for something; what came of it is a signal.

    `snapshot`, `listing` (its list data) and `brief` (what the tray's menu shows of it) are the newest, made in the asyncio
    thread. Signals, with what they carry: `noted`, a sentence; `copy_wanted`, a text for the clipboard; `failed`, a T3TrayError;
    `previewed` and `remedied`, a thread's id and the preview of a remedy, or of what it did; `setting_saved`, a setting's name
    and all settings; `setting_refused`, its name and why; `diagnosed`, a text to be sent; `saying_found`, a text and the ids of
    the threads that hold it; `search_failed`, the text and an error; `notice_clicked`, a `Click`; `sent` and `refused`, a
    thread's id and the text, or the error; `answer_failed`, the id of a request and the error; `protection_previewed`, what the
    guard would change; `protection_changed`, the guard's status; `settling_planned`, what settling a restore would do, None if
    there is none; `permission_asked`, why the system asks now whether t3tray may show notifications.
    """

    snapshot_changed = Signal(object)
    details_changed = Signal(object)
    resumed = Signal(object)
    setting_saved = Signal(str, object)
    setting_refused = Signal(str, str)
    inventory_taken = Signal(object)
    autostart_changed = Signal(object)
    diagnosed = Signal(str)
    previewed = Signal(str, object, object)
    remedied = Signal(str, object)
    thread_made = Signal(str)
    saying_found = Signal(str, object)
    search_failed = Signal(str, object)
    notice_clicked = Signal(object)
    protection_previewed = Signal(object)
    protection_changed = Signal(object)
    settling_planned = Signal(object)
    settled = Signal()
    noted = Signal(str)
    permission_asked = Signal(str)
    copy_wanted = Signal(str)
    conversation_changed = Signal(object)
    sent = Signal(str, str)
    refused = Signal(str, object)
    answer_failed = Signal(str, object)
    _conversation_waits = Signal()

    def __init__(self, open_backend: OpenBackend) -> None:
        super().__init__(open_backend)
        self.snapshot: Snapshot | None = None
        self.listing: ThreadListData | None = None
        self.brief: Snapshot | None = None
        self._following: asyncio.Task[None] | None = None
        self._newest: Conversation | None = None
        self._conversation_waits.connect(self._on_conversation_waits, Qt.ConnectionType.QueuedConnection)

    def announce_permission(self) -> None:
        """Emit `permission_asked` from now on."""

        async def subscribe(backend: Backend) -> None:
            backend.permission_asked = self.permission_asked.emit

        self._ask(subscribe, quiet=True)

    def read_details(self, thread_id: str) -> None:
        self._ask(lambda backend: backend.details.read(thread_id), self.details_changed.emit, quiet=True)

    def verify(self, thread_id: str) -> None:
        self._ask(lambda backend: backend.prompting.verify(thread_id), self.resumed.emit, words=CHECKING)

    def open_in_terminal(self, thread_id: str) -> None:
        self._ask(lambda backend: backend.open_in_terminal(thread_id), self.resumed.emit, words=RESUMING)

    def open_in_t3code(self, thread_id: str) -> None:
        def on_result(opened: OpenResult) -> None:
            if opened.title:
                self.copy_wanted.emit(opened.title)
            self.noted.emit(opened_note(opened))

        self._ask(lambda backend: backend.open_in_t3code(thread_id), on_result)

    def watch(self, thread_id: str) -> None:
        """The user has this thread on screen, in front; with an empty id, none."""
        self._ask(lambda backend: backend.watch(thread_id), quiet=True)

    def acknowledge(self, thread_id: str, fact: Acknowledged) -> None:
        self._ask(lambda backend: backend.acknowledge(thread_id, fact))

    def visit(self, thread_id: str, activity_at: datetime) -> None:
        """The user has seen this thread, whose last activity was then; stored also when the app ends at once."""
        self._finish_in_any_case(lambda backend: backend.upkeep.visit(thread_id, activity_at))

    def start_server(self) -> None:
        self._ask(lambda backend: backend.start_server(), words=STARTING, on_stop=self.stop_server)

    def stop_server(self) -> None:
        self._ask(lambda backend: backend.server.stop())

    def restart_server(self) -> None:
        self._ask(lambda backend: backend.restart_server(), words=RESTARTING, on_stop=self.stop_server)

    def run_server_action(self, action: MenuAction) -> None:
        """Start, stop or restart the server."""
        {
            MenuAction.START: self.start_server,
            MenuAction.STOP: self.stop_server,
            MenuAction.RESTART: self.restart_server,
        }[action]()

    def preview(self, thread_id: str, choice: Choice) -> None:
        self._ask(
            lambda backend: backend.remedies.preview(thread_id, choice),
            lambda preview: self.previewed.emit(thread_id, choice, preview),
            words=PREVIEWING,
        )

    def apply(self, thread_id: str, choice: Choice, seen: Preview) -> None:
        def on_result(done: Preview) -> None:
            self.remedied.emit(thread_id, done)
            self.read_details(thread_id)

        self._ask(lambda backend: backend.remedies.apply(thread_id, choice, seen), on_result, words=doing(choice.remedy))

    def preview_protection(self, on: bool) -> None:
        """Ask what the guard would change, and whether t3tray starts at login: without it, T3 Code could not reach OpenCode
        then."""
        self._ask(lambda backend: backend.guard.service.plan(on), self.protection_previewed.emit)
        self.read_autostart()

    def protect(self, on: bool, despite_running: bool, at_login: bool) -> None:
        def on_result(status: GuardStatus) -> None:
            self.protection_changed.emit(status)
            if at_login:
                self.set_autostart(True)

        self._ask(lambda backend: backend.guard.protect(on, despite_running), on_result)

    def plan_settling(self) -> None:
        """Ask what settling the restore of our own data would do."""
        self._ask(lambda backend: backend.restoring.plan(), self.settling_planned.emit)

    def settle(self, seen: SettlePlan) -> None:
        self._ask(lambda backend: backend.settle_restore(seen), lambda _: self.settled.emit())

    def new_thread(self, directory: str, title: str) -> None:
        self._ask(lambda backend: backend.new_thread(directory, title), self.thread_made.emit, words=CREATING)

    def change_setting(self, name: str, value: object) -> None:
        self._ask(
            lambda backend: backend.change_setting(name, value),
            lambda settings: self.setting_saved.emit(name, settings),
            lambda error: self.setting_refused.emit(name, error.message),
        )

    def read_autostart(self) -> None:
        self._ask(lambda backend: backend.autostart(), self.autostart_changed.emit)

    def set_autostart(self, is_on: bool) -> None:
        self._ask(
            lambda backend: backend.set_autostart(is_on),
            self.autostart_changed.emit,
            lambda error: self.setting_refused.emit(LOGIN.name, error.message),
        )

    def take_inventory(self) -> None:
        self._ask(lambda backend: backend.take_inventory(), self.inventory_taken.emit)

    def open_data_folder(self) -> None:
        self._ask(lambda backend: backend.open_data_folder())

    def diagnose(self, face: tuple[str, ...]) -> None:
        """`face` are lines about the window's side."""
        self._ask(lambda backend: backend.inspection.diagnostics(face), self.diagnosed.emit, words=DIAGNOSING)

    def stop_work(self, number: int) -> None:
        """Cancel work that takes long, and say what it was."""

        def stop() -> None:
            if work := self._working.stop(number):
                self.noted.emit(stopped(work.words))

        self.hand_over(stop)

    def rename(self, thread_id: str, title: str) -> None:
        self._ask(lambda backend: backend.rename(thread_id, title))

    def set_archived(self, thread_id: str, archived: bool) -> None:
        self._ask(lambda backend: backend.set_archived(thread_id, archived))

    def search(self, text: str) -> None:
        self._ask(
            lambda backend: backend.search(text),
            lambda found: self.saying_found.emit(text, found),
            lambda error: self.search_failed.emit(text, error),
            quiet=True,
        )

    def follow(self, thread_id: str) -> None:
        """Publish this thread's conversation from now on, in place of the one before; "" for none."""

        def begin() -> None:
            if self._following:
                self._following.cancel()
            publish = self._publish_conversation
            self._following = (
                self._begin(lambda backend: backend.conversations.follow(thread_id, publish), quiet=True) if thread_id else None
            )

        self.hand_over(begin)

    def show_older(self) -> None:
        self._ask(lambda backend: backend.conversations.show_older())

    def show_agent(self, session_id: str) -> None:
        self._ask(lambda backend: backend.conversations.show_agent(session_id))

    def send(self, thread_id: str, text: str, despite_others: bool) -> None:
        self._ask(
            lambda backend: backend.conversations.send(thread_id, text, despite_others),
            lambda _: self.sent.emit(thread_id, text),
            lambda error: self.refused.emit(thread_id, error),
        )

    def stop_turn(self, thread_id: str) -> None:
        self._ask(lambda backend: backend.conversations.stop_turn(thread_id))

    def save_draft(self, thread_id: str, text: str) -> None:
        """Store what was typed; also when the app ends at once."""
        self._finish_in_any_case(lambda backend: backend.conversations.save_draft(thread_id, text))

    def reply(self, request: ApprovalRequest, reply: Reply) -> None:
        def on_error(error: T3TrayError) -> None:
            self._emit_unanswered(request.id, error)

        self._ask(lambda backend: backend.conversations.reply(request, reply), self._emit_note, on_error)

    def answer(self, request: QuestionRequest, answers: Answers | None) -> None:
        def on_error(error: T3TrayError) -> None:
            self._emit_unanswered(request.id, error)

        self._ask(lambda backend: backend.conversations.answer(request, answers), self._emit_note, on_error)

    def answer_from_menu(self, item: MenuItem) -> None:
        """Give the answer that an entry of a menu stands for."""
        if isinstance(item.request, ApprovalRequest) and item.reply:
            self.reply(item.request, item.reply)
        elif isinstance(item.request, QuestionRequest):
            self.answer(item.request, item.answers)

    def _emit_note(self, sentence: str) -> None:
        if sentence:
            self.noted.emit(sentence)

    def _emit_unanswered(self, request_id: str, error: T3TrayError) -> None:
        self.answer_failed.emit(request_id, error)
        if not isinstance(error, OurBug):  # that is reported already
            self.failed.emit(error)

    def _publish_conversation(self, conversation: Conversation) -> None:
        """Only the newest conversation waits for the GUI: one that is busy finds one, not many."""
        was_taken, self._newest = self._newest is None, conversation
        if was_taken:
            self._conversation_waits.emit()

    @Slot()
    def _on_conversation_waits(self) -> None:
        newest, self._newest = self._newest, None
        if newest:
            self.conversation_changed.emit(newest)

    def _publish(self, snapshot: Snapshot) -> None:
        if snapshot != self.snapshot:
            self.snapshot = snapshot
            # Not in the GUI thread: at first, for many threads, it takes longer than a frame.
            self.listing = thread_list_data(snapshot, self.listing)
            self.brief = brief_of(self.listing, RECENT)
            self.snapshot_changed.emit(snapshot)

    def _emit_click(self, click: Click) -> None:
        self.notice_clicked.emit(click)
