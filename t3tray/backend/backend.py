"""What the window works with: the engine's life in the tray app, and the user's intents. It lives in the asyncio thread.

It publishes an `Snapshot` whenever something may have changed: our store, OpenCode's database, the server's state or its
events. Events are hints; what is shown is always read. It knows no Qt.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from t3tray.alerts.notifier import Notifier, rules_of
from t3tray.backend.diagnostics import diagnose
from t3tray.backend.engine import Engine, utc_now
from t3tray.backend.errands import Errands
from t3tray.backend.file_changes import FileChanges
from t3tray.backend.inventory import take_inventory
from t3tray.backend.last_snapshot import LastSnapshot
from t3tray.backend.server_events import ServerEvents
from t3tray.backend.watched_tasks import WatchedTasks
from t3tray.conversation.feed import ConversationFeed
from t3tray.conversation.search import sessions_of
from t3tray.domain.autostart import AutostartState
from t3tray.domain.conversation import Conversation
from t3tray.domain.evidence import Found
from t3tray.domain.guard_state import TROUBLED
from t3tray.domain.inventory import Inventory
from t3tray.domain.notification import Click
from t3tray.domain.pending_request import GONE, Answers, ApprovalRequest, QuestionRequest, Reply
from t3tray.domain.remedy import Choice, Preview
from t3tray.domain.server import ServerStatus
from t3tray.errors import T3TrayError
from t3tray.guard.runner import GuardRunner
from t3tray.guard.status import GuardStatus, ProtectionPlan
from t3tray.opencode.events import Connected, ServerEvent
from t3tray.resources import resource
from t3tray.settings.definitions import Settings
from t3tray.system.file_watch import database_files
from t3tray.system.login_item import look_at_login, set_login
from t3tray.system.notifications import open_notifications
from t3tray.system.power import SleepWatch
from t3tray.threads.scan import Scan
from t3tray.threads.snapshot import Snapshot

_log = logging.getLogger(__name__)

# Changes come in bursts: the list is read once for each, and takes at most a fifth of the time, but after RETRY at the latest.
COALESCE = 0.15
REST_FOR_READING = 4.0
# What makes up for a change that no watcher told.
SAFETY_REFRESH = 60.0
# After a look that failed.
RETRY = 5.0


class Backend(Errands):
    """One for the app's life: `run` until cancelled, then `close`."""

    def __init__(self, data_directory: str | None) -> None:
        super().__init__()
        self._data_directory = data_directory
        self._guard: GuardRunner | None = None
        self._events: ServerEvents | None = None
        self._feed: ConversationFeed | None = None
        self._drafting = asyncio.Lock()
        self._files = FileChanges(self._changed.set)
        self._sessions: dict[str, str] = {}
        self._noticing: Notifier | None = None
        self._click: Callable[[Click], None] = lambda click: None
        self._sleep = SleepWatch(self._on_woke)
        self._tasks = WatchedTasks(self._changed.set)
        self._snapshots = LastSnapshot(utc_now)

    async def run(self, publish: Callable[[Snapshot], None]) -> None:
        """Open the engine, publish what is true, and again after every change. Raises StoreError when the data cannot be used."""
        opened = self._opening()
        try:
            engine = await Engine.open(self._data_directory, "tray")
        except T3TrayError as error:
            opened.set_exception(error)
            opened.exception()  # it is told by raising it here; whoever waits meanwhile gets it too
            raise
        guard = self._guard = GuardRunner(engine)
        opened.set_result(engine)
        self._events = ServerEvents(engine, partial(self._on_event, engine), self._changed.set, self._tasks)
        engine.server.subscribe(self._on_server_changed)
        noticing = self._noticing = self._notice(engine)
        self._tasks.start("The preparation of the server", partial(self._prepare, engine))
        self._tasks.start("Showing notices", noticing.run)
        self._tasks.start("Noticing that the machine slept", self._sleep.run)
        # T3 Code may wait for it already: it does not wait for the first look.
        self._tasks.start("Keeping the guard", partial(guard.run, self._changed.set))
        try:
            while True:
                rest = await self._look(engine, guard, publish) * REST_FOR_READING
                await self._next_change(min(max(rest, COALESCE), RETRY))
        finally:
            await self._tasks.stop()
            self._files.stop()

    async def _prepare(self, engine: Engine) -> None:
        """A login shell may take seconds to tell its PATH: asked now, a resume need not wait for it."""
        await asyncio.to_thread(engine.launching.environment)
        if engine.settings.server_with_app:
            try:
                await engine.connect()
            except T3TrayError as error:
                # Why it is not there is in the server's state, which is shown.
                _log.warning("The server could not be started with the app: %s", error.message)
        await engine.source.find()
        self._changed.set()

    async def close(self) -> None:
        """Stop listening, then close the engine: the server that only we use ends with it."""
        if self._events:
            await self._events.stop()
        if self._guard:
            await self._guard.close()
        opened = self._engine
        if opened and opened.done() and not opened.cancelled() and not opened.exception():
            await opened.result().close()

    async def start_server(self) -> None:
        engine = await self._opened()
        engine.resting.note()
        await engine.server.start()
        await engine.connect()

    async def stop_server(self) -> None:
        await (await self._opened()).server.stop()

    async def restart_server(self) -> None:
        engine = await self._opened()
        await engine.server.restart()
        await engine.connect()

    async def preview_protection(self, on: bool) -> ProtectionPlan:
        """What switching the guard on or off would do."""
        return await (await self._on_duty()).plan(on)

    async def protect(self, on: bool, despite_running: bool) -> GuardStatus:
        """Point T3 Code at the guard, or put its settings back."""
        status = await (await self._on_duty()).protect(on, despite_running)
        self._changed.set()
        return status

    async def preview(self, thread_id: str, choice: Choice) -> Preview:
        """What a remedy would do."""
        return await (await self._opened()).preview(thread_id, choice)

    async def apply(self, thread_id: str, choice: Choice, seen: Preview) -> Preview:
        """Do what the user agreed to."""
        engine = await self._opened()
        try:
            return await engine.apply(thread_id, choice, seen)
        finally:
            # Cancelled, it is settled by the look that this leads to.
            self._changed.set()

    async def new_thread(self, directory: str, title: str) -> str:
        engine = await self._opened()
        engine.resting.note()
        try:
            return (await engine.threads.create(directory, title, await engine.connect())).id
        finally:
            self._changed.set()

    async def rename(self, thread_id: str, title: str) -> None:
        engine = await self._opened()
        await engine.threads.rename(await engine.find(thread_id), title)
        self._changed.set()

    async def archive(self, thread_id: str, archived: bool) -> None:
        """Put a thread away, or bring it back."""
        engine = await self._opened()
        await engine.threads.archive(await engine.find(thread_id), archived)
        self._changed.set()

    async def search(self, text: str) -> frozenset[str]:
        """The ids of the threads whose conversation holds this text, whatever its case. A newer search ends this one."""
        return await (await self._opened()).text_search.find(text, self._sessions)

    async def change_setting(self, name: str, value: object) -> Settings:
        """Set one and go by it; all of them as they are then. Raises UsageError, in a sentence for beside the field."""
        settings = await (await self._opened()).preferences.change(name, value)
        self._changed.set()
        return settings

    async def take_inventory(self) -> Inventory:
        """What is there to work with, and what is missing."""
        found = await take_inventory(await self._opened())
        return replace(found, notices=await self.notice_trouble())

    async def open_data_folder(self) -> None:
        """Raises WorldError when the desktop has no program that shows folders."""
        engine = await self._opened()
        await asyncio.to_thread(engine.launching.open_folder, engine.data_directory)

    async def diagnostics(self, face: tuple[str, ...]) -> str:
        """Everything that helps to understand a trouble, without secrets. `face` are lines about the window's side."""
        return await diagnose(await self._opened(), face)

    async def follow(self, thread_id: str, publish: Callable[[Conversation], None]) -> None:
        """Tell the thread's conversation, and again after every change, until cancelled. One at a time."""
        engine = await self._opened()
        feed = self._feed = engine.conversing.feed(thread_id, publish)
        try:
            await feed.run()
        finally:
            if self._feed is feed:
                self._feed = None

    def show_older(self) -> None:
        """Read the messages before those that are shown."""
        if self._feed:
            self._feed.show_older()

    def show_agent(self, session_id: str) -> None:
        """Tell what a sub-agent of the conversation does, too."""
        if self._feed:
            self._feed.show_agent(session_id)

    async def send(self, thread_id: str, text: str, despite_others: bool = False) -> None:
        """Verify, then hand the message over; what is refused is kept in the draft, beside what stands there already."""
        engine = await self._opened()
        async with self._drafting:
            await engine.conversing.add_to_draft(thread_id, text)
        await engine.send(thread_id, text, despite_others)

    async def stop_turn(self, thread_id: str) -> None:
        await (await self._opened()).conversing.stop_turn(thread_id)

    async def keep_draft(self, thread_id: str, text: str) -> None:
        """Replace what was typed and not sent; one after the other, in the order in which they are asked for."""
        engine = await self._opened()
        async with self._drafting:
            await engine.conversing.keep_draft(thread_id, text)

    async def reply(self, ask: ApprovalRequest, reply: Reply) -> str:
        """Answer a tool that asks for leave; a sentence where that came too late."""
        engine = await self._opened()
        return self._told(await engine.conversing.reply(ask, reply))

    async def answer(self, ask: QuestionRequest, answers: Answers | None) -> str:
        """Answer questions, or leave them with None; a sentence where that came too late."""
        engine = await self._opened()
        return self._told(await engine.conversing.answer(ask, answers))

    async def watch(self, thread_id: str) -> None:
        """The user has this thread on screen, in front; with an empty id none."""
        if self._noticing:
            self._noticing.watch(thread_id or None)

    async def tell_clicks(self, click: Callable[[Click], None]) -> None:
        """From now on, tell each notice of the desktop that is clicked."""
        self._click = click

    async def autostart(self) -> AutostartState:
        """Whether t3tray starts at login."""
        return await look_at_login((await self._opened()).data_directory)

    async def set_autostart(self, is_on: bool) -> AutostartState:
        """Turn it on (anew, for the copy that runs now) or off; how it stands then, with what went wrong."""
        return await set_login((await self._opened()).data_directory, is_on)

    async def notice_trouble(self) -> str:
        """Why the desktop shows no notices, in a sentence; empty where it does."""
        await self._opened()
        return await self._noticing.find_trouble() if self._noticing else ""

    def _notice(self, engine: Engine) -> Notifier:
        icon = resource("icons/t3tray.svg").absolute().as_uri()
        return Notifier(
            reach=partial(open_notifications, sys.platform, os.environ, icon),
            answerer=self,
            rules=lambda: rules_of(engine.settings),
            now=lambda: datetime.now().astimezone(),
            clicked=lambda click: self._click(click),
        )

    def _on_woke(self) -> None:
        """The machine slept: nothing that was known of the world has to be true any more."""
        if self._noticing:
            self._noticing.woke()
        self._changed.set()
        if self._feed:
            self._feed.look_again()

    def _told(self, was_waited_for: bool) -> str:
        self._changed.set()
        return "" if was_waited_for else GONE

    async def _on_duty(self) -> GuardRunner:
        await self._opened()
        assert self._guard is not None
        return self._guard

    def _telling_files(self, engine: Engine, guard: GuardRunner) -> tuple[Path, ...]:
        return (*database_files(engine.store.path), *database_files(engine.database.path), *engine.t3_files, *guard.files)

    async def _look(self, engine: Engine, guard: GuardRunner, publish: Callable[[Snapshot], None]) -> float:
        """Read everything and tell it; how long it took, in seconds. A look that fails is told with what was read last."""
        clock = asyncio.get_running_loop().time

        def tell(overview: Snapshot) -> None:
            self._sessions = {served: row.thread.id for row in overview.rows for served in sessions_of(row)}
            trouble = (*self._snapshots.trouble, *self._tasks.trouble)
            publish(replace(overview, warnings=(*overview.warnings, *trouble)))

        began = clock()
        before = self._snapshots.trouble
        try:
            picture = await self._publish(engine, guard, tell)
        except Exception as error:
            kept = self._snapshots.failed(engine.server.status, error)
            try:
                tell(kept)
            except Exception as bug:
                # What was read last may be what cannot be shown.
                tell(replace(self._snapshots.failed(engine.server.status, bug), rows=(), foreign=(), stale_since=None))
            return 0.0
        await self._keep(engine, picture)
        if self._snapshots.trouble != before:
            self._changed.set()
        return clock() - began

    async def _publish(self, engine: Engine, guard: GuardRunner, publish: Callable[[Snapshot], None]) -> Scan:
        """Read everything and tell it. What is only beside it hinders nothing."""
        beside = self._snapshots.beside
        await beside("The changes of files cannot be followed", self._files.follow(self._telling_files(engine, guard)), None)
        await self._follow_server(engine)
        await beside("The settings could not be read", engine.preferences.read_again(), None)
        picture = await engine.look()
        engine.t3_sides.guard = guard.sides
        # Before anything that takes longer: an alarm must not wait.
        await beside("Alarms could not be kept", engine.alert(picture), None)
        overview = await engine.overview(archived=True, picture=picture)
        overview = await beside("How the guard stands could not be read", self._with_guard(overview, picture), overview)
        overview = await beside("What is new could not be told", engine.news.told(overview), overview)
        publish(overview)
        self._snapshots.keep(overview)
        self._sleep.look()
        if self._noticing:
            self._noticing.look(overview)
        self._tell_feed(picture)
        guard.look_again()
        return picture

    async def _keep(self, engine: Engine, picture: Scan) -> None:
        """What is written after a look."""
        beside = self._snapshots.beside
        await beside("What was looked at could not be kept", engine.news.keep(), None)
        more = await beside("Proofs and copies could not be kept", engine.keep(picture), False)
        if await beside("The server's rest could not be seen to", engine.rest_if_idle(picture), False) or more:
            self._changed.set()

    async def _with_guard(self, overview: Snapshot, picture: Scan) -> Snapshot:
        if self._guard is None:
            return overview
        guard, guarded = await self._guard.seen(picture)
        warnings = (*overview.warnings, guard.sentence) if guard.phase in TROUBLED else overview.warnings
        return replace(overview, guard=guard, guarded=guarded, warnings=warnings)

    def _tell_feed(self, picture: Scan) -> None:
        """Another program may have written into the conversation, or taken it away, of which no event tells."""
        feed = self._feed
        found = next((found for found in picture.examinations if feed and found.thread.id == feed.thread_id), None)
        if feed and found:
            session = found.evidence.session
            feed.compare(session.value if isinstance(session, Found) else None, found.verdict.kind)

    async def _follow_server(self, engine: Engine) -> None:
        """Join a server that another process of ours started. A server that cannot be reached is no reason to show no list."""
        try:
            await engine.join_running_server()
        except T3TrayError as error:
            _log.warning("The running server cannot be joined: %s", error.message)

    async def _next_change(self, rest: float) -> None:
        """Wait for a change, or for the slow refresh; then for the burst to pass."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETRY if self._snapshots.has_failed else SAFETY_REFRESH):
                await self._changed.wait()
        await asyncio.sleep(rest)
        self._changed.clear()

    def _on_server_changed(self, status: ServerStatus) -> None:
        self._changed.set()
        if self._feed:
            self._feed.look_again()
        if self._events:
            self._events.server_changed(status)

    def _on_event(self, engine: Engine, event: Connected | ServerEvent) -> None:
        engine.conversing.asks.hear(event)
        if self._feed:
            self._feed.hear(event)
        if isinstance(event, ServerEvent):
            engine.resting.note(event.directory)
