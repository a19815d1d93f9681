"""The page of one thread: its head, its tabs and their content, and when its conversation is followed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from t3tray.domain.alarm import Acknowledged, Alarm, AlarmKind, Cause, SessionContents
from t3tray.domain.pending_request import Reply
from t3tray.domain.remedy import Choice, Remedy
from t3tray.domain.verdict import Reason
from t3tray.errors import ServerDown
from t3tray.messages.alarms import alarm_sentence
from t3tray.messages.verdicts import receipt_text, sentence
from t3tray.threads.snapshot import ThreadDetails, ThreadRow
from t3tray.ui.conversation.prose import Prose
from t3tray.ui.conversation.request_card import RequestCard
from t3tray.ui.theme import colours, style_sheet
from t3tray.ui.threads.thread_page import ThreadPage
from tests.support.asked import Asked
from tests.support.sample_messages import answered, approval, asked, inquiry, long_talk, talk, used
from tests.support.views import NOON, details, in_t3, receipt, row


@pytest.fixture
def page(qtbot: QtBot, recorded: Asked) -> Iterator[ThreadPage]:
    recorded.backend.has_conversation = False
    made = ThreadPage(recorded.bridge, recorded.bridge.preview)
    qtbot.addWidget(made)
    made.setStyleSheet(style_sheet(colours()))
    made.resize(420, 640)
    made.show()
    yield made
    made.hide()


def texts(widget: QWidget) -> str:
    QApplication.processEvents()
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def buttons(widget: QWidget) -> dict[str, QAbstractButton]:
    QApplication.processEvents()
    return {found.text(): found for found in widget.findChildren(QAbstractButton) if found.isVisible() and found.text()}


def without_copy(shown: ThreadRow) -> ThreadDetails:
    """Return details without a copy of the conversation, so that it cannot be carried over."""
    known = details(shown)
    return replace(known, offered=tuple(remedy for remedy in known.offered if remedy is not Remedy.CARRY))


def tab(page: ThreadPage) -> str:
    return page.tabs.tabText(page.tabs.currentIndex())


def open_tab(page: ThreadPage, name: str) -> None:
    page.tabs.setCurrentIndex([page.tabs.tabText(number) for number in range(page.tabs.count())].index(name))


@pytest.mark.parametrize("reason", list(Reason))
def test_the_verdict_is_told_above_every_tab(page: ThreadPage, reason: Reason) -> None:
    shown = row("x", reason, title="Parser & printer")
    page.show_details(details(shown, "ses_old"))
    for number in range(4):
        page.tabs.setCurrentIndex(number)
        for part in ("Parser & printer", "/home/dev/x", sentence(shown.verdict)):
            assert part in texts(page.header)


def test_the_conversation_comes_first_where_it_can_be_read(page: ThreadPage) -> None:
    for reason, name in (
        (Reason.PROVED, "Conversation"),
        (Reason.SERVER_DOWN, "Conversation"),
        (Reason.DIRECTORY_MISSING, "Conversation"),
        (Reason.BAD_CURSOR, "Conversation"),
        (Reason.MISSING, "Receipt"),
        (Reason.UNBOUND, "Receipt"),
    ):
        page.show_details(without_copy(row(reason.value, reason)))
        assert tab(page) == name, reason
    page.show_details(details(row("kept", Reason.MISSING)))
    assert tab(page) == "Conversation", "a copy of it can be carried over, so it can be read"
    page.show_details(without_copy(row("typed", Reason.MISSING, draft="never lost")))
    assert tab(page) == "Conversation" and page.conversation.composer.editor.toPlainText() == "never lost"


def test_where_nothing_was_checked_yet_the_history_comes_first(page: ThreadPage) -> None:
    unread = replace(without_copy(row("a", Reason.MISSING)), receipt=None)
    page.show_row(unread.row)
    page.show_details(unread)
    assert tab(page) == "History"
    page.show_row(row("b", Reason.MISSING))
    open_tab(page, "Details")
    page.show_details(without_copy(row("b", Reason.MISSING)))
    assert tab(page) == "Details", "what the user chose meanwhile stays"


def test_a_tab_that_was_chosen_stays_while_the_thread_does(page: ThreadPage) -> None:
    shown = row("a")
    page.show_details(details(shown))
    open_tab(page, "History")
    page.show_details(details(shown, "ses_new"))
    assert tab(page) == "History"
    page.show_row(row("b"))
    assert tab(page) == "Conversation"


def test_the_receipt_tells_then_and_now_and_is_copied(page: ThreadPage) -> None:
    shown = row("a", Reason.MISSING)
    page.show_details(without_copy(shown))
    for part in ("session exists", "ses_1 → not found", "A note.", "OpenCode 1.18.33"):
        assert part in texts(page.receipt), part
    buttons(page.receipt)["Copy as Text"].click()
    assert QGuiApplication.clipboard().text() == receipt_text(receipt(shown))
    page.show_details(replace(details(shown), receipt=None))
    assert "No receipt yet" in texts(page.receipt)


def test_the_history_is_a_time_line_with_an_undo_where_there_is_one(page: ThreadPage, recorded: Asked) -> None:
    page.show_details(details(row("a")))
    open_tab(page, "History")
    assert "Bound to ses_a · made for this thread · by you" in texts(page.history) and not buttons(page.history)
    page.show_details(replace(details(row("a")), offered=(Remedy.UNDO,)))
    QApplication.processEvents()
    buttons(page.history)["Undo the Last Remedy…"].click()
    recorded.wait_for("remedies.preview", "a", Choice(Remedy.UNDO))
    page.show_details(replace(details(row("a")), journal=()))
    assert "The history is empty" in texts(page.history)


def test_after_a_switch_the_first_button_gives_t3_code_its_memory_back(page: ThreadPage, recorded: Asked) -> None:
    shown = replace(details(in_t3(row("a", Reason.CONFLICT))), offered=(Remedy.HEAL, Remedy.JOIN))
    page.show_details(shown)
    offered = page.header.offers(shown)
    assert offered[0][0] == "Give T3 Code Its Memory Back…"
    offered[0][1]()
    recorded.wait_for("remedies.preview", "a", Choice(Remedy.HEAL))


def test_the_details_are_copied(page: ThreadPage) -> None:
    page.show_details(details(row("a")))
    open_tab(page, "Details")
    for part in ("ses_a", "/home/dev/a", "41", "1.18.33", "Can be resumed · Proved"):
        assert part in texts(page.details), part
    buttons(page.details)["Copy All"].click()
    assert "Session: ses_a\n" in QGuiApplication.clipboard().text()


def test_the_details_tell_the_model_its_context_and_what_it_cost(page: ThreadPage) -> None:
    page.show_details(details(row("a")))
    open_tab(page, "Details")
    spent = {"model": "stub-1", "cost": 0.25}
    page.show_conversation(talk(answered(1, "a", sent_tokens=900, **spent), answered(3, "b", sent_tokens=1200, **spent)))
    for part in ("stub-1", "1,200 tokens", "0.5000 US dollars"):
        assert part in texts(page.details), part
    page.show_details(details(row("b")))
    open_tab(page, "Details")
    assert "stub-1" not in texts(page.details)


def test_a_long_history_is_drawn_in_part_and_whole_when_that_is_wanted(page: ThreadPage) -> None:
    known = details(row("a"))
    page.show_details(replace(known, journal=tuple(replace(known.journal[0], why=f"turn {number}") for number in range(300))))
    open_tab(page, "History")
    assert "turn 299" in texts(page.history) and "turn 200 " not in texts(page.history)
    buttons(page.history)["Show 260 Earlier"].click()
    assert "turn 0 " in texts(page.history)


def test_what_did_not_change_is_not_drawn_anew(page: ThreadPage) -> None:
    page.show_details(details(row("a")))
    button = buttons(page.header)["Check Now"]
    button.setFocus()
    page.show_details(replace(details(row("a")), receipt=None))
    assert buttons(page.header)["Check Now"] is button


def test_an_alarm_is_told_until_it_was_seen(page: ThreadPage, recorded: Asked) -> None:
    alarm = Alarm(
        "a", AlarmKind.SWITCHED, Cause.SESSION_DELETED, SessionContents("ses_1", 40), SessionContents("ses_2", 0), NOON, NOON
    )
    page.show_details(replace(details(row("a")), alarms=(alarm,)))
    assert alarm_sentence(alarm) in texts(page.header)
    buttons(page.header)["Dismiss"].click()
    recorded.wait_for("acknowledge", "a", Acknowledged.ALARMS)
    page.show_details(replace(details(row("a")), alarms=(replace(alarm, seen_at=NOON),)))
    assert alarm_sentence(alarm) not in texts(page.header)


def test_where_nothing_can_be_sent_the_composer_offers_what_the_head_does(page: ThreadPage, recorded: Asked) -> None:
    page.show_details(details(row("a", Reason.SERVER_DOWN)))
    buttons(page.conversation.composer)["Start Server"].click()
    recorded.wait_for("start_server")


def test_it_is_followed_only_while_it_can_be_seen(qtbot: QtBot, page: ThreadPage, recorded: Asked) -> None:
    follow = "conversations.follow"
    page.show_row(row("a"))
    page.show_details(details(row("a")))
    recorded.wait_for_last(follow, "a")
    page.show_row(row("b"))
    recorded.wait_for_last(follow, "b")
    page.hide()
    recorded.wait_for_last("unfollow", "b")
    page.show()
    recorded.wait_for_last(follow, "b")
    page.show_nothing("")
    recorded.wait_for_last("unfollow", "b")
    assert [words[:2] for words in recorded.backend.asked] == [(name, each) for each in "abb" for name in (follow, "unfollow")]


def test_what_was_typed_is_kept_when_the_page_hides(qtbot: QtBot, page: ThreadPage, recorded: Asked) -> None:
    page.show_row(row("a"))
    qtbot.keyClicks(page.conversation.composer.editor, "half")
    with qtbot.waitSignal(page.conversation.composer.draft_changed, timeout=100):
        page.hide()
    recorded.wait_for("conversations.save_draft", "a", "half")


def test_a_conversation_of_another_thread_comes_too_late(page: ThreadPage) -> None:
    page.show_row(row("a"))
    assert "are being read" in texts(page.conversation)
    page.show_conversation(long_talk(4, thread="b"))
    assert "are being read" in texts(page.conversation)
    page.show_conversation(talk(thread="a"))
    assert "No messages yet" in texts(page.conversation)


def test_the_messages_of_a_session_that_is_gone_are_not_promised(page: ThreadPage) -> None:
    page.show_details(details(row("a", Reason.MISSING)))
    open_tab(page, "Conversation")
    page.show_conversation(talk(notice="Session not found: ses_a"))
    assert "is gone from OpenCode" in texts(page.conversation) and "just now" not in texts(page.conversation)


def test_a_conversation_that_comes_while_another_tab_is_open_is_there_when_its_own_is(page: ThreadPage) -> None:
    page.show_row(row("a"))
    open_tab(page, "History")
    page.show_conversation(long_talk(40))
    open_tab(page, "Conversation")
    QApplication.processEvents()
    view = page.conversation.view
    assert view.follows and view.verticalScrollBar().maximum() > 500
    assert any("Answer 39" in prose.toPlainText() for prose in view.findChildren(Prose))


def test_the_messages_that_were_all_read_are_counted_anew(page: ThreadPage) -> None:
    page.show_details(details(row("a")))
    assert "41 messages carried" in texts(page.conversation.composer)
    page.show_conversation(long_talk(6, has_older=True))
    assert "41 messages carried" in texts(page.conversation.composer)
    page.show_conversation(long_talk(6))
    assert "6 messages carried" in texts(page.conversation.composer)


def test_cards_come_for_this_thread_and_go_when_they_are_answered_anywhere(
    qtbot: QtBot, page: ThreadPage, recorded: Asked
) -> None:
    page.show_row(row("a"))
    page.show_requests((approval("a", "explore"), approval("b", name="per_2")))
    (card,) = page.conversation.findChildren(RequestCard)
    assert card.isVisible()
    recorded.backend.trouble = ServerDown("Gone.")
    buttons(card)["Allow Once"].click()
    recorded.wait_for("conversations.reply", approval("a", "explore"), Reply.ONCE)
    qtbot.waitUntil(lambda: buttons(card)["Allow Once"].isEnabled())
    page.show_requests((inquiry(),))
    QApplication.processEvents()
    shown = [each for each in page.conversation.findChildren(RequestCard) if each.isVisible()]
    assert len(shown) == 1 and "Which database?" in texts(shown[0])
    page.show_row(row("b"))
    page.show_requests((approval("b", name="per_2"),))
    assert "Wants to run git push" in texts(page.conversation)
    page.show_requests(())
    assert not [each for each in page.conversation.findChildren(RequestCard) if each.isVisible()]


def test_another_thread_shows_at_once_what_it_waits_for(page: ThreadPage) -> None:
    page.show_row(row("b"))
    page.show_requests((approval("a"),))
    assert "Wants to run" not in texts(page.conversation)
    page.show_row(row("a"))
    assert "Wants to run" in texts(page.conversation)


def test_retry_sends_the_last_message_again(page: ThreadPage, recorded: Asked) -> None:
    page.show_row(row("a"))
    page.show_conversation(talk(asked(0, "first"), answered(1, "ok"), asked(2, "push it"), answered(3, error="no credit")))
    buttons(page.conversation.view)["Retry"].click()
    recorded.wait_for("conversations.send", "a", "push it", False)


def test_what_is_sent_is_seen(qtbot: QtBot, page: ThreadPage) -> None:
    page.show_row(row("a"))
    page.show_conversation(long_talk(40))
    view = page.conversation.view
    view.verticalScrollBar().setValue(0)
    qtbot.keyClicks(page.conversation.composer.editor, "go on")
    qtbot.keyClick(page.conversation.composer.editor, Qt.Key.Key_Return)
    assert view.follows


def test_the_stop_button_follows_the_turn(page: ThreadPage, recorded: Asked) -> None:
    page.show_row(row("a"))
    page.show_conversation(long_talk(4, is_busy=True))
    buttons(page.conversation.composer)["Stop"].click()
    recorded.wait_for("conversations.stop_turn", "a")
    page.show_conversation(long_talk(4))
    assert "Stop" not in buttons(page.conversation.composer)


def test_the_tabs_are_a_stop_of_the_tab_key_and_turn_by_arrows(qtbot: QtBot, page: ThreadPage) -> None:
    page.show_row(row("a"))
    told = QAccessible.queryAccessibleInterface(page.tabs)
    assert told.role() == QAccessible.Role.PageTabList
    assert [told.child(number).text(QAccessible.Text.Name) for number in range(4)] == [
        "Conversation",
        "Receipt",
        "History",
        "Details",
    ]
    assert page.tabs.focusPolicy() & Qt.FocusPolicy.TabFocus
    page.tabs.setFocus()
    qtbot.keyClick(page.tabs, Qt.Key.Key_Right)
    assert tab(page) == "Receipt" and page.receipt.isVisible()


@pytest.mark.parametrize("width", [420, 960])
@pytest.mark.parametrize("reason", list(Reason))
def test_nothing_is_cut(page: ThreadPage, width: int, reason: Reason) -> None:
    page.resize(width, 760)
    shown = row("a", reason, title="A rather long title of a thread 🙂 " * 4)
    page.show_details(details(shown, "ses_df5b87236ffe5RnsWYfjg7erHJ"))
    page.show_conversation(talk(asked(0, "Mend it."), answered(1, used("p1"), "Done.", error="no credit left on this account")))
    page.show_requests((inquiry(),))
    for number in range(4):
        page.tabs.setCurrentIndex(number)
        for _ in range(3):
            QApplication.processEvents()
        for label in page.findChildren(QLabel):
            if label.isVisible() and label.wordWrap():
                assert label.height() >= label.heightForWidth(label.width()), label.text()
        for each in page.findChildren(QAbstractButton):
            if each.isVisible() and each.text():
                assert each.width() >= each.sizeHint().width(), each.text()
                right = each.mapTo(page, each.rect().topRight()).x()
                assert right <= width, each.text()


def test_every_control_has_a_name_and_is_reached_by_tab(page: ThreadPage) -> None:
    page.show_details(details(row("a", Reason.REWOUND), "ses_old"))
    page.show_conversation(talk(asked(0, "Hm."), answered(1, used("p1"), "```py\nx\n```", error="no credit")))
    page.show_requests((inquiry(), approval()))
    for number in range(4):
        page.tabs.setCurrentIndex(number)
        QApplication.processEvents()
        for control in page.findChildren(QWidget):
            if not control.isVisible() or not isinstance(control, QAbstractButton | QLineEdit | QPlainTextEdit):
                continue
            if isinstance(control.parent(), QLineEdit) or control.parent() is page.tabs:
                continue
            told = QAccessible.queryAccessibleInterface(control)
            assert told.text(QAccessible.Text.Name), control
            assert control.focusPolicy() & Qt.FocusPolicy.TabFocus, control


def test_a_low_page_scrolls_its_head(page: ThreadPage) -> None:
    alarm = Alarm("a", AlarmKind.LOST, Cause.UNKNOWN, SessionContents("ses_1", 40), SessionContents(None), NOON, NOON)
    page.resize(420, 300)
    page.show_details(replace(details(row("a")), alarms=(alarm,) * 3))
    QApplication.processEvents()
    assert page.conversation.view.height() > 0 and page.conversation.composer.isVisible()
    assert page.header.height() > 300


def test_a_message_left_unanswered_says_so_and_the_composer_is_free(qtbot: QtBot, page: ThreadPage, recorded: Asked) -> None:
    sent = asyncio.Event()
    recorded.backend.answers["conversations.send"] = lambda *_: sent.wait()
    page.show_details(details(row("a")))
    composer = page.conversation.composer
    qtbot.keyClicks(composer.editor, "Well?")
    composer.send.click()
    assert composer.send.text() == "Sending…"
    with qtbot.waitSignal(recorded.bridge.sent, timeout=90_000):
        recorded.bridge.hand_over(sent.set)
    page.show_conversation(talk(asked(0, "Well?"), is_busy=True))
    assert composer.stop.isVisible() and composer.send.text() == "Send"
    page.show_conversation(talk(asked(0, "Well?"), unanswered=("msg_0000",)))
    qtbot.waitUntil(lambda: "The model was not asked." in texts(page.conversation))
    assert not composer.stop.isVisible() and composer.send.text() == "Send" and not composer.editor.isReadOnly()
    buttons(page.conversation)["Retry"].click()
    qtbot.waitUntil(lambda: recorded.calls("conversations.send") == [["a", "Well?", False]] * 2)
