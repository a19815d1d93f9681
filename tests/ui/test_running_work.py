"""A long operation is published after a moment, can be stopped, and its end is published; a short one is never published."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QLabel, QProgressBar, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from t3tray.ui import running_work as module
from t3tray.ui.running_work import Work, Working
from t3tray.ui.widgets import progress
from t3tray.ui.widgets.progress import ProgressLine


class Told:
    """Records what was published, and waits for the next."""

    def __init__(self) -> None:
        self.all: asyncio.Queue[tuple[str, ...]] = asyncio.Queue()
        self.newest: tuple[Work, ...] = ()

    def publish(self, works: tuple[Work, ...]) -> None:
        self.newest = works
        self.all.put_nowait(tuple(work.words for work in works))

    async def next(self) -> tuple[str, ...]:
        async with asyncio.timeout(90):
            return await self.all.get()


def for_ever() -> asyncio.Task[None]:
    async def wait() -> None:
        await asyncio.Event().wait()

    return asyncio.ensure_future(wait())


async def test_what_takes_long_is_told_and_then_that_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AFTER", 0.01)
    told, over = Told(), asyncio.Event()

    async def wait() -> None:
        await over.wait()

    Working(told.publish).follow(asyncio.ensure_future(wait()), "Waiting…")
    assert await told.next() == ("Waiting…",)
    over.set()
    assert await told.next() == ()


async def test_what_is_over_soon_is_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told, loop = Told(), asyncio.get_running_loop()
    call_later, timers = loop.call_later, list[asyncio.TimerHandle]()

    def recorded(delay: float, callback: Callable[[Work], None], work: Work) -> asyncio.TimerHandle:
        timers.append(call_later(delay, callback, work))
        return timers[-1]

    monkeypatch.setattr(loop, "call_later", recorded)
    working = Working(told.publish)
    task = asyncio.ensure_future(asyncio.sleep(0))
    working.follow(task, "Quick…")
    await task
    await asyncio.sleep(0)
    assert told.all.empty()
    assert [timer.cancelled() for timer in timers] == [True]


async def test_what_is_stopped_is_cancelled_and_what_that_means_besides_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AFTER", 0.01)
    told, stopped, task = Told(), [], for_ever()
    working = Working(told.publish)
    working.follow(for_ever(), "Older…")
    working.follow(task, "Newer…", lambda: stopped.append("server"))
    await told.next()
    assert await told.next() == ("Older…", "Newer…")
    number = told.newest[-1].number
    assert working.stop(number) == Work(number, "Newer…")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await told.next() == ("Older…",) and stopped == ["server"]
    assert working.stop(number) is None and stopped == ["server"]


async def test_what_fails_is_over_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AFTER", 0.0)
    told, fails = Told(), asyncio.Event()

    async def fail() -> None:
        await fails.wait()
        raise ValueError("oops")

    task = asyncio.ensure_future(fail())
    Working(told.publish).follow(task, "Failing…")
    assert await told.next() == ("Failing…",)
    fails.set()
    with pytest.raises(ValueError, match="oops"):
        await task
    assert await told.next() == ()


@pytest.fixture
def line(qtbot: QtBot) -> ProgressLine:
    made = ProgressLine()
    qtbot.addWidget(made)
    return made


T = TypeVar("T", bound=QWidget)


def child(line: ProgressLine, kind: type[T]) -> T:
    found = line.findChild(kind)
    assert found is not None
    return found


def test_the_line_is_there_only_while_something_takes_long(line: ProgressLine) -> None:
    assert line.isHidden()
    line.show_working((Work(1, "Checking…"),))
    assert not line.isHidden() and child(line, QLabel).text() == "Checking…"
    line.show_working((Work(1, "Checking…"), Work(2, "Carrying over…")))
    assert child(line, QLabel).text() == "Carrying over… (and 1 more)"
    line.show_working(())
    assert line.isHidden()


def test_stop_is_passed_on_once(qtbot: QtBot, line: ProgressLine) -> None:
    line.show_working((Work(3, "Checking…"),))
    stop = child(line, QPushButton)
    with qtbot.waitSignal(line.stopped) as stopped:
        stop.click()
    assert stopped.args == [3] and not stop.isEnabled()
    line.show_working((Work(4, "Another…"),))
    assert stop.isEnabled()


def test_the_line_is_read_aloud(line: ProgressLine) -> None:
    line.show_working((Work(3, "Checking…"),))
    bar, stop = child(line, QProgressBar), child(line, QPushButton)
    assert QAccessible.queryAccessibleInterface(bar).text(QAccessible.Text.Name) == "Checking…"
    assert QAccessible.queryAccessibleInterface(stop).text(QAccessible.Text.Name) == "Stop: Checking…"


@pytest.mark.parametrize("reduced", [True, False])
def test_it_moves_only_where_the_system_has_nothing_against_it(
    line: ProgressLine, monkeypatch: pytest.MonkeyPatch, reduced: bool
) -> None:
    monkeypatch.setattr(progress, "motion_is_reduced", lambda: reduced)
    line.show_working((Work(3, "Checking…"),))
    bar = child(line, QProgressBar)
    assert (bar.maximum() == 0) is not reduced
