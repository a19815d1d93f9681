"""What the window works with: the engine's life in the tray app, and the user's intents. It lives in the asyncio thread.

What is true is published by its `Monitor`. It knows no Qt.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial

from t3tray.alerts.notifier import Notifier, rules_of
from t3tray.backend.diagnostics import diagnose
from t3tray.backend.engine import Engine
from t3tray.backend.errands import Errands
from t3tray.backend.inventory import take_inventory
from t3tray.backend.monitor import Monitor
from t3tray.conversation.search import threads_by_session
from t3tray.domain.autostart import AutostartState
from t3tray.domain.conversation import Conversation
from t3tray.domain.inventory import Inventory
from t3tray.domain.notification import Click
from t3tray.domain.pending_request import GONE, Answers, ApprovalRequest, QuestionRequest, Reply
from t3tray.domain.remedy import Choice, Preview
from t3tray.errors import T3TrayError
from t3tray.guard.status import GuardStatus, ProtectionPlan
from t3tray.resources import resource
from t3tray.settings.definitions import Settings
from t3tray.system.login_item import login_state, set_login_state
from t3tray.system.notifications import open_notifications
from t3tray.threads.snapshot import Snapshot


class Backend(Errands):
    """One for the app's life: `run` until cancelled, then `close`."""

    # A line above everything, where this is no usual world.
    banner = ""

    def __init__(self, data_directory: str | None) -> None:
        super().__init__()
        self._data_directory = data_directory
        self._monitor: Monitor | None = None
        self._drafting = asyncio.Lock()
        self._click: Callable[[Click], None] = lambda click: None

    async def run(self, publish: Callable[[Snapshot], None]) -> None:
        """Open the engine, publish what is true, and again after every change. Raises StoreError when the data cannot be used."""
        opened = self._opening()
        try:
            engine = await Engine.open(self._data_directory, "tray")
        except T3TrayError as error:
            opened.set_exception(error)
            opened.exception()  # it is told by raising it here; whoever waits meanwhile gets it too
            raise
        self._monitor = Monitor(engine, self._notifier(engine), self._changed, self.banner)
        opened.set_result(engine)
        await self._monitor.run(publish)

    async def close(self) -> None:
        """Stop listening, then close the engine: the server that only we use ends with it."""
        if self._monitor:
            await self._monitor.close()
        opened = self._engine
        if opened and opened.done() and not opened.cancelled() and not opened.exception():
            await opened.result().close()

    async def start_server(self) -> None:
        engine = await self._opened()
        engine.idle_shutdown.note()
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
        return await (await self._monitoring()).guard.plan(on)

    async def protect(self, on: bool, despite_running: bool) -> GuardStatus:
        """Point T3 Code at the guard, or put its settings back."""
        status = await (await self._monitoring()).guard.protect(on, despite_running)
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
        engine.idle_shutdown.note()
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
        engine, seen = await self._opened(), (await self._monitoring()).overview
        sessions = await asyncio.to_thread(threads_by_session, seen.rows if seen else ())
        return await engine.text_search.find(text, sessions)

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
        engine, monitor = await self._opened(), await self._monitoring()
        feed = monitor.feed = engine.conversing.feed(thread_id, publish)
        try:
            await feed.run()
        finally:
            if monitor.feed is feed:
                monitor.feed = None

    def show_older(self) -> None:
        """Read the messages before those that are shown."""
        if self._monitor and self._monitor.feed:
            self._monitor.feed.show_older()

    def show_agent(self, session_id: str) -> None:
        """Tell what a sub-agent of the conversation does, too."""
        if self._monitor and self._monitor.feed:
            self._monitor.feed.show_agent(session_id)

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
        if self._monitor:
            self._monitor.noticing.set_visible_thread(thread_id or None)

    async def tell_clicks(self, click: Callable[[Click], None]) -> None:
        """From now on, tell each notice of the desktop that is clicked."""
        self._click = click

    async def autostart(self) -> AutostartState:
        """Whether t3tray starts at login."""
        return await login_state((await self._opened()).data_directory)

    async def set_autostart(self, is_on: bool) -> AutostartState:
        """Turn it on (anew, for the copy that runs now) or off; how it stands then, with what went wrong."""
        return await set_login_state((await self._opened()).data_directory, is_on)

    async def notice_trouble(self) -> str:
        """Why the desktop shows no notices, in a sentence; empty where it does."""
        return await (await self._monitoring()).noticing.find_trouble()

    def _notifier(self, engine: Engine) -> Notifier:
        icon = resource("icons/t3tray.svg").absolute().as_uri()
        return Notifier(
            reach=partial(open_notifications, sys.platform, os.environ, icon),
            answerer=self,
            rules=lambda: rules_of(engine.settings),
            now=lambda: datetime.now().astimezone(),
            clicked=lambda click: self._click(click),
        )

    def _told(self, was_waited_for: bool) -> str:
        self._changed.set()
        return "" if was_waited_for else GONE

    async def _monitoring(self) -> Monitor:
        await self._opened()
        assert self._monitor is not None
        return self._monitor
