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

from PySide6.QtCore import QObject, Signal

from t3tray.core.domain.notice import Click
from t3tray.core.domain.remedy import Choice, Preview
from t3tray.core.errors import OurBug, T3TrayError
from t3tray.core.services.views import Overview
from t3tray.qt.desk import Desk

T = TypeVar("T")
_log = logging.getLogger(__name__)

# In seconds; the desk bounds its own steps below it.
CLOSE_LIMIT = 5.0


class Bridge(QObject):
    """Signals are facts. `told` carries a sentence, `failed` a T3TrayError, `previewed` and `remedied` a thread's id and what a
    remedy would do or did; `notice_clicked` a `Click`; `ended` comes once, when nothing runs any more."""

    overview_changed = Signal(object)
    details_changed = Signal(object)
    resumed = Signal(object)
    previewed = Signal(str, object, object)
    remedied = Signal(str, object)
    thread_made = Signal(str)
    notice_clicked = Signal(object)
    told = Signal(str)
    failed = Signal(object)
    ended = Signal()

    def __init__(self, make_desk: Callable[[], Desk]) -> None:
        super().__init__()
        self.overview: Overview | None = None
        self._make_desk = make_desk
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._desk: asyncio.Future[Desk] = self._loop.create_future()
        self._asked: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._main, name="asyncio", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._ask(lambda desk: desk.tell_clicks(self._tell_click))

    def close(self) -> None:
        """Begin to end; `ended` tells when it is done. A second call does nothing."""
        self._hand_over(self._stop.set)

    def join(self, limit: float = CLOSE_LIMIT) -> bool:
        """Wait for the end, in seconds; for when the session ends and there is no other moment. True when it came."""
        self._thread.join(limit)
        return not self._thread.is_alive()

    def look_at(self, thread_id: str) -> None:
        self._ask(lambda desk: desk.details(thread_id), self.details_changed.emit)

    def resume(self, thread_id: str) -> None:
        self._ask(lambda desk: desk.resume(thread_id), self.resumed.emit)

    def resume_in_terminal(self, thread_id: str) -> None:
        self._ask(lambda desk: desk.resume_in_terminal(thread_id), self.resumed.emit)

    def open_in_t3code(self, thread_id: str) -> None:
        self._ask(lambda desk: desk.open_in_t3code(thread_id), self.told.emit)

    def watch(self, thread_id: str) -> None:
        """The user has this thread on screen, in front; with an empty id none."""
        self._ask(lambda desk: desk.watch(thread_id))

    def mark_seen(self, thread_id: str) -> None:
        self._ask(lambda desk: desk.mark_seen(thread_id))

    def start_server(self) -> None:
        self._ask(lambda desk: desk.start_server())

    def stop_server(self) -> None:
        self._ask(lambda desk: desk.stop_server())

    def restart_server(self) -> None:
        self._ask(lambda desk: desk.restart_server())

    def preview(self, thread_id: str, choice: Choice) -> None:
        self._ask(lambda desk: desk.preview(thread_id, choice), lambda preview: self.previewed.emit(thread_id, choice, preview))

    def apply(self, thread_id: str, choice: Choice, seen: Preview) -> None:
        def tell(done: Preview) -> None:
            self.remedied.emit(thread_id, done)
            self.look_at(thread_id)

        self._ask(lambda desk: desk.apply(thread_id, choice, seen), tell)

    def new_thread(self, directory: str, title: str) -> None:
        self._ask(lambda desk: desk.new_thread(directory, title), self.thread_made.emit)

    def _ask(self, work: Callable[[Desk], Awaitable[T]], tell: Callable[[T], None] | None = None) -> None:
        """Have this done in the asyncio thread; what it comes to, or what went wrong, is told by a signal."""

        def begin() -> None:
            task = self._loop.create_task(self._do(work, tell))
            self._asked.add(task)
            task.add_done_callback(self._asked.discard)

        self._hand_over(begin)

    def _hand_over(self, work: Callable[[], None]) -> None:
        """Have it called in the asyncio thread; once that has come to its end, nothing is done any more."""
        if self._thread.is_alive():
            with suppress(RuntimeError):  # the loop is closed a moment before its thread ends
                self._loop.call_soon_threadsafe(work)

    async def _do(self, work: Callable[[Desk], Awaitable[T]], tell: Callable[[T], None] | None) -> None:
        try:
            result = await work(await asyncio.shield(self._desk))
        except T3TrayError as error:
            self.failed.emit(error)
        except Exception as bug:
            self._tell_bug(bug)
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
        for task in (running, *self._asked):
            task.cancel()
        await asyncio.gather(running, *self._asked, return_exceptions=True)
        await self._close(desk)

    async def _close(self, desk: Desk) -> None:
        try:
            async with asyncio.timeout(CLOSE_LIMIT):
                await desk.close()
        except TimeoutError:
            _log.error("t3tray did not end in order within %s seconds.", CLOSE_LIMIT)
        except Exception:
            _log.exception("t3tray did not end in order.")

    def _publish(self, overview: Overview) -> None:
        if overview != self.overview:
            self.overview = overview
            self.overview_changed.emit(overview)

    def _tell_click(self, click: Click) -> None:
        self.notice_clicked.emit(click)

    def _tell_end_of(self, running: asyncio.Task[None]) -> None:
        error = running.exception()
        if isinstance(error, T3TrayError):
            self.failed.emit(error)
        elif error:
            self._tell_bug(error)

    def _tell_bug(self, bug: BaseException) -> None:
        _log.error("This is a mistake of t3tray's.", exc_info=bug)
        self.failed.emit(OurBug(f"{type(bug).__name__}: {bug}", "Nothing was lost. The log tells more."))
