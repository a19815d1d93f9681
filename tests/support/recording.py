"""A backend that only records what it is asked, made from the class itself: a name or a signature that is not there fails.

What a call returns is in `answers`, by the call's name as one writes it on a backend ("remedies.preview"), else None.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from t3tray.backend.backend import Backend
from t3tray.domain.conversation import Conversation
from t3tray.domain.inventory import AutostartState
from t3tray.domain.remedy import Choice, Preview
from t3tray.domain.verification import OpenResult, Verification
from t3tray.errors import ServerDown
from t3tray.guard.status import GuardStatus
from t3tray.guard.t3_settings import Protection, ProtectionView
from t3tray.messages.restore import settle_plan
from t3tray.settings.definitions import Settings
from t3tray.threads.snapshot import Snapshot, ThreadRow
from tests.support.views import INVENTORY, RESTORE, details, preview, protection_plan, receipt

# What the bridge does by itself.
_SILENT = frozenset({"run", "close", "autostart"})
parts_of = cache(get_type_hints)


class Recorder:
    """A part of a backend. `take` is given each call's name and arguments."""

    def __init__(self, kind: type, take: Callable[..., Any], path: str = "") -> None:
        self._kind = kind
        self._take = take
        self._path = path

    def __getattr__(self, name: str) -> Any:
        path = f"{self._path}{name}"
        if name in parts_of(self._kind):
            made: Any = Recorder(parts_of(self._kind)[name], self._take, f"{path}.")
            setattr(self, name, made)
            return made
        method = getattr(self._kind, name)
        signature = inspect.signature(method)
        assert inspect.iscoroutinefunction(method), f"{path} is no coroutine: it cannot be asked across threads"

        async def call(*words: Any, **named: Any) -> Any:
            given = signature.bind(self, *words, **named).arguments
            answer = self._take(path, *list(given.values())[1:])
            return await answer if inspect.isawaitable(answer) else answer

        return call


class RecordingBackend(Recorder):
    """Publishes the snapshots that it is given. `asked` holds the calls in order, each with its name first; `trouble` is raised
    by each. `open` is for a `Bridge`. `lingers`: what slow calls wait for, where a test sets it."""

    def __init__(self, *snapshots: Snapshot) -> None:
        super().__init__(Backend, self._record)
        self.snapshots = snapshots
        self.asked: list[tuple[Any, ...]] = []
        self.trouble: Exception | None = None
        self.closed = False
        self.click: Callable[..., None] = lambda click: None
        self.lingers: asyncio.Event | None = None
        self.slow_to_keep = self.slow_to_close = 0.0
        self.login = AutostartState(False)
        self.late = ""
        # Whether a thread that is followed has an empty conversation; else none comes.
        self.has_conversation = True
        self.answers: dict[str, Callable[..., Any]] = {
            "run": self._run,
            "close": self._close,
            "details.read": lambda thread_id: details(self._row(thread_id)),
            "prompting.verify": self._verification,
            "open_in_terminal": self._verification,
            "open_in_t3code": lambda thread_id: OpenResult("T3 Code came to the front.", title=self._row(thread_id).thread.title),
            "start_server": self._linger,
            "remedies.preview": lambda _, choice: preview(choice.remedy),
            "remedies.apply": self._apply,
            "guard.service.plan": protection_plan,
            "guard.protect": self._protect,
            "restoring.plan": lambda: settle_plan(RESTORE, ("Thread a",), ()),
            "new_thread": lambda *_: "made",
            "change_setting": lambda name, value: replace(Settings(), **{name: value}),
            "autostart": lambda: self.login,
            "set_autostart": self._set_autostart,
            "take_inventory": lambda: INVENTORY,
            "inspection.diagnostics": lambda _: "all that helps",
            "search": lambda _: frozenset({"found"}),
            "conversations.follow": self._follow,
            "conversations.save_draft": lambda *_: asyncio.sleep(self.slow_to_keep),
            "conversations.reply": lambda *_: self.late,
            "conversations.answer": lambda *_: self.late,
        }

    async def open(self, _publish: Callable[[Snapshot], None]) -> Any:
        return self

    def _record(self, name: str, *words: Any) -> Any:
        if name not in _SILENT:
            self.asked.append((name, *words))
            if self.trouble:
                raise self.trouble
        answer = self.answers.get(name)
        return answer(*words) if answer else None

    async def _run(self, publish: Callable[[Snapshot], None], click: Callable[..., None]) -> None:
        self.click = click
        for snapshot in self.snapshots:
            publish(snapshot)
        await asyncio.Event().wait()

    async def _close(self) -> None:
        await asyncio.sleep(self.slow_to_close)
        self.closed = True

    async def _linger(self) -> None:
        if self.lingers:
            await self.lingers.wait()

    async def _apply(self, _thread_id: str, _choice: Choice, seen: Preview) -> Preview:
        await self._linger()
        return seen

    async def _follow(self, thread_id: str, publish: Callable[[Conversation], None]) -> None:
        try:
            if self.has_conversation:
                publish(Conversation(thread_id, f"ses_{thread_id}"))
            await asyncio.Event().wait()
        finally:
            self.asked.append(("unfollow", thread_id))

    def _protect(self, on: bool, _interrupt: bool) -> GuardStatus:
        state, words = (Protection.GUARDED, "It is guarded.") if on else (Protection.NOT_GUARDED, "It is not guarded.")
        return GuardStatus("http://127.0.0.1:4711", on, (ProtectionView(Path("/home/dev/.t3"), state, words),))

    def _set_autostart(self, is_on: bool) -> AutostartState:
        self.login = AutostartState(is_on)
        return self.login

    def _verification(self, thread_id: str) -> Verification:
        found = self._row(thread_id)
        return Verification(found.thread, found.session_id, found.verdict, receipt(found))

    def _row(self, thread_id: str) -> ThreadRow:
        for found in (row for snapshot in self.snapshots for row in snapshot.rows):
            if found.thread.id == thread_id:
                return found
        raise ServerDown(f"nobody knows {thread_id}")
