"""Noticing what the user should be told of by the desktop: each look is compared with what is known, answers are passed on.

Showing goes on beside the looks, so that no desktop can delay them. It judges nothing: `domain.notice` does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, time
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
    notices,
    woke_up,
)
from t3tray.domain.pending_request import Answers, ApprovalRequest, PendingRequest, QuestionRequest, Reply
from t3tray.domain.server import ServerState
from t3tray.errors import T3TrayError
from t3tray.messages.notifications import NOT_ANSWERED, NotificationWording, wording
from t3tray.settings.definitions import Settings
from t3tray.system.notification_service import CLICKED, Heard, Notifications
from t3tray.system.tasks import OwnTasks
from t3tray.threads.snapshot import Snapshot

_log = logging.getLogger(__name__)
# What is told of an answer that did not arrive has an id of its own.
_FAILED = "failed "


class Answerer(Protocol):
    """Both give a sentence where the answer came too late, and raise T3TrayError."""

    async def reply(self, ask: ApprovalRequest, reply: Reply) -> str: ...

    async def answer(self, ask: QuestionRequest, answers: Answers | None) -> str: ...


def rules_of(settings: Settings) -> NotificationRules:
    """Times that cannot be read make no quiet hours."""
    wanted = frozenset(kind for kind in NotificationKind if getattr(settings, f"notice_{kind}"))
    with suppress(ValueError):
        return NotificationRules(
            wanted, QuietHours(time.fromisoformat(settings.quiet_from), time.fromisoformat(settings.quiet_until))
        )
    return NotificationRules(wanted)


class Notifier:
    """One for the app's life, on its event loop. `reach` gives the desktop, which calls what it is given with what it hears;
    `rules` are asked at each look; `now` is aware, in the user's own zone."""

    def __init__(
        self,
        reach: Callable[[Callable[[Heard], None]], Notifications],
        answerer: Answerer,
        rules: Callable[[], NotificationRules],
        now: Callable[[], datetime],
        clicked: Callable[[Click], None],
    ) -> None:
        self._notifications = reach(self._on_heard)
        self._answerer = answerer
        self._rules = rules
        self._now = now
        self._clicked = clicked
        self._started = now()
        self._memory = NotifierMemory(self._started)
        self._working: Working = frozenset()
        self._watched: str | None = None
        self._snapshot: Snapshot | None = None
        self._deeds: asyncio.Queue[tuple[Notification, bool]] = asyncio.Queue()
        self._answering = OwnTasks()
        self._settled: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Show and withdraw until cancelled; what the desktop does not take is logged by whoever hands it over."""
        self._settle()
        try:
            await self._notifications.look()
            while True:
                await self._do(*await self._deeds.get())
        finally:
            if self._settled:
                self._settled.cancel()
            self._answering.cancel()
            await self._notifications.close()

    async def find_trouble(self) -> str:
        """Why the desktop shows no notices, in a sentence; empty where it does. It takes some seconds at most."""
        await self._notifications.look()
        return self._notifications.trouble

    def look(self, snapshot: Snapshot) -> None:
        """Tell what is new in this snapshot, and withdraw what is over. It waits for nothing; a mistake in it costs no look."""
        try:
            self._compare(snapshot)
        except Exception:
            _log.exception("What to show a notice of could not be said, by a mistake of t3tray's.")

    def watch(self, thread_id: str | None) -> None:
        """The user has this thread on screen, in front; or none."""
        self._watched = thread_id
        self._look_again()

    def woke(self) -> None:
        """The machine slept."""
        self._memory = woke_up(self._memory, self._now())
        self._settle()

    def _compare(self, snapshot: Snapshot) -> None:
        if snapshot.server.state is ServerState.UNRESPONSIVE and self._snapshot:
            # What waited for the user waits on, as far as anybody can tell.
            snapshot = replace(snapshot, pending_requests=self._snapshot.pending_requests)
        self._snapshot = snapshot
        look, self._working = notification_facts(snapshot, self._working, self._watched, self._started, self._now())
        step = notices(self._memory, look, self._rules(), self._now())
        self._memory = step.memory
        for notice in step.withdrawn:
            self._deeds.put_nowait((notice, False))
        for notice in step.notices:
            self._deeds.put_nowait((notice, True))

    def _on_heard(self, heard: Heard) -> None:
        """What the user did with a notice that is, or was, on screen."""
        notice = next((notice for notice in self._memory.shown if notice.id == heard.notice_id), None)
        if heard.key == CLICKED:
            self._clicked(Click(notice.thread_id if notice else None, heard.token))
        elif notice and notice.remedy == heard.key:
            self._clicked(Click(notice.thread_id, heard.token, notice.remedy))
        elif notice and notice.ask:
            self._answering.start(self._answer(notice.ask, heard.key))

    async def _do(self, notice: Notification, is_shown: bool) -> None:
        try:
            if is_shown:
                await self._notifications.show(notice.id, wording(notice), notice.ask is not None)
            else:
                await self._notifications.withdraw(notice.id)
        except Exception:
            _log.exception("A notice could not be shown or withdrawn, by a mistake of t3tray's.")

    async def _answer(self, ask: PendingRequest, key: str) -> None:
        try:
            too_late = await self._pass_on(ask, key)
        except T3TrayError as error:
            _log.warning("An answer from a notice did not arrive: %s", error.message)
            too_late = error.message
        except Exception as bug:
            _log.exception("An answer from a notice did not arrive by a mistake of t3tray's.")
            too_late = f"t3tray made a mistake ({type(bug).__name__}). Answer in the window."
        if too_late:
            await self._notifications.show(f"{_FAILED}{ask.id}", NotificationWording(NOT_ANSWERED, too_late), False)

    async def _pass_on(self, ask: PendingRequest, key: str) -> str:
        """A sentence where the answer came too late."""
        answer = answer_of(ask, key)
        if isinstance(ask, ApprovalRequest) and isinstance(answer, Reply):
            return await self._answerer.reply(ask, answer)
        if isinstance(ask, QuestionRequest) and isinstance(answer, tuple):
            return await self._answerer.answer(ask, answer)
        return ""

    def _look_again(self) -> None:
        if self._snapshot:
            self.look(self._snapshot)

    def _settle(self) -> None:
        """What had to wait for the first moments is told at their end."""
        if self._settled:
            self._settled.cancel()
        self._settled = asyncio.get_running_loop().call_later(SETTLING.total_seconds(), self._look_again)
