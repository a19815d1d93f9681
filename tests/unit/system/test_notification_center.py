"""Notifications on macOS and Windows, tested on this system: desktop-notifier has one interface for all three."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from threading import Thread

import pytest
from dbus_fast.aio import MessageBus
from desktop_notifier import DesktopNotifier
from desktop_notifier.backends.dummy import DummyNotificationCenter

from t3tray.messages.desktop import CENTER_NO_ANSWER, NO_PERMISSION, NOT_ASKED_YET, NOT_INSTALLED, PERMISSION_REASON
from t3tray.messages.notifications import Button, NotificationWording
from t3tray.system import notification_center
from t3tray.system.appkit import AppKit, NoticePermission
from t3tray.system.notification_center import CenterNotifications
from t3tray.system.notification_service import CLICKED, NotificationPress
from tests.support.notification_daemon import NotificationDaemon, SessionBus

PUSH = NotificationWording("Parser", "Wants to run git push", (Button("once", "Allow Once"), Button("reject", "Reject")))


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[NotificationDaemon]:
    with SessionBus() as bus, NotificationDaemon(bus.address) as running:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
        yield running


@asynccontextmanager
async def center(reasons: list[str] | None = None) -> AsyncIterator[tuple[CenterNotifications, asyncio.Queue[NotificationPress]]]:
    heard: asyncio.Queue[NotificationPress] = asyncio.Queue()
    connect, buses = MessageBus.connect, list[MessageBus]()

    async def recorded(bus: MessageBus) -> MessageBus:
        buses.append(await connect(bus))
        return buses[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MessageBus, "connect", recorded)
        made = CenterNotifications("", heard.put_nowait, reasons.append if reasons is not None else lambda reason: None)
        yield made, heard
        await made.close()
    # Ours never closes it: the process ends.
    for bus in buses:
        bus.disconnect()
        await bus.wait_for_disconnect()


async def next_of(heard: asyncio.Queue[NotificationPress]) -> NotificationPress:
    async with asyncio.timeout(90):
        return await heard.get()


@pytest.mark.process
async def test_a_notice_is_shown_pressed_and_withdrawn(daemon: NotificationDaemon) -> None:
    async with center() as (made, heard):
        await made.check()
        for number in range(3):
            await made.show(f"notice {number}", PUSH, stays=True)
        assert daemon.shown[0].buttons == {"once": "Allow Once", "reject": "Reject"}
        daemon.press(daemon.shown[0], "reject")
        daemon.press(daemon.shown[1], CLICKED)
        assert [await next_of(heard), await next_of(heard)] == [
            NotificationPress("notice 0", "reject"),
            NotificationPress("notice 1", CLICKED),
        ]
        await made.withdraw("notice 0")
        await made.withdraw("notice 2")
        assert daemon.on_screen == [] and made.trouble == ""


async def test_a_copy_that_may_show_none_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop_notifier.main.get_backend_class", lambda: DummyNotificationCenter)
    made = CenterNotifications("", lambda heard: None)
    await made.check()
    await made.show("one", PUSH, stays=True)
    assert made.trouble == NOT_INSTALLED


@pytest.mark.process
async def test_a_user_who_gives_no_leave_is_shown_nothing(daemon: NotificationDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(self: DesktopNotifier) -> bool:
        return False

    monkeypatch.setattr(DesktopNotifier, "request_authorisation", refused)
    async with center() as (made, _):
        await made.show("one", PUSH, stays=True)
        assert made.trouble == NO_PERMISSION and daemon.shown == []


class Settings(AppKit):
    """AppKit with a permission that the user has given or not."""

    permission = NoticePermission.NOT_ASKED

    def ask_notice_permission(self, answer: Callable[[NoticePermission], None]) -> None:
        # A thread of the system's answers, as on macOS.
        Thread(target=answer, args=(self.permission,)).start()


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    made = Settings()
    monkeypatch.setattr(notification_center, "app_kit", lambda: made)
    return made


@pytest.mark.process
async def test_the_reason_is_given_before_the_system_asks_and_once(
    daemon: NotificationDaemon, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    happened: list[str] = []

    async def asked(self: DesktopNotifier) -> bool:
        happened.append("the system asks")
        settings.permission = NoticePermission.GIVEN
        return True

    monkeypatch.setattr(DesktopNotifier, "request_authorisation", asked)
    async with center(happened) as (made, _):
        await made.check()
        assert made.trouble == NOT_ASKED_YET and happened == []
        await made.show("one", PUSH, stays=True)
        assert happened[:2] == [PERMISSION_REASON, "the system asks"]
        await made.show("two", PUSH, stays=True)
        assert happened.count(PERMISSION_REASON) == 1 and len(daemon.shown) == 2 and made.trouble == ""


@pytest.mark.process
async def test_a_permission_that_was_denied_is_said_with_where_to_give_it(daemon: NotificationDaemon, settings: Settings) -> None:
    settings.permission = NoticePermission.DENIED
    async with center() as (made, _):
        await made.check()
        assert made.trouble.startswith(NO_PERMISSION) and "System Settings, under Notifications" in made.trouble
        settings.permission = NoticePermission.GIVEN
        await made.check()
        assert made.trouble == ""


@pytest.mark.process
async def test_a_system_that_does_not_say_its_permission_is_given_up(
    daemon: NotificationDaemon, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.permission = NoticePermission.GIVEN
    async with center() as (made, _):
        await made.check()
        assert made.trouble == ""
        monkeypatch.setattr(settings, "ask_notice_permission", lambda answer: None)
        monkeypatch.setattr(notification_center, "LIMIT", 0.2)
        await made.check()
        assert made.trouble == CENTER_NO_ANSWER


@pytest.mark.process
async def test_a_centre_that_hangs_is_given_up(daemon: NotificationDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notification_center, "LIMIT", 0.2)
    async with center() as (made, _):
        await made.show("one", PUSH, stays=True)
        daemon.hangs = True
        await made.show("two", PUSH, stays=True)
        assert made.trouble == CENTER_NO_ANSWER
