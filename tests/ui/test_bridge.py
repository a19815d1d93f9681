"""The bridge: frozen values arrive in the GUI thread, calls go back, no error is swallowed, and it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from PySide6.QtCore import QObject, Signal, Slot
from pytestqt.qtbot import QtBot

from t3tray.domain.conversation import Conversation
from t3tray.domain.notification import Click
from t3tray.domain.pending_request import Reply
from t3tray.domain.remedy import Choice, Remedy
from t3tray.errors import OurBug, ServerDown, T3TrayError, UsageError
from t3tray.messages.desktop import PERMISSION_REASON
from t3tray.messages.pending_requests import GONE
from t3tray.settings.definitions import Settings
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.bridge import Bridge
from tests.support.recording import RecordingBackend
from tests.support.sample_messages import approval, inquiry
from tests.support.views import INVENTORY, NOON, READY, preview, protection_plan, row

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


class Thread(QObject):
    """Records the thread in which a value arrived."""

    def __init__(self) -> None:
        super().__init__()
        self.ident: int | None = None

    @Slot(object)
    def note(self, _value: object) -> None:
        self.ident = threading.get_ident()


def test_a_snapshot_arrives_in_the_gui_thread_and_is_kept(qtbot: QtBot, bridged: MakeBridge) -> None:
    bridge, arrived = bridged(RecordingBackend(OVERVIEW)), Thread()
    bridge.snapshot_changed.connect(arrived.note)
    with qtbot.waitSignal(bridge.snapshot_changed) as told:
        bridge.start()
    assert told.args == [OVERVIEW] and bridge.snapshot == OVERVIEW
    assert arrived.ident == threading.get_ident()


def test_what_did_not_change_is_told_once(qtbot: QtBot, bridged: MakeBridge) -> None:
    backend = RecordingBackend(OVERVIEW, OVERVIEW, Snapshot(READY))
    bridge, told = bridged(backend), list[Snapshot]()
    bridge.snapshot_changed.connect(told.append)
    bridge.start()
    with qtbot.waitSignal(bridge.details_changed):
        bridge.read_details("a")
    assert told == [OVERVIEW, Snapshot(READY)]


def test_the_reason_for_a_permission_comes_to_the_window(qtbot: QtBot, bridged: MakeBridge) -> None:
    backend = RecordingBackend(OVERVIEW)
    bridge = bridged(backend)
    bridge.start()
    bridge.announce_permission()
    qtbot.waitUntil(lambda: hasattr(backend, "permission_asked"))
    with qtbot.waitSignal(bridge.permission_asked) as asked:
        backend.permission_asked(PERMISSION_REASON)
    assert asked.args == [PERMISSION_REASON]


def test_a_remedy_is_previewed_and_then_shows_the_thread_anew(qtbot: QtBot, bridged: MakeBridge) -> None:
    backend = RecordingBackend(OVERVIEW)
    bridge = bridged(backend)
    bridge.start()
    choice = Choice(Remedy.BIND, "ses_2")
    with qtbot.waitSignal(bridge.previewed) as shown:
        bridge.preview("a", choice)
    assert shown.args == ["a", choice, preview(Remedy.BIND)]
    with qtbot.waitSignals([bridge.remedied, bridge.details_changed]):
        bridge.apply("a", choice, preview(Remedy.BIND))
    assert backend.asked == [
        ("remedies.preview", "a", choice),
        ("remedies.apply", "a", choice, preview(Remedy.BIND)),
        ("details.read", "a"),
    ]


def test_what_could_not_be_shown_in_t3_code_is_given_to_copy(qtbot: QtBot, bridged: MakeBridge) -> None:
    bridge, copied = bridged(RecordingBackend(OVERVIEW)), list[str]()
    bridge.copy_wanted.connect(copied.append)
    bridge.start()
    with qtbot.waitSignal(bridge.noted) as told:
        bridge.open_in_t3code("a")
    assert told.args
    (said,) = told.args
    assert copied == ["Thread a"] and "came to the front. The thread's title was copied" in said


def test_an_error_of_the_world_is_told_as_it_is(qtbot: QtBot, bridged: MakeBridge) -> None:
    backend = RecordingBackend(OVERVIEW)
    backend.trouble = ServerDown("Nobody listens.")
    bridge = bridged(backend)
    bridge.start()
    with qtbot.waitSignal(bridge.failed) as told:
        bridge.start_server()
    assert told.args == [backend.trouble]


def test_any_other_error_is_told_as_our_bug(qtbot: QtBot, bridged: MakeBridge) -> None:
    backend = RecordingBackend(OVERVIEW)
    backend.trouble = ZeroDivisionError("oops")
    bridge = bridged(backend)
    bridge.start()
    with qtbot.waitSignal(bridge.failed) as told:
        bridge.stop_server()
    assert told.args
    (error,) = told.args
    assert isinstance(error, OurBug) and "oops" in error.message


def test_one_conversation_is_followed_at_a_time(qtbot: QtBot, bridged: MakeBridge) -> None:
    backend = RecordingBackend(OVERVIEW)
    bridge = bridged(backend)
    bridge.start()
    with qtbot.waitSignal(bridge.conversation_changed) as told:
        bridge.follow("a")
    assert told.args == [Conversation("a", "ses_a")]
    with qtbot.waitSignal(bridge.conversation_changed):
        bridge.follow("b")
    bridge.follow("")
    qtbot.waitUntil(lambda: ("unfollow", "b") in backend.asked)
    done = [words[:2] for words in backend.asked]
    follow = "conversations.follow"
    assert done == [(follow, "a"), ("unfollow", "a"), (follow, "b"), ("unfollow", "b")]


def test_a_gui_that_is_busy_finds_the_newest_picture_only(qtbot: QtBot, bridged: MakeBridge) -> None:
    told: list[str] = []
    published = threading.Event()

    def quick(thread_id: str, publish: Callable[[Conversation], None]) -> None:
        for number in range(1000):
            publish(Conversation(thread_id, notice=str(number)))
        published.set()

    backend = RecordingBackend(OVERVIEW)
    backend.answers["conversations.follow"] = quick
    bridge = bridged(backend)
    bridge.conversation_changed.connect(lambda conversation: told.append(conversation.notice))
    bridge.start()
    bridge.follow("a")
    assert published.wait(90), "the GUI thread waits here, and takes nothing"
    qtbot.waitUntil(lambda: "999" in told)
    assert told == ["999"]


def test_what_was_sent_and_what_was_refused_is_told_with_its_thread(qtbot: QtBot, bridged: MakeBridge) -> None:
    backend = RecordingBackend(OVERVIEW)
    bridge = bridged(backend)
    bridge.start()
    with qtbot.waitSignal(bridge.sent) as sent:
        bridge.send("a", "go on", True)
    assert sent.args == ["a", "go on"] and backend.asked == [("conversations.send", "a", "go on", True)]
    backend.trouble = ServerDown("Nobody listens.")
    with qtbot.waitSignal(bridge.refused) as refused, qtbot.assertNotEmitted(bridge.failed):
        bridge.send("a", "go on", False)
    assert refused.args == ["a", backend.trouble]
    backend.trouble = ZeroDivisionError("oops")
    with qtbot.waitSignals([bridge.refused, bridge.failed]):
        bridge.send("a", "go on", False)


def test_an_answer_that_comes_too_late_is_told_and_one_that_fails_too(qtbot: QtBot, bridged: MakeBridge) -> None:
    backend = RecordingBackend(OVERVIEW)
    bridge = bridged(backend)
    bridge.start()
    backend.late = GONE
    with qtbot.waitSignal(bridge.noted) as told:
        bridge.reply(approval(), Reply.ONCE)
    assert told.args == [GONE]
    with qtbot.waitSignal(bridge.noted):
        bridge.answer(inquiry(), (("SQLite",),))
    backend.trouble = ServerDown("Nobody listens.")
    with qtbot.waitSignals([bridge.answer_failed, bridge.failed]):
        bridge.answer(inquiry(), None)
    assert backend.asked == [
        ("conversations.reply", approval(), Reply.ONCE),
        ("conversations.answer", inquiry(), (("SQLite",),)),
        ("conversations.answer", inquiry(), None),
    ]


def test_what_else_is_asked_reaches_the_desk(qtbot: QtBot, bridged: MakeBridge) -> None:
    backend = RecordingBackend(OVERVIEW)
    bridge = bridged(backend)
    bridge.start()
    bridge.show_older()
    bridge.show_agent("ses_c")
    bridge.stop_turn("a")
    qtbot.waitUntil(lambda: len(backend.asked) == 3)
    assert backend.asked == [
        ("conversations.show_older",),
        ("conversations.show_agent", "ses_c"),
        ("conversations.stop_turn", "a"),
    ]


def test_five_thousand_signals_do_no_harm(qtbot: QtBot) -> None:
    """PySide6 6.12 on Python 3.11 ends the process after some 580."""

    class Source(QObject):
        happened = Signal(object)

    source, heard = Source(), list[int]()
    source.happened.connect(heard.append)
    for number in range(5000):
        source.happened.emit(number)
    assert len(heard) == 5000


def test_a_setting_is_kept_or_refused_beside_its_field(qtbot: QtBot, bridged: MakeBridge) -> None:
    backend = RecordingBackend(OVERVIEW)
    bridge = bridged(backend)
    bridge.start()
    with qtbot.waitSignal(bridge.setting_saved) as kept:
        bridge.change_setting("server_port", 4096)
    assert kept.args == ["server_port", Settings(server_port=4096)]
    backend.trouble = UsageError("A port is between 1024 and 65535.")
    with qtbot.waitSignal(bridge.setting_refused) as refused, qtbot.assertNotEmitted(bridge.failed):
        bridge.change_setting("server_port", 80)
    assert refused.args == ["server_port", "A port is between 1024 and 65535."]


def test_a_mistake_in_keeping_a_setting_is_told_and_the_field_is_put_back(qtbot: QtBot, bridged: MakeBridge) -> None:
    backend = RecordingBackend(OVERVIEW)
    backend.trouble = ZeroDivisionError("oops")
    bridge = bridged(backend)
    bridge.start()
    with qtbot.waitSignals([bridge.setting_refused, bridge.failed]):
        bridge.change_setting("vault", False)


def test_what_was_found_and_the_diagnostics_are_told(qtbot: QtBot, bridged: MakeBridge) -> None:
    backend = RecordingBackend(OVERVIEW)
    bridge = bridged(backend)
    bridge.start()
    with qtbot.waitSignal(bridge.inventory_taken) as taken:
        bridge.take_inventory()
    assert taken.args == [INVENTORY]
    with qtbot.waitSignal(bridge.diagnosed) as told:
        bridge.diagnose(("Qt 6",))
    assert told.args == ["all that helps"] and backend.asked[-1] == ("inspection.diagnostics", ("Qt 6",))


def test_the_lists_intents_reach_the_desk_and_what_was_said_comes_back(qtbot: QtBot, bridged: MakeBridge) -> None:
    backend = RecordingBackend(OVERVIEW)
    bridge = bridged(backend)
    bridge.start()
    bridge.rename("a", "Parser")
    bridge.set_archived("a", True)
    bridge.reply(approval(), Reply.ONCE)
    bridge.answer(inquiry(), None)
    with qtbot.waitSignal(bridge.saying_found) as found:
        bridge.search("pelican")
    assert found.args == ["pelican", frozenset({"found"})]
    assert backend.asked == [
        ("rename", "a", "Parser"),
        ("set_archived", "a", True),
        ("conversations.reply", approval(), Reply.ONCE),
        ("conversations.answer", inquiry(), None),
        ("search", "pelican"),
    ]


def test_the_listing_is_made_in_the_other_thread_and_keeps_what_has_not_changed(qtbot: QtBot, bridged: MakeBridge) -> None:
    backend = RecordingBackend(OVERVIEW, Snapshot(READY, (row("a"), row("b"))))
    bridge = bridged(backend)
    listings = []
    bridge.snapshot_changed.connect(lambda _: listings.append(bridge.listing))
    bridge.start()
    qtbot.waitUntil(lambda: bridge.listing is not None and "b" in bridge.listing.items)
    assert bridge.listing is not None and bridge.listing.snapshot.rows[0] == OVERVIEW.rows[0]
    assert bridge.listing.items["a"] is OVERVIEW.rows[0]


def test_a_click_on_a_notice_arrives_in_the_gui_thread(qtbot: QtBot, bridged: MakeBridge) -> None:
    backend = RecordingBackend(OVERVIEW)
    bridge, arrived = bridged(backend), Thread()
    bridge.notice_clicked.connect(arrived.note)
    bridge.start()
    bridge.watch("a")
    qtbot.waitUntil(lambda: ("watch", "a") in backend.asked)
    with qtbot.waitSignal(bridge.notice_clicked) as told:
        bridge.hand_over(lambda: backend.click(Click("a", "leave")))
    assert told.args == [Click("a", "leave")] and arrived.ident == threading.get_ident()


def test_the_guard_is_previewed_and_then_switched(qtbot: QtBot, bridged: MakeBridge) -> None:
    backend = RecordingBackend(OVERVIEW)
    bridge = bridged(backend)
    bridge.start()
    with qtbot.waitSignal(bridge.protection_previewed) as shown:
        bridge.preview_protection(True)
    assert shown.args == [protection_plan(True)]
    with qtbot.waitSignal(bridge.protection_changed) as changed:
        bridge.protect(True, False, False)
    assert changed.args and changed.args[0].answers
    assert ("guard.service.plan", True) in backend.asked and backend.asked[-1] == ("guard.protect", True, False)
    with qtbot.waitSignals([bridge.protection_changed, bridge.autostart_changed]):
        bridge.protect(True, True, True)
    assert backend.asked[-2:] == [("guard.protect", True, True), ("set_autostart", True)]
    backend.trouble = ServerDown("not now")
    with qtbot.waitSignal(bridge.failed):
        bridge.protect(False, True, False)


@pytest.mark.parametrize("trouble", [ServerDown("Nobody listens."), ZeroDivisionError("oops"), OurBug("oops")])
def test_what_nobody_asked_for_fails_without_raising_anything(qtbot: QtBot, bridged: MakeBridge, trouble: Exception) -> None:
    backend = RecordingBackend(OVERVIEW)
    backend.trouble = trouble
    bridge, raised = bridged(backend), list[T3TrayError]()
    bridge.failed.connect(raised.append)
    bridge.start()
    with qtbot.waitSignal(bridge.search_failed) as searched:
        bridge.search("words")
    assert searched.args and searched.args[0] == "words"
    asks = partial(bridge.read_details, "a"), partial(bridge.visit, "a", NOON), partial(bridge.save_draft, "a", "text")
    for ask in asks:
        with qtbot.waitSignal(bridge.failed_quietly) as told:
            ask()
        assert told.args and ("Nobody listens." in str(told.args[0]) or "oops" in str(told.args[0]))
    assert raised == []
