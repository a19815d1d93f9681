"""The asyncio thread with its event loop. The GUI passes coroutines to it; results and errors come back as queued signals.

Nothing here blocks the GUI thread, except `join` at the very end.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Signal

from t3tray.backend.running import CLOSE_LIMIT, OpenBackend, live
from t3tray.errors import OurBug, T3TrayError
from t3tray.messages.bugs import UNEXPECTED, our_bug
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.running_work import Working

if TYPE_CHECKING:
    # Its imports take time, and are made in the asyncio thread.
    from t3tray.backend.backend import Backend
    from t3tray.domain.notification import Click

T = TypeVar("T")
_log = logging.getLogger(__name__)

# In seconds: how long the end of the app waits for drafts and read marks to be stored.
DRAFT_LIMIT = 1.0


class AsyncThread(QObject):
    """Runs the backend. `failed` carries a T3TrayError, `failed_quietly` one of a call that the user did not start,
    `working_changed` all long-running `Work`; `ended` is emitted once, when the thread has ended."""

    working_changed = Signal(object)
    failed = Signal(object)
    failed_quietly = Signal(object)
    ended = Signal()

    def __init__(self, open_backend: OpenBackend) -> None:
        super().__init__()
        self._open_backend = open_backend
        self._stop = asyncio.Event()
        self._stops_server = False
        self._asked: set[asyncio.Task[None]] = set()
        # What the end of the app waits for.
        self._drafts: set[asyncio.Task[None]] = set()
        self._working = Working(self.working_changed.emit)
        self._thread = threading.Thread(target=self._main, name="asyncio", daemon=True)

    def start(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._backend: asyncio.Future[Backend] = self._loop.create_future()
        self._thread.start()

    def close(self, stops_server: bool = False) -> None:
        """Start the shutdown; `ended` is emitted when it is complete. A second call does nothing.

        With `stops_server` a server that would keep running without us is stopped too.
        """
        self._stops_server = stops_server
        self.hand_over(self._stop.set)

    def join(self, limit: float = CLOSE_LIMIT) -> bool:
        """Block until the thread has ended, for at most `limit` s. Return whether it has. Only for the end of the process."""
        if self._thread.is_alive():
            self._thread.join(limit)
        return not self._thread.is_alive()

    def _publish(self, snapshot: Snapshot) -> None:
        """Take a snapshot; called in the asyncio thread."""
        raise NotImplementedError

    def _emit_click(self, click: Click) -> None:
        """Take the click on a notification; called in the asyncio thread."""
        raise NotImplementedError

    def _ask(
        self,
        work: Callable[[Backend], Awaitable[T]],
        on_result: Callable[[T], None] | None = None,
        on_error: Callable[[T3TrayError], None] | None = None,
        *,
        words: str = "",
        on_stop: Callable[[], None] | None = None,
        quiet: bool = False,
    ) -> None:
        """Run `work` in the asyncio thread, then call `on_result` with its result or `on_error` with its error, in that thread.

        With `words` (a progress label) the user can stop it once it takes long. `quiet`: the user did not start it, so an error
        does not bring up the window.
        """

        def begin() -> None:
            task = self._begin(work, on_result, on_error, quiet)
            if words:
                self._working.follow(task, words, on_stop)

        self.hand_over(begin)

    def _begin(
        self,
        work: Callable[[Backend], Awaitable[T]],
        on_result: Callable[[T], None] | None = None,
        on_error: Callable[[T3TrayError], None] | None = None,
        quiet: bool = False,
    ) -> asyncio.Task[None]:
        task = self._loop.create_task(self._do(work, on_result, on_error or (self.failed_quietly.emit if quiet else None), quiet))
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        return task

    def hand_over(self, work: Callable[[], object]) -> None:
        """Call `work` in the asyncio thread; does nothing after that has ended."""
        if self._thread.is_alive():
            with suppress(RuntimeError):  # the loop is closed a moment before its thread ends
                self._loop.call_soon_threadsafe(work)

    async def _do(
        self,
        work: Callable[[Backend], Awaitable[T]],
        on_result: Callable[[T], None] | None,
        on_error: Callable[[T3TrayError], None] | None,
        quiet: bool,
    ) -> None:
        try:
            result = await work(await asyncio.shield(self._backend))
        except OurBug as bug:
            if quiet and on_error:
                self._note_bug(bug)
                on_error(bug)
            else:
                self._emit_bug(bug)
        except T3TrayError as error:
            (on_error or self.failed.emit)(error)
        except Exception as bug:
            self._note_bug(bug) if quiet else self._emit_bug(bug)
            if on_error:
                on_error(our_bug(bug))
        else:
            if on_result:
                on_result(result)

    def _main(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._live())
        finally:
            self.ended.emit()

    async def _live(self) -> None:
        self._loop.set_exception_handler(self._on_unhandled)
        await live(
            self._open_backend,
            self._publish,
            self._emit_click,
            self._stop,
            self._emit_end,
            self._backend.set_result,
            self._finish,
            lambda: self._stops_server,
        )

    async def _finish(self) -> None:
        """Wait until drafts and read marks are stored, for `DRAFT_LIMIT` seconds; then cancel all calls."""
        if self._drafts:
            await asyncio.wait(self._drafts, timeout=DRAFT_LIMIT)
        ending = (*self._drafts, *self._asked)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    def _finish_in_any_case(self, work: Callable[[Backend], Awaitable[object]]) -> None:
        """Run `work` quietly in the asyncio thread; the end of the app waits for it, for `DRAFT_LIMIT` seconds at most."""

        def begin() -> None:
            task = self._begin(work, quiet=True)
            self._asked.discard(task)
            self._drafts.add(task)
            task.add_done_callback(self._drafts.discard)

        self.hand_over(begin)

    def _emit_end(self, error: BaseException) -> None:
        if not self._backend.done():
            # Pending calls get this error too; it is reported below in any case.
            self._backend.set_exception(error)
            self._backend.exception()
        if isinstance(error, T3TrayError):
            self.failed.emit(error)
        else:
            self._emit_bug(error)

    def _on_unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """Report an exception of the event loop that no task awaited."""
        error = context.get("exception")
        if isinstance(error, Exception):
            self._emit_bug(error)
        else:
            loop.default_exception_handler(context)

    def _emit_bug(self, bug: BaseException) -> None:
        self._note_bug(bug)
        self.failed.emit(our_bug(bug))

    def _note_bug(self, bug: BaseException) -> None:
        _log.error(UNEXPECTED, exc_info=bug)
