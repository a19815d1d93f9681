"""Notifications on macOS and Windows, through desktop-notifier.

On macOS only a signed app bundle may show notifications, and the system asks the user for permission at the first one; clicks are
reported on the main thread, whose run loop is Qt's. Not tested on either system.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

from desktop_notifier import Button, Capability, DesktopNotifier, Icon, Notification

from t3tray.messages.desktop import (
    CENTER_FAILED,
    CENTER_NO_ANSWER,
    NOT_ASKED_YET,
    NOT_INSTALLED,
    PERMISSION_REASON,
    no_permission,
)
from t3tray.messages.notifications import NotificationWording
from t3tray.system.appkit import NoticePermission, app_kit
from t3tray.system.notification_service import CLICKED, NotificationPress, Trouble

T = TypeVar("T")

# In seconds: for each call, and for the user's permission.
LIMIT = 5.0
PERMISSION_LIMIT = 120.0
_TROUBLES = {NoticePermission.NOT_ASKED: NOT_ASKED_YET, NoticePermission.DENIED: no_permission("darwin")}


class CenterNotifications:
    """Implements `Notifications`. `asking` is called with the reason right before the system asks the user for permission."""

    def __init__(
        self, icon: str, on_press: Callable[[NotificationPress], None], asking: Callable[[str], None] = lambda reason: None
    ) -> None:
        self._asking = asking
        self._icon = icon
        self._on_press = on_press
        self._loop = asyncio.get_running_loop()
        self._trouble = Trouble()
        self._center: DesktopNotifier | None = None
        self._shown: set[str] = set()

    @property
    def trouble(self) -> str:
        return self._trouble.sentence

    async def check(self) -> None:
        center = await self._within(LIMIT, self._reach)
        permission = await self._within(LIMIT, self._permission) if center else None
        if permission is not None:
            self._trouble.set(_TROUBLES.get(permission, ""))

    async def show(self, notice_id: str, wording: NotificationWording, stays: bool) -> None:
        center = await self._within(LIMIT, self._reach)
        if center is None:
            return
        if await self._within(LIMIT, self._permission) is NoticePermission.NOT_ASKED:
            self._asking(PERMISSION_REASON)
        if not await self._within(PERMISSION_LIMIT, lambda: self._has_permission(center)):
            return
        # macOS caches the keys of buttons by their labels, so they must be the same each time.
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
        """Withdraw what is shown: clicks can no longer be received."""
        for notice_id in [*self._shown]:
            await self.withdraw(notice_id)

    async def _reach(self) -> DesktopNotifier | None:
        if self._center is None:
            center = DesktopNotifier("t3tray", Icon(uri=self._icon) if self._icon else None)
            if Capability.TITLE not in await center.get_capabilities():
                self._trouble.set(NOT_INSTALLED)
                return None
            center.on_clicked = lambda notice_id: self._pressed(NotificationPress(notice_id, CLICKED))
            center.on_button_pressed = lambda notice_id, key: self._pressed(NotificationPress(notice_id, key))
            self._center = center
        return self._center

    async def _permission(self) -> NoticePermission:
        """Return the current permission; the user is not asked."""
        answer: asyncio.Future[NoticePermission] = self._loop.create_future()

        def take(permission: NoticePermission) -> None:
            if not answer.done():
                answer.set_result(permission)

        def pass_on(permission: NoticePermission) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(take, permission)

        app_kit().ask_notice_permission(pass_on)
        return await answer

    async def _has_permission(self, center: DesktopNotifier) -> bool:
        has_permission = await center.request_authorisation()
        self._trouble.set("" if has_permission else no_permission(sys.platform))
        return has_permission

    def _pressed(self, press: NotificationPress) -> None:
        """Called in any thread of the system's."""
        self._shown.discard(press.notice_id)
        with contextlib.suppress(RuntimeError):  # the loop may have ended while a notification was still on screen
            self._loop.call_soon_threadsafe(self._on_press, press)

    async def _within(self, limit: float, call: Callable[[], Awaitable[T]]) -> T | None:
        try:
            async with asyncio.timeout(limit):
                return await call()
        except TimeoutError:
            self._trouble.set(CENTER_NO_ANSWER)
        except Exception as error:
            # The systems' own errors have no common base class.
            self._trouble.set(f"{CENTER_FAILED[:-1]} ({type(error).__name__}: {error}).")
        return None


async def _clear(center: DesktopNotifier, notice_id: str) -> None:
    with contextlib.suppress(KeyError):  # it was closed already
        await center.clear(notice_id)
