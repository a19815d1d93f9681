"""The one way between the GUI and the asyncio thread: frozen values come as queued signals, the user's intents go as coroutines.

It owns the thread and its loop. Nothing here waits on the GUI thread, but `join` at the very end.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot

from t3tray.core.domain.ask import Answers, Approval, Inquiry, Reply
from t3tray.core.domain.conversation import Conversation
from t3tray.core.domain.notice import Click
from t3tray.core.domain.remedy import Choice, Preview
from t3tray.core.errors import OurBug, T3TrayError
from t3tray.core.services.views import Opened, Overview
from t3tray.qt.desk import Desk
from t3tray.qt.listing import Listing, brief_of, listing_of
from t3tray.qt.menu import RECENT
from t3tray.qt.setting_rows import LOGIN
from t3tray.qt.words import (
    CHECKING,
    DIAGNOSING,
    LOOKING,
    MAKING,
    RESTARTING,
    RESUMING,
    STARTING,
    doing,
    opened_note,
    stopped,
)
from t3tray.qt.working import Working

T = TypeVar("T")
_log = logging.getLogger(__name__)

# In seconds; the desk bounds its own steps below it.
CLOSE_LIMIT = 5.0
DRAFT_LIMIT = 1.0


class Bridge(QObject):
    """Signals are facts. `told` carries a sentence, `copy_wanted` a text for the clipboard, `failed` a T3TrayError, `previewed`
    and `remedied` a thread's id and what a remedy would do or did, `working_changed` all `Work` that takes long now,
    `setting_kept` a setting's name and what is set by then, `setting_refused` its name and why, `diagnosed` a text to be sent,
    `saying_found` a text and the ids of the threads in which it was said, `notice_clicked` a `Click`, `sent` and `refused` a
    thread's id and the text that was sent or the T3TrayError, `answer_failed` the id of what asked and the error,
    `protection_previewed` what the guard would do, and `protection_changed` how T3 Code stands with it; `ended` comes once,
    when nothing runs any more."""

    overview_changed = Signal(object)
    details_changed = Signal(object)
    resumed = Signal(object)
    working_changed = Signal(object)
    setting_kept = Signal(str, object)
    setting_refused = Signal(str, str)
    inventory_taken = Signal(object)
    autostart_told = Signal(object)
    diagnosed = Signal(str)
    previewed = Signal(str, object, object)
    remedied = Signal(str, object)
    thread_made = Signal(str)
    saying_found = Signal(str, object)
    notice_clicked = Signal(object)
    protection_previewed = Signal(object)
    protection_changed = Signal(object)
    told = Signal(str)
    copy_wanted = Signal(str)
    failed = Signal(object)
    ended = Signal()
    conversation_changed = Signal(object)
    sent = Signal(str, str)
    refused = Signal(str, object)
    answer_failed = Signal(str, object)
    _conversation_told = Signal()

    def __init__(self, make_desk: Callable[[], Desk]) -> None:
        super().__init__()
        self.overview: Overview | None = None
        self.listing: Listing | None = None
        self.brief: Overview | None = None
        self._stops_server = False
        self._make_desk = make_desk
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._desk: asyncio.Future[Desk] = self._loop.create_future()
        self._asked: set[asyncio.Task[None]] = set()
        self._working = Working(self.working_changed.emit)
        # What ends in order even when the app does.
        self._drafts: set[asyncio.Task[None]] = set()
        self._following: asyncio.Task[None] | None = None
        self._newest: Conversation | None = None
        self._conversation_told.connect(self._on_conversation_told, Qt.ConnectionType.QueuedConnection)
        self._thread = threading.Thread(target=self._main, name="asyncio", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._ask(lambda desk: desk.tell_clicks(self._tell_click))

    def close(self, stops_server: bool = False) -> None:
        """Begin to end; `ended` tells when it is done. A second call does nothing.

        With `stops_server` a server that would go on running without us ends too.
        """
        self._stops_server = stops_server
        self._hand_over(self._stop.set)

    def join(self, limit: float = CLOSE_LIMIT) -> bool:
        """Wait for the end, in seconds; for when the session ends and there is no other moment. True when it came."""
        self._thread.join(limit)
        return not self._thread.is_alive()

    def look_at(self, thread_id: str) -> None:
        self._ask(lambda desk: desk.details(thread_id), self.details_changed.emit)

    def resume(self, thread_id: str) -> None:
        self._ask(lambda desk: desk.resume(thread_id), self.resumed.emit, words=CHECKING)

    def resume_in_terminal(self, thread_id: str) -> None:
        self._ask(lambda desk: desk.resume_in_terminal(thread_id), self.resumed.emit, words=RESUMING)

    def open_in_t3code(self, thread_id: str) -> None:
        def tell(opened: Opened) -> None:
            if opened.title:
                self.copy_wanted.emit(opened.title)
            self.told.emit(opened_note(opened))

        self._ask(lambda desk: desk.open_in_t3code(thread_id), tell)

    def watch(self, thread_id: str) -> None:
        """The user has this thread on screen, in front; with an empty id none."""
        self._ask(lambda desk: desk.watch(thread_id))

    def mark_seen(self, thread_id: str) -> None:
        self._ask(lambda desk: desk.mark_seen(thread_id))

    def start_server(self) -> None:
        self._ask(lambda desk: desk.start_server(), words=STARTING, on_stop=self.stop_server)

    def stop_server(self) -> None:
        self._ask(lambda desk: desk.stop_server())

    def restart_server(self) -> None:
        self._ask(lambda desk: desk.restart_server(), words=RESTARTING, on_stop=self.stop_server)

    def preview(self, thread_id: str, choice: Choice) -> None:
        self._ask(
            lambda desk: desk.preview(thread_id, choice),
            lambda preview: self.previewed.emit(thread_id, choice, preview),
            words=LOOKING,
        )

    def apply(self, thread_id: str, choice: Choice, seen: Preview) -> None:
        def tell(done: Preview) -> None:
            self.remedied.emit(thread_id, done)
            self.look_at(thread_id)

        self._ask(lambda desk: desk.apply(thread_id, choice, seen), tell, words=doing(choice.remedy))

    def preview_protection(self, on: bool) -> None:
        self._ask(lambda desk: desk.preview_protection(on), self.protection_previewed.emit)

    def protect(self, on: bool, despite_running: bool) -> None:
        self._ask(lambda desk: desk.protect(on, despite_running), self.protection_changed.emit)

    def new_thread(self, directory: str, title: str) -> None:
        self._ask(lambda desk: desk.new_thread(directory, title), self.thread_made.emit, words=MAKING)

    def change_setting(self, name: str, value: object) -> None:
        self._ask(
            lambda desk: desk.change_setting(name, value),
            lambda settings: self.setting_kept.emit(name, settings),
            lambda error: self.setting_refused.emit(name, error.message),
        )

    def look_at_autostart(self) -> None:
        self._ask(lambda desk: desk.autostart(), self.autostart_told.emit)

    def set_autostart(self, is_on: bool) -> None:
        self._ask(
            lambda desk: desk.set_autostart(is_on),
            self.autostart_told.emit,
            lambda error: self.setting_refused.emit(LOGIN.name, error.message),
        )

    def take_inventory(self) -> None:
        self._ask(lambda desk: desk.take_inventory(), self.inventory_taken.emit)

    def open_data_folder(self) -> None:
        self._ask(lambda desk: desk.open_data_folder())

    def diagnose(self, face: tuple[str, ...]) -> None:
        """`face` are lines about the window's side."""
        self._ask(lambda desk: desk.diagnostics(face), self.diagnosed.emit, words=DIAGNOSING)

    def stop_work(self, number: int) -> None:
        """End what takes long; what it was is told."""

        def stop() -> None:
            if work := self._working.stop(number):
                self.told.emit(stopped(work.words))

        self._hand_over(stop)

    def rename(self, thread_id: str, title: str) -> None:
        self._ask(lambda desk: desk.rename(thread_id, title))

    def archive(self, thread_id: str, archived: bool) -> None:
        self._ask(lambda desk: desk.archive(thread_id, archived))

    def search(self, text: str) -> None:
        self._ask(lambda desk: desk.search(text), lambda found: self.saying_found.emit(text, found))

    def follow(self, thread_id: str) -> None:
        """Have this thread's conversation told from now on, in place of the one before; "" for none."""

        def begin() -> None:
            if self._following:
                self._following.cancel()
            self._following = self._begin(lambda desk: desk.follow(thread_id, self._publish_conversation)) if thread_id else None

        self._hand_over(begin)

    def show_older(self) -> None:
        self._ask(lambda desk: _done(desk.show_older))

    def show_agent(self, session_id: str) -> None:
        self._ask(lambda desk: _done(lambda: desk.show_agent(session_id)))

    def send(self, thread_id: str, text: str, despite_others: bool) -> None:
        self._ask(
            lambda desk: desk.send(thread_id, text, despite_others),
            lambda _: self.sent.emit(thread_id, text),
            lambda error: self.refused.emit(thread_id, error),
        )

    def stop_turn(self, thread_id: str) -> None:
        self._ask(lambda desk: desk.stop_turn(thread_id))

    def keep_draft(self, thread_id: str, text: str) -> None:
        self._hand_over(lambda: self._keep(self._begin(lambda desk: desk.keep_draft(thread_id, text))))

    def reply(self, ask: Approval, reply: Reply) -> None:
        self._ask(lambda desk: desk.reply(ask, reply), self._tell_late, lambda error: self._tell_unanswered(ask.id, error))

    def answer(self, ask: Inquiry, answers: Answers | None) -> None:
        self._ask(lambda desk: desk.answer(ask, answers), self._tell_late, lambda error: self._tell_unanswered(ask.id, error))

    def _tell_late(self, sentence: str) -> None:
        if sentence:
            self.told.emit(sentence)

    def _tell_unanswered(self, ask_id: str, error: T3TrayError) -> None:
        self.answer_failed.emit(ask_id, error)
        if not isinstance(error, OurBug):  # that is told already
            self.failed.emit(error)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._asked.discard(task)
        self._drafts.add(task)
        task.add_done_callback(self._drafts.discard)

    def _publish_conversation(self, conversation: Conversation) -> None:
        """The newest picture waits to be taken; a GUI that is busy finds one, not many."""
        was_taken, self._newest = self._newest is None, conversation
        if was_taken:
            self._conversation_told.emit()

    @Slot()
    def _on_conversation_told(self) -> None:
        newest, self._newest = self._newest, None
        if newest:
            self.conversation_changed.emit(newest)

    def _ask(
        self,
        work: Callable[[Desk], Awaitable[T]],
        tell: Callable[[T], None] | None = None,
        refuse: Callable[[T3TrayError], None] | None = None,
        *,
        words: str = "",
        on_stop: Callable[[], None] | None = None,
    ) -> None:
        """Have this done in the asyncio thread; what it comes to, or what went wrong, is told by a signal. With `words` it can be
        stopped once it takes long."""

        def begin() -> None:
            task = self._begin(work, tell, refuse)
            if words:
                self._working.follow(task, words, on_stop)

        self._hand_over(begin)

    def _begin(
        self,
        work: Callable[[Desk], Awaitable[T]],
        tell: Callable[[T], None] | None = None,
        refuse: Callable[[T3TrayError], None] | None = None,
    ) -> asyncio.Task[None]:
        task = self._loop.create_task(self._do(work, tell, refuse))
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        return task

    def _hand_over(self, work: Callable[[], object]) -> None:
        """Have it called in the asyncio thread; once that has come to its end, nothing is done any more."""
        if self._thread.is_alive():
            with suppress(RuntimeError):  # the loop is closed a moment before its thread ends
                self._loop.call_soon_threadsafe(work)

    async def _do(
        self,
        work: Callable[[Desk], Awaitable[T]],
        tell: Callable[[T], None] | None,
        refuse: Callable[[T3TrayError], None] | None,
    ) -> None:
        try:
            result = await work(await asyncio.shield(self._desk))
        except OurBug as bug:
            self._tell_bug(bug)
        except T3TrayError as error:
            (refuse or self.failed.emit)(error)
        except Exception as bug:
            self._tell_bug(bug)
            if refuse:
                refuse(our_bug(bug))
        else:
            if tell:
                tell(result)

    def _main(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._live())
        finally:
            self.ended.emit()

    async def _live(self) -> None:
        self._loop.set_exception_handler(self._on_unhandled)
        try:
            desk = self._make_desk()
        except Exception as bug:
            self._desk.cancel()
            self._tell_bug(bug)
            return
        self._desk.set_result(desk)
        running = asyncio.create_task(desk.run(self._publish))
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait((running, stopping), return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            self._tell_end_of(running)
            await stopping
        await self._finish_drafts()
        for task in (running, *self._asked):
            task.cancel()
        await asyncio.gather(running, *self._asked, return_exceptions=True)
        await self._close(desk)

    async def _finish_drafts(self) -> None:
        """What was typed is kept before anything is closed."""
        if self._drafts:
            await asyncio.wait(self._drafts, timeout=DRAFT_LIMIT)
        for task in self._drafts:
            task.cancel()

    async def _close(self, desk: Desk) -> None:
        try:
            async with asyncio.timeout(CLOSE_LIMIT):
                if self._stops_server:
                    await desk.stop_server()
                await desk.close()
        except TimeoutError:
            _log.error("t3tray did not end in order within %s seconds.", CLOSE_LIMIT)
        except Exception:
            _log.exception("t3tray did not end in order.")

    def _publish(self, overview: Overview) -> None:
        if overview != self.overview:
            self.overview = overview
            # Here and not in the GUI: for many threads it takes longer than a picture may.
            self.listing, self.brief = listing_of(overview, self.listing), brief_of(overview, RECENT)
            self.overview_changed.emit(overview)

    def _tell_click(self, click: Click) -> None:
        self.notice_clicked.emit(click)

    def _tell_end_of(self, running: asyncio.Task[None]) -> None:
        error = running.exception()
        if isinstance(error, T3TrayError):
            self.failed.emit(error)
        elif error:
            self._tell_bug(error)

    def _on_unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """What went wrong in the loop where nobody waited for it."""
        error = context.get("exception")
        if isinstance(error, Exception):
            self._tell_bug(error)
        else:
            loop.default_exception_handler(context)

    def _tell_bug(self, bug: BaseException) -> None:
        _log.error("This is a mistake of t3tray's.", exc_info=bug)
        self.failed.emit(our_bug(bug))


def our_bug(error: BaseException) -> OurBug:
    """The same as an error that can be told; where it happened is behind it, as its cause."""
    if isinstance(error, OurBug):
        return error
    told = OurBug(f"{type(error).__name__}: {error}", "Nothing was lost. The log tells more.")
    told.__cause__ = error
    return told


async def _done(work: Callable[[], None]) -> None:
    """Something that is done at once, as a coroutine."""
    work()
