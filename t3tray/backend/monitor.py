"""The tray app's loop: read, assess, detect, publish. One `Snapshot` is built for a change, and told to whoever shows it.

A change is a hint of a file watch, of the server's events or of the server's state; what is shown is always read. It lives on the
event loop, and knows no Qt.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from t3tray.alerts.notifier import Notifier
from t3tray.backend.engine import Engine, utc_now
from t3tray.backend.file_changes import FileChanges
from t3tray.backend.last_snapshot import LastSnapshot
from t3tray.backend.server_events import ServerEvents
from t3tray.backend.snapshot_builder import Added
from t3tray.backend.watched_tasks import WatchedTasks
from t3tray.conversation.feed import ConversationFeed
from t3tray.domain.evidence import Found
from t3tray.domain.guard_state import NO_GUARD
from t3tray.domain.server import ServerStatus
from t3tray.errors import T3TrayError
from t3tray.guard.runner import GuardRunner
from t3tray.opencode.events import Connected, ServerEvent
from t3tray.system.file_watch import database_files
from t3tray.system.power import SleepWatch
from t3tray.threads.scan import Scan
from t3tray.threads.snapshot import Snapshot
from t3tray.threads.snapshot_rows import SnapshotRows

_log = logging.getLogger(__name__)

# In seconds. Changes come in bursts: the list is read once for each, and takes at most a fifth of the time, but not later than
# after RETRY.
COALESCE = 0.15
REST_FOR_READING = 4.0
# What makes up for a change that no watcher told.
SAFETY_REFRESH = 60.0
# After a look that failed.
RETRY = 5.0


class Monitor:
    """One for the app's life: `run` until cancelled, then `close`. Setting `changed` leads to a look.

    `feed` follows the conversation that is on screen, where there is one.
    """

    def __init__(self, engine: Engine, noticing: Notifier, changed: asyncio.Event, banner: str = "") -> None:
        self.feed: ConversationFeed | None = None
        self.guard = GuardRunner(engine)
        self.noticing = noticing
        self.sleep = SleepWatch(self._on_woke)
        self._engine = engine
        self._changed = changed
        self._banner = banner
        self._files = FileChanges(changed.set)
        self._tasks = WatchedTasks(changed.set)
        self._events = ServerEvents(engine, self._on_event, changed.set, self._tasks)
        self._snapshots = LastSnapshot(utc_now, banner, lambda: self._tasks.trouble)

    @property
    def overview(self) -> Snapshot | None:
        """What could be read last."""
        return self._snapshots.last

    async def run(self, publish: Callable[[Snapshot], None]) -> None:
        """Publish what is true, and again after every change."""
        self._engine.server.subscribe(self._on_server_changed)
        self._tasks.start("The preparation of the server", self._prepare)
        self._tasks.start("Showing notices", self.noticing.run)
        self._tasks.start("Noticing that the machine slept", self.sleep.run)
        # T3 Code may wait for it already: it does not wait for the first look.
        self._tasks.start("Keeping the guard", partial(self.guard.run, self._changed.set))
        try:
            while True:
                rest = await self._look(publish) * REST_FOR_READING
                await self._next_change(min(max(rest, COALESCE), RETRY))
        finally:
            await self._tasks.stop()
            self._files.stop()

    async def close(self) -> None:
        """Stop listening. The engine is closed after it."""
        await self._events.stop()
        await self.guard.close()

    async def _look(self, publish: Callable[[Snapshot], None]) -> float:
        """Read everything and tell it; how long it took, in seconds. A look that fails is told with what was read last."""
        clock = asyncio.get_running_loop().time
        began, before = clock(), self._snapshots.trouble
        try:
            picture = await self._read(publish)
        except Exception as error:
            status = self._engine.server.status
            try:
                publish(self._snapshots.failed(status, error))
            except Exception as bug:
                # What was read last may be what cannot be shown.
                publish(self._snapshots.failed(status, bug, with_rows=False))
            return 0.0
        await self._keep(picture)
        if self._snapshots.trouble != before:
            self._changed.set()
        return clock() - began

    async def _read(self, publish: Callable[[Snapshot], None]) -> Scan:
        """Read everything and tell it. What is only beside it hinders nothing."""
        engine, guard, beside = self._engine, self.guard, self._snapshots.beside
        await beside("The changes of files cannot be followed", self._files.follow(self._telling_files()), None)
        await self._follow_server()
        await beside("The settings could not be read", engine.preferences.read_again(), None)
        picture = await engine.look()
        engine.t3_sides.guard = guard.sides
        # Before anything that takes longer: an alarm must not wait.
        await beside("Alarms could not be kept", engine.alert(picture), None)
        guarding = await beside("How the guard stands could not be read", guard.seen(picture), (NO_GUARD, frozenset()))
        added = Added(*guarding, self._banner, self._news, lambda: self._snapshots.trouble)
        overview = await engine.overview(archived=True, picture=picture, added=added)
        publish(overview)
        self._snapshots.keep(overview)
        self.sleep.look()
        self.noticing.update(overview)
        self._tell_feed(picture)
        guard.look_again()
        return picture

    async def _keep(self, picture: Scan) -> None:
        """What is written after a look."""
        engine, beside = self._engine, self._snapshots.beside
        await beside("What was looked at could not be kept", engine.keep_news(), None)
        more = await beside("Proofs and copies could not be kept", engine.keep(picture), False)
        if await beside("The server's rest could not be seen to", engine.rest_if_idle(picture), False) or more:
            self._changed.set()

    def _news(self, rows: SnapshotRows) -> frozenset[str]:
        """For the SQL's thread."""
        return self._snapshots.attempt("What is new could not be told", lambda: self._engine.unread.update(rows), frozenset())

    def _telling_files(self) -> tuple[Path, ...]:
        engine = self._engine
        ours, theirs = database_files(engine.store.path), database_files(engine.database.path)
        return (*ours, *theirs, *engine.t3_files, *self.guard.files)

    def _tell_feed(self, picture: Scan) -> None:
        """Another program may have written into the conversation, or taken it away, of which no event tells."""
        feed = self.feed
        found = next((found for found in picture.assessments if feed and found.thread.id == feed.thread_id), None)
        if feed and found:
            session = found.evidence.session
            feed.compare(session.value if isinstance(session, Found) else None, found.verdict.kind)

    async def _prepare(self) -> None:
        """A login shell may take seconds to tell its PATH: asked now, a resume need not wait for it."""
        engine = self._engine
        await asyncio.to_thread(engine.launching.environment)
        if engine.settings.server_with_app:
            try:
                await engine.connect()
            except T3TrayError as error:
                # Why it is not there is in the server's state, which is shown.
                _log.warning("The server could not be started with the app: %s", error.message)
        await engine.source.find()
        self._changed.set()

    async def _follow_server(self) -> None:
        """Join a server that another process of ours started. A server that cannot be reached is no reason to show no list."""
        try:
            await self._engine.join_running_server()
        except T3TrayError as error:
            _log.warning("The running server cannot be joined: %s", error.message)

    async def _next_change(self, rest: float) -> None:
        """Wait for a change, or for the slow refresh; then for the burst to pass."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETRY if self._snapshots.has_failed else SAFETY_REFRESH):
                await self._changed.wait()
        await asyncio.sleep(rest)
        self._changed.clear()

    def _on_woke(self) -> None:
        """The machine slept: nothing that was known of the world has to be true any more."""
        self.noticing.woke()
        self._changed.set()
        if self.feed:
            self.feed.refresh()

    def _on_server_changed(self, status: ServerStatus) -> None:
        self._changed.set()
        if self.feed:
            self.feed.refresh()
        self._events.server_changed(status)

    def _on_event(self, event: Connected | ServerEvent) -> None:
        self._engine.conversing.pending_requests.handle(event)
        if self.feed:
            self.feed.handle(event)
        if isinstance(event, ServerEvent):
            self._engine.idle_shutdown.note(event.directory)
