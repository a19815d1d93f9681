"""Show desktop notifications: compare each snapshot with what was shown before, and pass the user's answers on.

Showing runs beside the snapshots, so that a slow desktop cannot delay them. `domain.notification` decides what is shown.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, time
from functools import cached_property
from typing import Protocol

from t3tray.alerts.notification_sources import Working, notification_facts
from t3tray.domain.notification import (
    SETTLING,
    Click,
    Notification,
    NotificationKind,
    NotificationRules,
    NotifierMemory,
    QuietHours,
    answer_of,
    next_step,
    woke_up,
)
from t3tray.domain.pending_request import Answers, ApprovalRequest, PendingRequest, QuestionRequest, Reply
from t3tray.domain.server import ServerState
from t3tray.errors import T3TrayError
from t3tray.messages.notifications import NOT_ANSWERED, NotificationWording, bug_sentence, wording
from t3tray.settings.definitions import Settings
from t3tray.system.notification_service import CLICKED, NotificationPress, Notifications
from t3tray.system.tasks import OwnTasks
from t3tray.threads.snapshot import Snapshot

_log = logging.getLogger(__name__)
# Prefix of the id of a notification about an answer that did not arrive.
_FAILED = "failed "


class Answerer(Protocol):
    """Passes answers to the server. Both methods return a sentence if the answer came too late, else "". They raise
    T3TrayError."""

    async def reply(self, request: ApprovalRequest, reply: Reply) -> str: ...

    async def answer(self, request: QuestionRequest, answers: Answers | None) -> str: ...


def rules_of(settings: Settings) -> NotificationRules:
    """Return the notification rules of the settings. Quiet hours whose times cannot be parsed are ignored."""
    wanted = frozenset(kind for kind in NotificationKind if getattr(settings, f"notice_{kind}"))
    with suppress(ValueError):
        return NotificationRules(
            wanted, QuietHours(time.fromisoformat(settings.quiet_from), time.fromisoformat(settings.quiet_until))
        )
    return NotificationRules(wanted)


class Notifier:
    """Shows and withdraws notifications for the app's life, on its event loop.

    `reach` opens the desktop's notification service and gives it the callback for clicks; `rules` is called for each snapshot;
    `now` returns an aware time in the user's time zone.
    """

    def __init__(
        self,
        reach: Callable[[Callable[[NotificationPress], None]], Notifications],
        answerer: Answerer,
        rules: Callable[[], NotificationRules],
        now: Callable[[], datetime],
        clicked: Callable[[Click], None] = lambda click: None,
    ) -> None:
        self._reach = reach
        self._answerer = answerer
        self._rules = rules
        self._now = now
        self.clicked = clicked
        self._started = now()
        self._memory = NotifierMemory(self._started)
        self._working: Working = frozenset()
        self._visible_thread: str | None = None
        self._snapshot: Snapshot | None = None
        self._queue: asyncio.Queue[tuple[Notification, bool]] = asyncio.Queue()
        self._answering = OwnTasks()
        self._settled: asyncio.TimerHandle | None = None

    @cached_property
    def _notifications(self) -> Notifications:
        return self._reach(self._on_response)

    async def run(self) -> None:
        """Show and withdraw until cancelled. What the desktop refuses is logged by the notification service."""
        self._settle()
        try:
            await self._notifications.check()
            while True:
                await self._do(*await self._queue.get())
        finally:
            if self._settled:
                self._settled.cancel()
            self._answering.cancel()
            await self._notifications.close()

    async def find_trouble(self) -> str:
        """Return a sentence on why the desktop shows no notifications, empty if it does. Takes a few seconds at most."""
        await self._notifications.check()
        return self._notifications.trouble

    def update(self, snapshot: Snapshot) -> None:
        """Queue what is new in this snapshot and withdraw what is over. Does not block; an error in it is logged and loses no
        snapshot."""
        try:
            self._compare(snapshot)
        except Exception:
            _log.exception("The notifications of a snapshot could not be determined: a bug in t3tray.")

    def set_visible_thread(self, thread_id: str | None) -> None:
        """Note the thread that is visible in the active window; None for no thread."""
        self._visible_thread = thread_id
        self._update_again()

    def woke(self) -> None:
        """Note that the machine has woken up from sleep."""
        self._memory = woke_up(self._memory, self._now())
        self._settle()

    def _compare(self, snapshot: Snapshot) -> None:
        if snapshot.server.state is ServerState.UNRESPONSIVE and self._snapshot:
            # The server does not respond: its pending requests are assumed to be still open.
            snapshot = replace(snapshot, pending_requests=self._snapshot.pending_requests)
        self._snapshot = snapshot
        facts, self._working = notification_facts(snapshot, self._working, self._visible_thread, self._started, self._now())
        step = next_step(self._memory, facts, self._rules(), self._now())
        self._memory = step.memory
        for notification in step.withdrawn:
            self._queue.put_nowait((notification, False))
        for notification in step.notifications:
            self._queue.put_nowait((notification, True))

    def _on_response(self, press: NotificationPress) -> None:
        """Handle a click on a notification, or on one of its buttons."""
        notification = next((notification for notification in self._memory.shown if notification.id == press.notice_id), None)
        if press.key == CLICKED:
            self.clicked(Click(notification.thread_id if notification else None, press.token))
        elif notification and notification.remedy == press.key:
            self.clicked(Click(notification.thread_id, press.token, notification.remedy))
        elif notification and notification.request:
            self._answering.start(self._answer(notification.request, press.key))

    async def _do(self, notification: Notification, is_shown: bool) -> None:
        try:
            if is_shown:
                await self._notifications.show(notification.id, wording(notification), notification.request is not None)
            else:
                await self._notifications.withdraw(notification.id)
        except Exception:
            _log.exception("A notification could not be shown or withdrawn: a bug in t3tray.")

    async def _answer(self, request: PendingRequest, key: str) -> None:
        try:
            too_late = await self._pass_on(request, key)
        except T3TrayError as error:
            _log.warning("A request could not be answered from a notification: %s", error.message)
            too_late = error.message
        except Exception as bug:
            _log.exception("A request could not be answered from a notification: a bug in t3tray.")
            too_late = bug_sentence(bug)
        if too_late:
            await self._notifications.show(f"{_FAILED}{request.id}", NotificationWording(NOT_ANSWERED, too_late), False)

    async def _pass_on(self, request: PendingRequest, key: str) -> str:
        """Return a sentence if the answer came too late, else ""."""
        answer = answer_of(request, key)
        if isinstance(request, ApprovalRequest) and isinstance(answer, Reply):
            return await self._answerer.reply(request, answer)
        if isinstance(request, QuestionRequest) and isinstance(answer, tuple):
            return await self._answerer.answer(request, answer)
        return ""

    def _update_again(self) -> None:
        if self._snapshot:
            self.update(self._snapshot)

    def _settle(self) -> None:
        """Look at the snapshot once more when the settling time ends: what had to wait is shown then."""
        if self._settled:
            self._settled.cancel()
        self._settled = asyncio.get_running_loop().call_later(SETTLING.total_seconds(), self._update_again)
