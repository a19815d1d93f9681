"""The desktop's notification service: shown, pressed, withdrawn; absent, hanging, dying, and programs that imitate it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from jeepney import DBusAddress, new_signal
from jeepney.io.blocking import open_dbus_connection

from t3tray.messages.desktop import NO_ANSWER, NO_BUS, NO_SERVICE
from t3tray.messages.notifications import Button, NotificationWording
from t3tray.system import bus_notifications
from t3tray.system.bus_notifications import BusNotifications
from t3tray.system.notification_service import CLICKED, NotificationPress
from t3tray.system.notifications import open_notifications
from tests.support.notification_daemon import NAME, PATH, NotificationDaemon, SessionBus, Shown

BUTTONS = (Button("once", "Allow Once"), Button("reject", "Reject"))
PUSH = NotificationWording("Parser", "Wants to run <git> & push", BUTTONS)


@pytest.fixture
def bus() -> Iterator[SessionBus]:
    with SessionBus() as running:
        yield running


@pytest.fixture
def daemon(bus: SessionBus) -> Iterator[NotificationDaemon]:
    with NotificationDaemon(bus.address) as running:
        yield running


class Ear:
    def __init__(self) -> None:
        self.heard: asyncio.Queue[NotificationPress] = asyncio.Queue()

    async def next(self) -> NotificationPress:
        async with asyncio.timeout(90):
            return await self.heard.get()


@asynccontextmanager
async def notifications(address: str, icon: str = "") -> AsyncIterator[tuple[BusNotifications, Ear]]:
    ear = Ear()
    made = BusNotifications(address, icon, ear.heard.put_nowait)
    yield made, ear
    await made.close()


async def shown_by(daemon: NotificationDaemon, title: str) -> Shown:
    return await asyncio.to_thread(daemon.wait_for, title)


@pytest.mark.process
async def test_a_notice_has_its_buttons_and_what_is_pressed_is_heard_once(bus: SessionBus, daemon: NotificationDaemon) -> None:
    async with notifications(bus.address, "file:///icon.svg") as (made, ear):
        await made.show("one", PUSH, stays=True)
        notice = await shown_by(daemon, "Parser")
        assert notice.buttons == {"once": "Allow Once", "reject": "Reject"}
        assert (notice.lasting, notice.icon, notice.hints["desktop-entry"]) == (0, "file:///icon.svg", "t3tray")
        daemon.press(notice, "once")
        daemon.press(notice, "reject")
        await made.show("two", PUSH, stays=False)
        daemon.press(daemon.shown[-1], CLICKED, token="leave")
        assert [await ear.next(), await ear.next()] == [
            NotificationPress("one", "once"),
            NotificationPress("two", CLICKED, "leave"),
        ]
        assert ear.heard.empty() and made.trouble == ""


@pytest.mark.process
async def test_markup_is_escaped_only_for_a_service_that_reads_it(bus: SessionBus) -> None:
    for able, text in ((("body-markup", "actions"), "Wants to run &lt;git&gt; &amp; push"), (("actions",), PUSH.text)):
        with NotificationDaemon(bus.address, able) as daemon:
            async with notifications(bus.address) as (made, _):
                await made.show("one", PUSH, stays=False)
                assert (await shown_by(daemon, "Parser")).text == text


@pytest.mark.process
async def test_a_service_without_buttons_is_asked_for_none(bus: SessionBus) -> None:
    with NotificationDaemon(bus.address, ("body",)) as daemon:
        async with notifications(bus.address) as (made, _):
            await made.show("one", PUSH, stays=True)
            assert (await shown_by(daemon, "Parser")).actions == ()


@pytest.mark.process
async def test_what_is_withdrawn_closes_and_so_does_all_at_the_end(bus: SessionBus, daemon: NotificationDaemon) -> None:
    async with notifications(bus.address) as (made, _):
        await made.show("one", PUSH, stays=True)
        await made.show("two", PUSH, stays=True)
        await made.withdraw("one")
        await made.withdraw("never shown")
        assert [each.number for each in daemon.on_screen] == [2]
    assert daemon.on_screen == []


@pytest.mark.process
async def test_what_the_user_has_closed_is_not_withdrawn_any_more(bus: SessionBus, daemon: NotificationDaemon) -> None:
    async with notifications(bus.address) as (made, ear):
        await made.show("one", PUSH, stays=True)
        daemon.close(daemon.shown[0])
        daemon.press(daemon.shown[0], "once")
        await made.show("two", PUSH, stays=True)
        daemon.press(daemon.shown[1], "reject")
        assert await ear.next() == NotificationPress("two", "reject")


@pytest.mark.process
async def test_another_program_cannot_press_a_button(bus: SessionBus, daemon: NotificationDaemon) -> None:
    async with notifications(bus.address) as (made, ear):
        await made.show("one", PUSH, stays=True)
        with open_dbus_connection(bus.address) as other:
            other.send(new_signal(DBusAddress(PATH, interface=NAME), "ActionInvoked", "us", (1, "once")))
            # The bus delivers in order: when the service's own word is here, the other's was.
            await made.check()
        daemon.press(daemon.shown[0], "reject")
        assert await ear.next() == NotificationPress("one", "reject")


@pytest.mark.process
async def test_signals_of_another_form_keep_nobody_from_hearing_the_next(bus: SessionBus, daemon: NotificationDaemon) -> None:
    async with notifications(bus.address) as (made, ear):
        await made.show("one", PUSH, stays=True)
        for member in ("ActionInvoked", "NotificationClosed", "ActivationToken", "Unheard"):
            daemon.signal(member, None, ())
            daemon.signal(member, "s", ("words",))
        daemon.signal("ActionInvoked", "ss", ("1", "once"))
        daemon.press(daemon.shown[0], "reject")
        assert await ear.next() == NotificationPress("one", "reject")


@pytest.mark.process
async def test_what_goes_wrong_in_one_is_told_and_the_next_is_heard(
    bus: SessionBus, daemon: NotificationDaemon, caplog: pytest.LogCaptureFixture
) -> None:
    heard: asyncio.Queue[NotificationPress] = asyncio.Queue()

    def hear(one: NotificationPress) -> None:
        if one.key == "once":
            raise ValueError("nobody expected this")
        heard.put_nowait(one)

    made = BusNotifications(bus.address, "", hear)
    await made.show("one", PUSH, stays=True)
    await made.show("two", PUSH, stays=True)
    daemon.press(daemon.shown[0], "once")
    daemon.press(daemon.shown[1], "reject")
    async with asyncio.timeout(90):
        assert await heard.get() == NotificationPress("two", "reject")
    assert "could not be handled" in caplog.text
    await made.close()


@pytest.mark.process
async def test_a_lost_connection_is_made_again_while_something_is_shown(
    bus: SessionBus, daemon: NotificationDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, readers = asyncio.open_unix_connection, list[asyncio.StreamReader]()

    async def recorded(path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await connect(path)
        readers.append(reader)
        return reader, writer

    monkeypatch.setattr(asyncio, "open_unix_connection", recorded)
    monkeypatch.setattr(bus_notifications, "RETURN", 0.01)
    async with notifications(bus.address) as (made, ear):
        await made.show("one", PUSH, stays=True)
        (lost,) = readers
        lost.feed_data(b"no message at all, and long enough to be taken for the beginning of one")
        async with asyncio.timeout(90):
            while len(readers) == 1:
                await asyncio.sleep(0)
        # It waits for the first connection.
        await made.check()
        daemon.press(daemon.shown[0], "once")
        assert await ear.next() == NotificationPress("one", "once")


@pytest.mark.process
async def test_a_service_that_took_over_is_not_taken_for_the_one_that_showed_it(bus: SessionBus) -> None:
    async with notifications(bus.address) as (made, ear):
        with NotificationDaemon(bus.address) as first:
            await made.show("one", PUSH, stays=True)
            assert first.shown
        with NotificationDaemon(bus.address) as second:
            await made.show("two", PUSH, stays=True)
            # The numbers begin anew: its first is the second notice.
            assert [each.number for each in second.shown] == [1]
            second.press(second.shown[0], "once")
            assert await ear.next() == NotificationPress("two", "once")


@pytest.mark.parametrize("address", ["", "unix:path=/nowhere/bus", "tcp:host=localhost", "nonsense"])
async def test_without_a_bus_it_says_so_once_and_quietly(address: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with notifications(address) as (made, _):
        await made.check()
        await made.show("one", PUSH, stays=False)
        assert made.trouble and (address or made.trouble == NO_BUS)
    assert [record.levelname for record in caplog.records if record.name.startswith("t3tray")] == ["INFO"]


@pytest.mark.process
async def test_without_a_service_it_says_so_and_shows_again_when_one_comes(bus: SessionBus) -> None:
    async with notifications(bus.address) as (made, _):
        await made.check()
        assert made.trouble == NO_SERVICE
        with NotificationDaemon(bus.address) as daemon:
            await made.show("one", PUSH, stays=False)
            assert made.trouble == "" and len(daemon.shown) == 1


@pytest.mark.process
async def test_a_service_that_hangs_is_given_up(
    bus: SessionBus, daemon: NotificationDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_notifications, "LIMIT", 0.2)
    async with notifications(bus.address) as (made, ear):
        daemon.hangs = True
        began = time.monotonic()
        await made.show("one", PUSH, stays=True)
        assert made.trouble == NO_ANSWER and time.monotonic() - began < 2
        daemon.hangs = False
        await made.show("two", PUSH, stays=True)
        daemon.press(daemon.shown[-1], "once")
        assert await ear.next() == NotificationPress("two", "once")


async def test_a_bus_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus_notifications, "LIMIT", 0.2)
    ended = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        ended.set()

    async with (
        await asyncio.start_unix_server(say_nothing, tmp_path / "bus"),
        notifications(f"unix:path={tmp_path}/bus") as (made, _),
    ):
        await made.show("one", PUSH, stays=True)
        assert made.trouble == NO_ANSWER
        async with asyncio.timeout(90):
            await ended.wait()


@pytest.mark.process
async def test_a_bus_that_dies_is_told() -> None:
    with SessionBus() as bus, NotificationDaemon(bus.address):
        made = BusNotifications(bus.address, "", Ear().heard.put_nowait)
        await made.show("one", PUSH, stays=True)
    await made.show("two", PUSH, stays=True)
    assert made.trouble and made.trouble != NO_BUS
    await made.close()


@pytest.mark.process
async def test_a_bus_that_came_back_is_used_at_once(tmp_path: Path) -> None:
    address = f"unix:path={tmp_path}/bus"
    async with notifications(address) as (made, _):
        for number in range(2):
            with SessionBus(address) as bus, NotificationDaemon(bus.address) as daemon:
                await made.show(f"notice {number}", PUSH, stays=True)
                assert len(daemon.shown) == 1 and made.trouble == ""


async def test_linux_asks_the_bus() -> None:
    made = open_notifications("linux", {}, "", lambda reason: None, lambda heard: None)
    await made.check()
    assert made.trouble == NO_BUS


@pytest.mark.process
async def test_whenever_it_is_cancelled_it_ends(bus: SessionBus, daemon: NotificationDaemon) -> None:
    async with notifications(bus.address) as (made, _):
        for rounds in range(300):
            showing = asyncio.create_task(made.show(f"notice {rounds}", PUSH, stays=False))
            for _ in range(rounds % 60):
                await asyncio.sleep(0)
            had_ended = not showing.cancel()
            await asyncio.wait((showing,))
            assert had_ended or showing.cancelled()
        await made.show("last", PUSH, stays=False)
        assert made.trouble == "" and daemon.shown[-1].title == PUSH.title
