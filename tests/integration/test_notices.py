"""Notifications end to end: a real OpenCode asks, the desktop shows it, a pressed button acts, and no thread is missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from t3tray.backend.backend import Backend
from t3tray.domain.notification import Click
from t3tray.domain.pending_request import ApprovalRequest, Reply
from t3tray.messages.desktop import NO_SERVICE
from t3tray.threads.snapshot import Snapshot
from tests.support.notification_daemon import NotificationDaemon, SessionBus, Shown
from tests.support.opencode import RawServer

LIMIT = 90.0


@pytest.fixture
def bus(shared_server: RawServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[SessionBus]:
    for module in ("domain.notification", "alerts.notifier"):
        monkeypatch.setattr(f"t3tray.{module}.SETTLING", timedelta(0))
    for name, value in shared_server.environment.items():
        monkeypatch.setenv(name, value)
    with SessionBus() as running:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", running.address)
        yield running


@pytest.fixture
def daemon(bus: SessionBus) -> Iterator[NotificationDaemon]:
    with NotificationDaemon(bus.address) as running:
        yield running


class Running:
    """A running backend with one thread in `work`."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.snapshot: Snapshot | None = None
        self.clicks: asyncio.Queue[Click] = asyncio.Queue()
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self.backend.run(self._on_snapshot, self.clicks.put_nowait))

    async def begin(self, work: Path) -> None:
        self.thread = await self.backend.new_thread(str(work), "Refactor the parser")

    async def until(self, condition: Callable[[Snapshot], bool], what: str) -> None:
        try:
            async with asyncio.timeout(LIMIT):
                while self.snapshot is None or not condition(self.snapshot):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            pytest.fail(f"{what} did not come; {self.snapshot}")

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.backend.close()

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._news.set()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "opencode.json").write_text('{"permission": {"bash": "ask"}}')
    return folder


@pytest_asyncio.fixture
async def here(tmp_path: Path, bus: SessionBus, work: Path) -> AsyncIterator[Running]:
    running = Running(await Backend.open(str(tmp_path / "data"), "tray"))
    await running.begin(work)
    yield running
    await running.close()


async def notice(daemon: NotificationDaemon, title: str) -> Shown:
    return await asyncio.to_thread(daemon.wait_for, title)


async def gone(daemon: NotificationDaemon) -> None:
    await asyncio.to_thread(daemon.wait, lambda daemon: not daemon.on_screen, "an empty screen")


async def test_allow_once_on_the_notice_lets_the_tool_run_and_its_end_is_told(
    here: Running, daemon: NotificationDaemon, work: Path
) -> None:
    await here.backend.conversations.send(here.thread, "run: touch made")
    asked = await notice(daemon, "Refactor the parser")
    assert (asked.text, asked.lasting) == ("Wants to run touch made", 0)
    assert asked.buttons == {"once": "Allow Once", "reject": "Reject"}
    daemon.press(asked, "once")
    finished = await notice(daemon, "Refactor the parser")
    assert finished.text == "The agent has finished its turn." and (work / "made").exists()
    daemon.press(finished, "default", token="leave")
    assert await here.clicks.get() == Click(here.thread, "leave")


async def test_reject_on_the_notice_keeps_the_tool_from_running(here: Running, daemon: NotificationDaemon, work: Path) -> None:
    await here.backend.conversations.send(here.thread, "run: touch made")
    daemon.press(await notice(daemon, "Refactor the parser"), "reject")
    await here.until(lambda snapshot: not snapshot.pending_requests, "the end of the asking")
    assert not (work / "made").exists()


async def test_an_option_on_the_notice_answers_the_question(here: Running, daemon: NotificationDaemon) -> None:
    await here.backend.conversations.send(here.thread, "ask: Shall I <b>really</b>?")
    asked = await notice(daemon, "Refactor the parser")
    assert asked.text == "Shall I &lt;b&gt;really&lt;/b&gt;?" and [*asked.buttons.values()] == ["Yes", "No"]
    daemon.press(asked, "option-0")
    await here.until(lambda snapshot: not snapshot.pending_requests, "the end of the asking")
    assert (await notice(daemon, "Refactor the parser")).text == "The agent has finished its turn."


async def test_what_is_answered_in_the_app_is_withdrawn_and_its_thread_on_screen_is_not_told(
    here: Running, daemon: NotificationDaemon, work: Path
) -> None:
    await here.backend.watch(here.thread)
    await here.backend.conversations.send(here.thread, "run: touch made")
    await notice(daemon, "Refactor the parser")
    assert here.snapshot
    (ask,) = here.snapshot.pending_requests
    assert isinstance(ask, ApprovalRequest)
    await here.backend.conversations.reply(ask, Reply.ONCE)
    await gone(daemon)
    # Visible until its end: a turn that ends unseen is notified of.
    await here.until(lambda snapshot: snapshot.rows[0].verdict.reason.value == "proved", "the end of the turn")
    await here.backend.watch("")
    (work / "opencode.json").unlink()
    work.rename(work.with_name("moved"))
    # No event reports a deleted folder: the next change leads to the scan that finds it.
    await here.backend.rename(here.thread, "Refactor the parser")
    blocked = await notice(daemon, "“Refactor the parser” cannot be resumed")
    assert blocked.text.startswith("The thread's folder no longer exists")
    assert len(daemon.shown) == 2


async def test_without_a_service_everything_goes_on_and_it_is_said_why(here: Running, bus: SessionBus, work: Path) -> None:
    await here.backend.conversations.send(here.thread, "run: touch made")
    await here.until(lambda snapshot: bool(snapshot.pending_requests), "the asking")
    assert here.snapshot and here.snapshot.warnings == ()
    assert await here.backend.monitor.notifier.find_trouble() == NO_SERVICE
    (ask,) = here.snapshot.pending_requests
    assert isinstance(ask, ApprovalRequest)
    await here.backend.conversations.reply(ask, Reply.ONCE)
    await here.until(lambda snapshot: not snapshot.pending_requests, "the end of the asking")
