"""The bridge: frozen values cross to the GUI thread, intents cross back, nothing that goes wrong is swallowed, and it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QObject, Signal, Slot
from pytestqt.qtbot import QtBot

from t3tray.core.domain.notice import Click
from t3tray.core.domain.remedy import Choice, Remedy
from t3tray.core.errors import OurBug, ServerDown
from t3tray.core.services.views import Overview
from t3tray.qt.bridge import Bridge
from tests.support.views import READY, FakeDesk, preview, row

OVERVIEW = Overview(READY, (row("a"),))


@pytest.fixture
def bridged(qtbot: QtBot) -> Iterator[Callable[[FakeDesk], Bridge]]:
    made: list[Bridge] = []

    def make(desk: FakeDesk) -> Bridge:
        made.append(Bridge(lambda: desk))
        return made[-1]

    yield make
    for bridge in made:
        bridge.close()
        assert bridge.join()


class Thread(QObject):
    """Notes the thread in which a value arrived."""

    def __init__(self) -> None:
        super().__init__()
        self.ident: int | None = None

    @Slot(object)
    def note(self, _value: object) -> None:
        self.ident = threading.get_ident()


def test_an_overview_arrives_in_the_gui_thread_and_is_kept(qtbot: QtBot, bridged: Callable[[FakeDesk], Bridge]) -> None:
    bridge, arrived = bridged(FakeDesk(OVERVIEW)), Thread()
    bridge.overview_changed.connect(arrived.note)
    with qtbot.waitSignal(bridge.overview_changed) as told:
        bridge.start()
    assert told.args == [OVERVIEW] and bridge.overview == OVERVIEW
    assert arrived.ident == threading.get_ident()


def test_what_did_not_change_is_told_once(qtbot: QtBot, bridged: Callable[[FakeDesk], Bridge]) -> None:
    desk = FakeDesk(OVERVIEW, OVERVIEW, Overview(READY))
    bridge, told = bridged(desk), []
    bridge.overview_changed.connect(told.append)
    bridge.start()
    with qtbot.waitSignal(bridge.details_changed):
        bridge.look_at("a")
    assert told == [OVERVIEW, Overview(READY)]


def test_what_is_asked_before_the_desk_is_there_is_done_later(qtbot: QtBot, bridged: Callable[[FakeDesk], Bridge]) -> None:
    desk = FakeDesk(OVERVIEW)
    bridge = bridged(desk)
    bridge.start()
    with qtbot.waitSignal(bridge.thread_made) as made:
        bridge.new_thread("/work", "Parser")
    assert made.args == ["made"] and desk.asked == [("new", "/work", "Parser")]


def test_a_remedy_is_previewed_and_then_shows_the_thread_anew(qtbot: QtBot, bridged: Callable[[FakeDesk], Bridge]) -> None:
    desk = FakeDesk(OVERVIEW)
    bridge = bridged(desk)
    bridge.start()
    choice = Choice(Remedy.BIND, "ses_2")
    with qtbot.waitSignal(bridge.previewed) as shown:
        bridge.preview("a", choice)
    assert shown.args == ["a", choice, preview(Remedy.BIND)]
    with qtbot.waitSignals([bridge.remedied, bridge.details_changed]):
        bridge.apply("a", choice, preview(Remedy.BIND))
    assert desk.asked == [("preview", "a", "bind", "ses_2"), ("apply", "a", "bind", "ses_2"), ("details", "a")]


def test_an_error_of_the_world_is_told_as_it_is(qtbot: QtBot, bridged: Callable[[FakeDesk], Bridge]) -> None:
    desk = FakeDesk(OVERVIEW)
    desk.trouble = ServerDown("Nobody listens.")
    bridge = bridged(desk)
    bridge.start()
    with qtbot.waitSignal(bridge.failed) as told:
        bridge.start_server()
    assert told.args == [desk.trouble]


def test_any_other_error_is_told_as_our_bug(qtbot: QtBot, bridged: Callable[[FakeDesk], Bridge]) -> None:
    desk = FakeDesk(OVERVIEW)
    desk.trouble = ZeroDivisionError("oops")
    bridge = bridged(desk)
    bridge.start()
    with qtbot.waitSignal(bridge.failed) as told:
        bridge.stop_server()
    (error,) = told.args or ()
    assert isinstance(error, OurBug) and "oops" in error.message


def test_a_desk_that_cannot_be_made_is_told_too(qtbot: QtBot) -> None:
    def broken() -> FakeDesk:
        raise ImportError("no such module")

    bridge = Bridge(broken)
    with qtbot.waitSignals([bridge.failed, bridge.ended]):
        bridge.start()
    assert bridge.join()


def test_it_ends_in_order_and_only_once(qtbot: QtBot) -> None:
    desk = FakeDesk(OVERVIEW)
    desk.slow_to_close = 0.05
    bridge = Bridge(lambda: desk)
    bridge.start()
    with qtbot.waitSignal(bridge.ended):
        bridge.close()
        bridge.close()
    assert desk.closed and bridge.join()
    bridge.close()
    bridge.look_at("a")


def test_what_is_asked_between_the_loops_end_and_its_threads_does_no_harm(qtbot: QtBot) -> None:
    lingering = threading.Event()

    class Lingering(Bridge):
        def _main(self) -> None:
            super()._main()
            lingering.wait(10)

    bridge = Lingering(lambda: FakeDesk(OVERVIEW))
    bridge.start()
    with qtbot.waitSignal(bridge.ended):
        bridge.close()
    bridge.close()
    bridge.look_at("a")
    assert not bridge.join(0)
    lingering.set()
    assert bridge.join()


def test_five_thousand_signals_do_no_harm(qtbot: QtBot) -> None:
    """PySide6 6.12 on Python 3.11 ends the process after some 580."""

    class Source(QObject):
        happened = Signal(object)

    source, heard = Source(), []
    source.happened.connect(heard.append)
    for number in range(5000):
        source.happened.emit(number)
    assert len(heard) == 5000


def test_a_click_on_a_notice_arrives_in_the_gui_thread(qtbot: QtBot, bridged: Callable[[FakeDesk], Bridge]) -> None:
    desk = FakeDesk(OVERVIEW)
    bridge, arrived = bridged(desk), Thread()
    bridge.notice_clicked.connect(arrived.note)
    bridge.start()
    bridge.watch("a")
    qtbot.waitUntil(lambda: ("watch", "a") in desk.asked)
    with qtbot.waitSignal(bridge.notice_clicked) as told:
        bridge._hand_over(lambda: desk.click(Click("a", "leave")))
    assert told.args == [Click("a", "leave")] and arrived.ident == threading.get_ident()
