"""The one façade of the program, for the window and for the command line."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

from t3tray.alerts.notifier import Notifier, rules_of
from t3tray.alerts.pending_requests import PendingRequests
from t3tray.backend.conversations import Conversations
from t3tray.backend.inspection import Inspection
from t3tray.backend.monitor import Monitor
from t3tray.backend.open_thread import ThreadOpener
from t3tray.backend.parts import Parts
from t3tray.backend.prompting import Prompting
from t3tray.backend.remedy_service import RemedyService
from t3tray.backend.scanning import Scanning
from t3tray.backend.snapshots import SnapshotReader
from t3tray.backend.thread_details import DetailsReader
from t3tray.backend.upkeep import Upkeep
from t3tray.conversation.search import threads_by_session
from t3tray.domain.alarm import Acknowledged
from t3tray.domain.guard import GuardAnswer
from t3tray.domain.inventory import AutostartState, Inventory
from t3tray.domain.journal import Entry
from t3tray.domain.notification import Click
from t3tray.domain.restore import SettlePlan
from t3tray.domain.thread import Thread
from t3tray.domain.verdict import Kind
from t3tray.domain.verification import OpenResult, Verification
from t3tray.guard.runner import GuardRunner
from t3tray.guard.service import GuardService
from t3tray.resources import resource
from t3tray.server.handles import ExternalServer
from t3tray.settings.definitions import Settings
from t3tray.store.store import Store
from t3tray.system.login_item import login_state, set_login_state
from t3tray.system.notifications import open_notifications
from t3tray.system.sql_thread import SqlThread
from t3tray.threads.snapshot import Snapshot


class Backend(Parts):
    """One for the process, in the event loop in which it was opened; the tray app calls `run` until it ends, both call `close`.

    What one part does is asked of the part; the methods here need more than one.
    """

    # A line above the list, where this is no usual world.
    banner = ""
    scanning: Scanning
    upkeep: Upkeep
    snapshots: SnapshotReader
    prompting: Prompting
    details: DetailsReader
    remedies: RemedyService
    conversations: Conversations
    opener: ThreadOpener
    inspection: Inspection
    guard: GuardRunner
    monitor: Monitor

    def __init__(
        self, store: Store, run_sql: SqlThread, settings: Settings, data: Path, kind: str, external: ExternalServer | None
    ) -> None:
        super().__init__(store, run_sql, settings, data, kind, external)
        self.changed = asyncio.Event()
        requests = PendingRequests()
        self.scanning = Scanning(self)
        self.upkeep = Upkeep(self)
        self.snapshots = SnapshotReader(self, self.scanning, self.upkeep, requests, self.changed.set)
        self.prompting = Prompting(self, self.import_t3_thread, self._archive_turn, self.snapshots.note_act)
        self.details = DetailsReader(self, self.scanning, self.snapshots, self.prompting)
        self.remedies = RemedyService(self, self.scanning, self.details, self.import_t3_thread, self.snapshots.note_act)
        self.conversations = Conversations(self, self.prompting, requests, self.snapshots.note_act)
        self.opener = ThreadOpener(self.launching, self.server, self.scanner, run_sql)
        self.inspection = Inspection(self, self.scanning, self.snapshots)
        self.guard = GuardRunner(self.guard_host, GuardService(self.guard_host), self.changed.set)
        # Called with the reason right before the system asks the user whether t3tray may show notifications.
        self.permission_asked: Callable[[str], None] = lambda reason: None
        icon = resource("icons/t3tray.svg").absolute().as_uri()
        notifier = Notifier(
            reach=partial(open_notifications, sys.platform, os.environ, icon, lambda reason: self.permission_asked(reason)),
            answerer=self.conversations,
            rules=lambda: rules_of(self.preferences.current),
            now=lambda: datetime.now().astimezone(),
        )
        self.monitor = Monitor(
            self, self.scanning, self.snapshots, self.upkeep, self.conversations, self.guard, notifier, self.changed, self.banner
        )

    async def run(self, publish: Callable[[Snapshot], None], clicked: Callable[[Click], None] = lambda click: None) -> None:
        """Publish a snapshot now and after every change, until cancelled. `clicked` is called when a notification is clicked."""
        self.monitor.notifier.clicked = clicked
        await self.monitor.run(publish)

    async def close(self) -> None:
        """Stop listening, then close all parts: a server that only we use ends with them. A second call waits for the first."""
        await self.monitor.close()
        await super().close()

    async def import_t3_thread(self, prefix: str) -> Thread:
        """Find a thread, and store one of T3 Code's as one that is worked with. Raises ThreadNotFound, UsageError, StoreError."""
        self.idle_shutdown.note()
        recorded = await self.restoring.load_record(prefix)
        await self.threads.import_t3_thread(recorded)
        return recorded.thread

    async def start_server(self) -> None:
        """Start the server; the user wants it now. Raises ServerError, ServerFailed, BinaryNotFound."""
        self.idle_shutdown.note()
        await self.server.start()
        await self.settlement.connect()

    async def restart_server(self) -> None:
        """Stop the server and start it again. Raises what `start_server` raises."""
        await self.server.restart()
        await self.settlement.connect()

    async def open_in_terminal(self, thread_id: str) -> Verification:
        """Verify a thread, and open a terminal in its session only if the verdict allows it. Raises what `verify` raises."""
        found = await self.prompting.verify(thread_id)
        if found.verdict.kind is Kind.RESUMABLE and found.session_id is not None:
            await self.opener.terminal(found.thread)
        return found

    async def open_in_t3code(self, thread_id: str) -> OpenResult:
        """Open one of T3 Code's threads there. Raises ThreadNotFound, Refused, WorldError."""
        return await self.opener.t3code(await self.scanning.find(thread_id))

    async def new_thread(self, directory: str, title: str) -> str:
        """Create a thread with a session of its own; return its id. Raises what `start_server` raises, StoreError."""
        self.idle_shutdown.note()
        try:
            return (await self.threads.create(directory, title, await self.settlement.connect())).id
        finally:
            self.changed.set()

    async def rename(self, thread_id: str, title: str) -> None:
        """Raises ThreadNotFound, Refused for a thread of T3 Code's, UsageError, StoreError."""
        await self.threads.rename(await self.scanning.find(thread_id), title)
        self.snapshots.note_act()

    async def set_archived(self, thread_id: str, archived: bool) -> None:
        """Archive a thread, or bring it back. Raises ThreadNotFound, Refused for a thread of T3 Code's, StoreError."""
        await self.threads.archive(await self.scanning.find(thread_id), archived)
        self.snapshots.note_act()

    async def acknowledge(self, thread_id: str, fact: Acknowledged) -> None:
        """Note that the user has seen this fact of the thread, and no other. Raises StoreError."""
        await self.upkeep.acknowledge(thread_id, fact)
        self.snapshots.note_act()

    async def settle_restore(self, seen: SettlePlan) -> None:
        """Settle a restore of our own data, as the user has seen it. Raises Refused, StoreError."""
        await self.restoring.settle(seen)
        self.changed.set()

    async def search(self, text: str) -> frozenset[str]:
        """Return the ids of the threads whose conversation holds this text, in any case. A newer search ends this one."""
        seen = self.monitor.snapshot
        sessions = await asyncio.to_thread(threads_by_session, seen.rows if seen else ())
        return await self.text_search.find(text, sessions)

    async def change_setting(self, name: str, value: object) -> Settings:
        """Change one setting; return all as they are then. Raises UsageError, with a sentence to be shown beside its field."""
        settings = await self.preferences.change(name, value)
        self.changed.set()
        return settings

    async def take_inventory(self) -> Inventory:
        """Return what there is to work with, and what is missing. Takes some seconds at most. Raises StoreError."""
        return await self.inspection.inventory(await self.monitor.notifier.find_trouble())

    async def open_data_folder(self) -> None:
        """Raises WorldError when the desktop has no program that shows folders."""
        await asyncio.to_thread(self.launching.open_folder, self.data_directory)

    async def watch(self, thread_id: str) -> None:
        """Note that the user has this thread on screen, in front; with an empty id none."""
        self.monitor.notifier.set_visible_thread(thread_id or None)

    async def autostart(self) -> AutostartState:
        """Return whether t3tray starts at login."""
        return await login_state(self.data_directory)

    async def set_autostart(self, is_on: bool) -> AutostartState:
        """Turn it on (anew, for the copy that runs now) or off; return how it stands then, with what went wrong."""
        return await set_login_state(self.data_directory, is_on)

    async def journal(self, thread_id: str | None) -> tuple[Entry, ...]:
        """Return the history of one thread's bindings, or of all, oldest first. Raises ThreadNotFound, StoreError."""
        which = () if thread_id is None else ((await self.scanning.find(thread_id)).id,)
        return await self.run_sql(self.store.journal.entries, *which)

    async def answers(self, thread_id: str | None) -> tuple[GuardAnswer, ...]:
        """Return the guard's answers to T3 Code for one thread, or all, oldest first. Raises ThreadNotFound, StoreError."""
        which = None if thread_id is None else (await self.scanning.find(thread_id)).id
        return await self.run_sql(self.store.guard_answers.all, which)

    async def _archive_turn(self) -> None:
        await self.archive.update(await self.scanning.scan())
