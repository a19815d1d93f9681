"""The composer: its status before a message is sent, drafts, and refused messages."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QAbstractButton, QLabel
from pytestqt.qtbot import QtBot

from t3tray.domain.carries import Carries, CarriesKind
from t3tray.domain.verdict import Kind, Reason, Verdict
from t3tray.domain.verification import Verification
from t3tray.errors import ServerDown
from t3tray.messages.sending import KEPT_AS_DRAFT
from t3tray.messages.verdicts import sentence
from t3tray.threads.send import RevertPending
from t3tray.threads.snapshot import ThreadRow
from t3tray.threads.verify import NotResumable
from t3tray.ui.conversation.composer import Composer
from t3tray.ui.conversation.send_status import send_status, short_session
from tests.support.views import receipt, row

REVERTED = RevertPending("Something was taken back.", f"Take the revert back. {KEPT_AS_DRAFT}")


@pytest.fixture
def composer(qtbot: QtBot) -> Composer:
    made = Composer()
    qtbot.addWidget(made)
    made.resize(420, 200)
    made.show()
    show(made, row("a"))
    return made


def show(composer: Composer, shown: ThreadRow, messages: int | None = 41) -> None:
    composer.show_thread(shown)
    composer.show_send_status(send_status(shown, messages))


def texts(composer: Composer) -> str:
    return "\n".join(label.text() for label in composer.findChildren(QLabel) if label.isVisible())


def type_in(qtbot: QtBot, composer: Composer, text: str) -> None:
    qtbot.keyClicks(composer.editor, text)


def test_it_says_what_would_become_of_a_message(composer: Composer) -> None:
    shown = replace(row("a"), session_id="ses_df5b87236ffe5RnsWYfjg7erHJ")
    show(composer, shown)
    assert "Goes on in ses_…g7erHJ · 41 messages carried" in texts(composer)


@pytest.mark.parametrize("reason", list(Reason))
def test_a_message_can_be_typed_only_where_context_will_be_carried(composer: Composer, reason: Reason) -> None:
    show(composer, row("a", reason))
    told = send_status(row("a", reason), 41)
    assert told.is_open == (row("a", reason).verdict.kind is Kind.RESUMABLE) == composer.editor.isVisible()
    assert told.sentence in texts(composer)
    if not told.is_open:
        assert told.sentence == sentence(Verdict(reason))


def test_what_is_particular_to_a_verdict_is_said() -> None:
    assert send_status(row("a", Reason.NEW), 0).sentence == "Begins the conversation in ses_a"
    assert send_status(row("a", Reason.PROVED), 1).sentence == "Goes on in ses_a · 1 message carried"
    assert send_status(row("a", Reason.PROVED), None).sentence == "Goes on in ses_a"
    assert "never finished" in send_status(row("a", Reason.INTERRUPTED), 3).sentence
    rewound = replace(
        row("a"), verdict=Verdict(Reason.REWOUND, "a revert is pending: the next message deletes 3 messages for good")
    )
    assert "deletes 3 messages" in send_status(rewound, 3).sentence
    assert not send_status(replace(row("a", Reason.NEW), session_id=None), 0).is_open
    assert short_session("ses_1") == "ses_1"


@pytest.mark.parametrize(
    ("carries", "told", "kind"),
    [
        (Carries(CarriesKind.WHOLE, None, 12, 0), "12 messages carried", "muted"),
        (Carries(CarriesKind.SINCE_COMPACTION, 1, 14, 212), "14 messages and a summary of 212 carried", "muted"),
        (Carries(CarriesKind.PART, None, 3, 0), "carries 3 messages, not the whole conversation", "unsure"),
        (Carries(CarriesKind.UNKNOWN), "226 messages in it", "muted"),
    ],
)
def test_what_is_carried_is_promised_and_no_more(carries: Carries, told: str, kind: str) -> None:
    counted = None if carries.kind is CarriesKind.WHOLE else 226
    shown = send_status(replace(row("a"), verdict=Verdict(Reason.PROVED, carries=carries)), counted)
    assert (shown.sentence, shown.kind) == (f"Goes on in ses_a · {told}", kind)


def test_enter_sends_and_shift_enter_breaks_the_line(qtbot: QtBot, composer: Composer) -> None:
    type_in(qtbot, composer, "one")
    qtbot.keyClick(composer.editor, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    type_in(qtbot, composer, "two")
    with qtbot.waitSignal(composer.send_wanted) as wanted:
        qtbot.keyClick(composer.editor, Qt.Key.Key_Return)
    assert wanted.args == ["a", "one\ntwo", False]
    assert composer.editor.toPlainText() == "one\ntwo", "it stays until it was taken"
    assert composer.editor.isReadOnly() and not composer.send.isEnabled() and composer.send.text() == "Sending…"
    with qtbot.assertNotEmitted(composer.send_wanted):
        qtbot.keyClick(composer.editor, Qt.Key.Key_Return)
    composer.show_sent("a", "one\ntwo")
    assert composer.editor.toPlainText() == "" and not composer.editor.isReadOnly()


def test_nothing_is_sent_where_there_is_nothing_to_send(qtbot: QtBot, composer: Composer) -> None:
    for text in ("", "   "):
        composer.editor.setPlainText(text)
        with qtbot.assertNotEmitted(composer.send_wanted):
            qtbot.keyClick(composer.editor, Qt.Key.Key_Enter)
        assert not composer.send.isEnabled()


def test_it_grows_up_to_eight_lines(qtbot: QtBot, composer: Composer) -> None:
    one = composer.editor.height()
    line = composer.editor.fontMetrics().lineSpacing()
    composer.editor.setPlainText("\n".join("abc"))
    assert composer.editor.height() == one + 2 * line
    composer.editor.setPlainText("\n".join("x" * 30))
    assert composer.editor.height() == one + 7 * line
    composer.editor.clear()
    assert composer.editor.height() == one
    composer.editor.setPlainText("long " * 60)
    qtbot.waitUntil(lambda: composer.editor.height() > one)


def test_what_is_typed_is_kept_when_the_fingers_rest(qtbot: QtBot, composer: Composer) -> None:
    kept: list[tuple[str, str]] = []
    composer.draft_changed.connect(lambda thread, text: kept.append((thread, text)))
    with qtbot.waitSignal(composer.draft_changed):
        type_in(qtbot, composer, "half a tho")
    assert kept == [("a", "half a tho")]
    composer.save_draft_now()
    assert len(kept) == 1, "what is kept already is not kept again"


def test_another_thread_keeps_the_draft_at_once_and_gives_it_back(qtbot: QtBot, composer: Composer) -> None:
    type_in(qtbot, composer, "for a")
    with qtbot.waitSignal(composer.draft_changed, timeout=100) as kept:
        show(composer, row("b", draft="for b"))
    assert kept.args == ["a", "for a"]
    assert composer.editor.toPlainText() == "for b"
    show(composer, row("a", draft=""))
    assert composer.editor.toPlainText() == "for a", "the list did not know yet what was typed"


def test_what_was_kept_twice_is_not_undone_by_a_list_that_knows_the_first(qtbot: QtBot, composer: Composer) -> None:
    type_in(qtbot, composer, "one")
    composer.save_draft_now()
    type_in(qtbot, composer, " two")
    composer.save_draft_now()
    show(composer, row("a", draft="one two"))
    show(composer, row("b"))
    show(composer, row("a", draft="one"))
    assert composer.editor.toPlainText() == "one two"


def test_what_another_program_kept_is_shown(qtbot: QtBot, composer: Composer) -> None:
    type_in(qtbot, composer, "one")
    show(composer, row("b"))
    show(composer, row("a", draft="one\n\nwhat the command line could not send"))
    assert composer.editor.toPlainText() == "one\n\nwhat the command line could not send"


def test_a_new_look_at_the_thread_does_not_touch_what_is_typed(qtbot: QtBot, composer: Composer) -> None:
    type_in(qtbot, composer, "typed")
    show(composer, row("a", draft="older"))
    assert composer.editor.toPlainText() == "typed"


def test_what_is_refused_stays_with_the_reason(qtbot: QtBot, composer: Composer) -> None:
    type_in(qtbot, composer, "now")
    qtbot.keyClick(composer.editor, Qt.Key.Key_Return)
    composer.show_refused("a", ServerDown("Nobody listens.", KEPT_AS_DRAFT))
    assert composer.editor.toPlainText() == "now" and not composer.editor.isReadOnly()
    assert f"Nobody listens. {KEPT_AS_DRAFT}" in texts(composer)
    type_in(qtbot, composer, " then")
    assert "Nobody listens." not in texts(composer)


def test_a_verdict_that_closes_it_is_not_said_twice(qtbot: QtBot, composer: Composer) -> None:
    gone = row("a", Reason.MISSING)
    type_in(qtbot, composer, "now")
    qtbot.keyClick(composer.editor, Qt.Key.Key_Return)
    composer.show_refused(
        "a", NotResumable(Verification(gone.thread, gone.session_id, gone.verdict, receipt(gone)), KEPT_AS_DRAFT)
    )
    show(composer, gone)
    assert texts(composer).count("no longer exists") == 1 and KEPT_AS_DRAFT in texts(composer)
    assert composer.editor.isVisible() and composer.editor.isReadOnly(), "what was typed can still be read and copied"
    assert not composer.send.isVisible()


def test_where_nothing_can_be_sent_the_remedies_are_offered(qtbot: QtBot, composer: Composer) -> None:
    done: list[str] = []
    composer.show_actions((("Bind", lambda: done.append("bind")), ("Check Again", lambda: done.append("check"))))
    show(composer, row("a", Reason.MISSING))
    buttons = {found.text(): found for found in composer.findChildren(QAbstractButton) if found.isVisible()}
    assert set(buttons) == {"Bind", "Check Again"}
    buttons["Bind"].click()
    assert done == ["bind"]
    show(composer, row("a"))
    assert not buttons["Bind"].isVisible()


def test_a_pending_revert_asks_before_it_is_made_final(qtbot: QtBot, composer: Composer) -> None:
    show(composer, row("a", Reason.REWOUND))
    assert not composer.anyway.isVisible()
    type_in(qtbot, composer, "go on")
    qtbot.keyClick(composer.editor, Qt.Key.Key_Return)
    composer.show_refused("a", REVERTED)
    with qtbot.waitSignal(composer.send_wanted) as wanted:
        composer.anyway.click()
    assert wanted.args == ["a", "go on", True]
    assert not composer.anyway.isVisible()


def test_who_knows_that_no_other_process_is_at_work_can_write_all_the_same(qtbot: QtBot, composer: Composer) -> None:
    show(composer, row("a", Reason.OPEN_ELSEWHERE))
    assert not composer.editor.isVisible()
    composer.anyway.click()
    type_in(qtbot, composer, "go on")
    with qtbot.waitSignal(composer.send_wanted) as wanted:
        composer.send.click()
    assert wanted.args == ["a", "go on", True]
    show(composer, row("b", Reason.OPEN_ELSEWHERE))
    assert not composer.editor.isVisible(), "that is said for one thread only"


def test_a_turn_that_runs_can_be_stopped(qtbot: QtBot, composer: Composer) -> None:
    assert not composer.stop.isVisible()
    composer.show_busy(True)
    with qtbot.waitSignal(composer.stop_wanted) as wanted:
        composer.stop.click()
    assert wanted.args == ["a"]


def test_sent_while_another_thread_is_shown(qtbot: QtBot, composer: Composer) -> None:
    type_in(qtbot, composer, "for a")
    qtbot.keyClick(composer.editor, Qt.Key.Key_Return)
    show(composer, row("b"))
    assert not composer.editor.isReadOnly()
    type_in(qtbot, composer, "for b")
    composer.show_sent("a", "for a")
    assert composer.editor.toPlainText() == "for b"
    show(composer, row("a", draft="for a"))
    assert composer.editor.toPlainText() == "", "the list did not know yet that it was sent"


def test_what_was_typed_stays_when_another_text_was_sent(qtbot: QtBot, composer: Composer) -> None:
    type_in(qtbot, composer, "two pages of careful words")
    show(composer, row("b"))
    composer.show_sent("a", "the first question, once more")
    show(composer, row("a", draft=""))
    assert composer.editor.toPlainText() == "two pages of careful words"


def test_it_is_read_aloud_and_left_by_tab(qtbot: QtBot, composer: Composer) -> None:
    told = QAccessible.queryAccessibleInterface(composer.editor)
    assert told.text(QAccessible.Text.Name) == "Message" and told.role() == QAccessible.Role.EditableText
    composer.editor.setFocus()
    type_in(qtbot, composer, "x")
    qtbot.keyClick(composer.editor, Qt.Key.Key_Tab)
    assert composer.editor.toPlainText() == "x"
