"""Notices on macOS and Windows, through desktop-notifier.

On macOS only a signed app bundle may show any, and the user is asked for leave when the first one comes; what is pressed is told
on the main thread, whose run loop is Qt's. Neither system was there to try it on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from desktop_notifier import Button, Capability, DesktopNotifier, Icon, Notification

from t3tray.messages.notifications import NotificationWording
from t3tray.system.notification_service import CLICKED, Heard, Trouble

T = TypeVar("T")

# In seconds: for each word to the system, and for the user to give leave.
LIMIT = 5.0
LEAVE_LIMIT = 120.0

NOT_HERE = "The system shows notices of installed programs only, and this copy of t3tray is none."
NO_LEAVE = "The system's settings do not let t3tray show notices."
NO_ANSWER = "The system's notification centre does not answer."
FAILED = "The system's notification centre failed."


class CenterNotifications:
    """See `Notifications`."""

    def __init__(self, icon: str, heard: Callable[[Heard], None]) -> None:
        self._icon = icon
        self._heard = heard
        self._loop = asyncio.get_running_loop()
        self._trouble = Trouble()
        self._center: DesktopNotifier | None = None
        self._shown: set[str] = set()

    @property
    def trouble(self) -> str:
        return self._trouble.sentence

    async def look(self) -> None:
        await self._within(LIMIT, self._reach)

    async def show(self, notice_id: str, wording: NotificationWording, stays: bool) -> None:
        center = await self._within(LIMIT, self._reach)
        if center is None or not await self._within(LEAVE_LIMIT, lambda: self._has_leave(center)):
            return
        # macOS remembers the keys of a row of buttons by their labels, so they are the same each time.
        buttons = tuple(Button(each.label, identifier=each.key) for each in wording.buttons)
        notification = Notification(wording.title, wording.text, buttons=buttons, identifier=notice_id)
        if await self._within(LIMIT, lambda: center.send_notification(notification)):
            self._shown.add(notice_id)

    async def withdraw(self, notice_id: str) -> None:
        center = self._center
        if center and notice_id in self._shown:
            self._shown.discard(notice_id)
            await self._within(LIMIT, lambda: _clear(center, notice_id))

    async def close(self) -> None:
        """Withdraw what is shown: nobody will hear of it any more."""
        for notice_id in [*self._shown]:
            await self.withdraw(notice_id)

    async def _reach(self) -> DesktopNotifier | None:
        if self._center is None:
            center = DesktopNotifier("t3tray", Icon(uri=self._icon) if self._icon else None)
            if Capability.TITLE not in await center.get_capabilities():
                self._trouble.tell(NOT_HERE)
                return None
            center.on_clicked = lambda notice_id: self._hear(Heard(notice_id, CLICKED))
            center.on_button_pressed = lambda notice_id, key: self._hear(Heard(notice_id, key))
            self._center = center
        return self._center

    async def _has_leave(self, center: DesktopNotifier) -> bool:
        has_leave = await center.request_authorisation()
        self._trouble.tell("" if has_leave else NO_LEAVE)
        return has_leave

    def _hear(self, heard: Heard) -> None:
        """In whatever thread the system tells it."""
        self._shown.discard(heard.notice_id)
        with contextlib.suppress(RuntimeError):  # the loop may have ended while a notice was still on screen
            self._loop.call_soon_threadsafe(self._heard, heard)

    async def _within(self, limit: float, deed: Callable[[], Awaitable[T]]) -> T | None:
        try:
            async with asyncio.timeout(limit):
                return await deed()
        except TimeoutError:
            self._trouble.tell(NO_ANSWER)
        except Exception as error:
            # The systems' own errors come under no common class.
            self._trouble.tell(f"{FAILED[:-1]} ({type(error).__name__}: {error}).")
        return None


async def _clear(center: DesktopNotifier, notice_id: str) -> None:
    with contextlib.suppress(KeyError):  # it was gone already
        await center.clear(notice_id)
