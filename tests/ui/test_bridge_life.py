"""The bridge from its opening to its end: the backend that opens late or never, work that is stopped, and the ordered close."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import cast

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from t3tray.backend.backend import Backend
from t3tray.domain.alarm import Acknowledged
from t3tray.domain.conversation import Conversation
from t3tray.domain.remedy import Choice, Remedy
from t3tray.errors import OurBug, StoreError
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.bridge import Bridge
from tests.support.recording import RecordingBackend
from tests.support.views import READY, preview, row

OVERVIEW = Snapshot(READY, (row("a"),))
MakeBridge = Callable[[RecordingBackend], Bridge]


@pytest.fixture
def bridged(qtbot: QtBot) -> Iterator[MakeBridge]:
    made: list[Bridge] = []

    def make(backend: RecordingBackend) -> Bridge:
        made.append(Bridge(backend.open))
        return made[-1]

    yield make
    for bridge in made:
        bridge.close()
        assert bridge.join()


def test_what_is_asked_before_the_desk_is_there_is_done_later(qtbot: QtBot, bridged: MakeBridge) -> None:
    backend = RecordingBackend(OVERVIEW)
    bridge = bridged(backend)
    bridge.start()
    with qtbot.waitSignal(bridge.thread_made) as made:
        bridge.new_thread("/work", "Parser")
    assert made.args == ["made"] and backend.asked == [("new_thread", "/work", "Parser")]


def test_a_backend_that_cannot_be_opened_is_told_also_to_what_is_asked(qtbot: QtBot) -> None:
    async def broken(_publish: object) -> Backend:
        raise StoreError("It is damaged.")

    bridge = Bridge(broken)
    with qtbot.waitSignal(bridge.failed):
        bridge.start()
    with qtbot.waitSignal(bridge.failed) as told:
        bridge.stop_server()
    assert told.args is not None and told.args[0].message == "It is damaged."
    with qtbot.waitSignal(bridge.ended):
        bridge.close()
    assert bridge.join()


def test_a_mistake_of_ours_in_opening_it_is_told_and_the_app_ends_when_it_is_closed(qtbot: QtBot) -> None:
    async def broken(_publish: object) -> Backend:
        raise ImportError("no such module")

    bridge = Bridge(broken)
    with qtbot.waitSignal(bridge.failed) as told:
        bridge.start()
    assert told.args is not None and isinstance(told.args[0], OurBug)
    with qtbot.waitSignal(bridge.ended):
        bridge.close()
    assert bridge.join()


def test_who_gives_up_waiting_for_the_backend_harms_nobody_else(qtbot: QtBot) -> None:
    """It takes as long as its store and a slow disk do; meanwhile the app can be closed, too."""
    backend, may_open = RecordingBackend(OVERVIEW), asyncio.Event()

    async def slow(_publish: object) -> Backend:
        await may_open.wait()
        return cast(Backend, backend)

    bridge = Bridge(slow)
    bridge.start()
    for name in ("a", "b"):
        bridge.follow(name)
    with qtbot.waitSignal(bridge.conversation_changed) as told:
        bridge.hand_over(may_open.set)
    assert told.args == [Conversation("b", "ses_b")]
    bridge.close()
    assert bridge.join() and backend.closed


def test_an_app_whose_backend_never_opened_ends_all_the_same(qtbot: QtBot) -> None:
    async def never(_publish: object) -> Backend:
        await asyncio.Event().wait()
        raise AssertionError

    bridge = Bridge(never)
    bridge.start()
    bridge.read_details("a")
    with qtbot.waitSignal(bridge.ended):
        bridge.close()
    assert bridge.join()


def test_it_ends_in_order_and_only_once(qtbot: QtBot) -> None:
    backend = RecordingBackend(OVERVIEW)
    backend.slow_to_close = 0.05
    bridge = Bridge(backend.open)
    bridge.start()
    with qtbot.waitSignal(bridge.ended):
        bridge.close()
        bridge.close()
    assert backend.closed and bridge.join()
    bridge.close()
    bridge.read_details("a")


def test_what_is_asked_between_the_loops_end_and_its_threads_does_no_harm(qtbot: QtBot) -> None:
    lingering = threading.Event()
    bridge = Bridge(RecordingBackend(OVERVIEW).open)
    bridge.start()
    with qtbot.waitSignal(bridge.ended):
        # In the thread itself, after the signal has been sent to this one.
        bridge.ended.connect(lambda: lingering.wait(90), Qt.ConnectionType.DirectConnection)
        bridge.close()
    bridge.close()
    bridge.read_details("a")
    assert not bridge.join(0)
    lingering.set()
    assert bridge.join()


def test_a_draft_is_kept_even_when_the_app_ends_at_once(qtbot: QtBot) -> None:
    backend = RecordingBackend(OVERVIEW)
    backend.slow_to_keep = 0.05
    bridge = Bridge(backend.open)
    bridge.start()
    with qtbot.waitSignal(bridge.ended):
        bridge.save_draft("a", "half a thought")
        bridge.close()
    assert backend.asked == [("conversations.save_draft", "a", "half a thought")] and backend.closed
    assert bridge.join()


def test_what_takes_long_is_told_and_can_be_stopped(qtbot: QtBot, bridged: MakeBridge) -> None:
    backend = RecordingBackend(OVERVIEW)
    backend.lingers = asyncio.Event()
    bridge = bridged(backend)
    bridge.start()
    with qtbot.waitSignal(bridge.working_changed) as began:
        bridge.apply("a", Choice(Remedy.CARRY), preview(Remedy.CARRY))
    assert began.args
    ((work,),) = began.args
    assert work.words == "Carrying the conversation over…"
    with (
        qtbot.assertNotEmitted(bridge.remedied),
        qtbot.waitSignals(
            [bridge.noted, bridge.working_changed],
            check_params_cbs=[
                lambda words: words == "Stopped: carrying the conversation over.",
                lambda works: works == (),
            ],
        ),
    ):
        bridge.stop_work(work.number)
    bridge.stop_work(work.number)


def test_to_stop_the_start_of_the_server_stops_the_server(qtbot: QtBot, bridged: MakeBridge) -> None:
    backend = RecordingBackend(OVERVIEW)
    backend.lingers = asyncio.Event()
    bridge = bridged(backend)
    bridge.start()
    with qtbot.waitSignal(bridge.working_changed) as began:
        bridge.start_server()
    with qtbot.waitSignal(bridge.noted):
        bridge.stop_work(began.args[0][0].number)
    qtbot.waitUntil(lambda: backend.asked == [("start_server",), ("server.stop",)])


def test_what_goes_wrong_in_the_loop_where_nobody_waits_is_told(qtbot: QtBot) -> None:
    def fail() -> None:
        raise ZeroDivisionError("nobody waits")

    backend = RecordingBackend(OVERVIEW)
    backend.answers["acknowledge"] = lambda *_: asyncio.get_running_loop().call_soon(fail)
    bridge = Bridge(backend.open)
    bridge.start()
    with qtbot.waitSignal(bridge.failed) as told:
        bridge.acknowledge("a", Acknowledged.ALARMS)
    assert told.args
    (error,) = told.args
    assert isinstance(error, OurBug) and "nobody waits" in error.message and isinstance(error.__cause__, ZeroDivisionError)
    bridge.close()
    assert bridge.join()


def test_the_server_that_would_stay_is_stopped_before_the_end(qtbot: QtBot, bridged: MakeBridge) -> None:
    backend = RecordingBackend(OVERVIEW)
    bridge = bridged(backend)
    with qtbot.waitSignal(bridge.snapshot_changed):
        bridge.start()
    with qtbot.waitSignal(bridge.ended):
        bridge.close(stops_server=True)
    assert backend.asked == [("server.stop",)] and backend.closed
