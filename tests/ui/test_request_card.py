"""The card of an approval or of questions: its text, and the answers that it emits."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QLabel, QLineEdit, QRadioButton, QWidget
from pytestqt.qtbot import QtBot

from t3tray.domain.pending_request import Option, PendingRequest, Question, Reply
from t3tray.ui.conversation.request_card import RequestCard
from tests.support.sample_messages import STORAGE, approval, inquiry


def card_of(qtbot: QtBot, ask: PendingRequest) -> RequestCard:
    made = RequestCard(ask)
    qtbot.addWidget(made)
    made.resize(400, 300)
    made.show()
    return made


def texts(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel))


def button(card: RequestCard, words: str) -> QAbstractButton:
    (found,) = (each for each in card.findChildren(QAbstractButton) if each.text() == words)
    return found


def test_an_approval_says_who_wants_what(qtbot: QtBot) -> None:
    ask = approval("a", "explore")
    card = card_of(qtbot, ask)
    assert "Refactor the parser ▸ explore" in texts(card) and "Wants to run git push" in texts(card)
    assert "git push *" in texts(card), "what would always be allowed is said before"
    assert card.accessibleName() == "Refactor the parser ▸ explore ▸ wants to run git push"
    for words, reply in (("Allow Once", Reply.ONCE), ("Always Allow", Reply.ALWAYS), ("Reject", Reply.REJECT)):
        with qtbot.waitSignal(card.replied) as replied:
            button(card, words).click()
        assert replied.args == [ask, reply]
        assert not button(card, "Reject").isEnabled(), "an answer is given once"
        card.wait(False)


def test_what_cannot_be_allowed_for_ever_is_not_offered_so(qtbot: QtBot) -> None:
    card = card_of(qtbot, approval(always=()))
    assert {each.text() for each in card.findChildren(QAbstractButton)} == {"Allow Once", "Reject"}


def test_one_of_several_options_is_chosen(qtbot: QtBot) -> None:
    ask = inquiry()
    card = card_of(qtbot, ask)
    for part in ("Storage", "Which database?", "One file"):
        assert part in texts(card)
    assert not button(card, "Answer").isEnabled()
    sqlite, postgres = card.findChildren(QRadioButton)
    sqlite.click()
    postgres.click()
    with qtbot.waitSignal(card.answered) as answered:
        button(card, "Answer").click()
    assert answered.args == [ask, (("PostgreSQL",),)]


def test_words_of_ones_own_stand_in_place_of_a_choice(qtbot: QtBot) -> None:
    ask = inquiry()
    card = card_of(qtbot, ask)
    sqlite, _ = card.findChildren(QRadioButton)
    own = card.findChild(QLineEdit)
    assert own is not None
    sqlite.click()
    qtbot.keyClicks(own, "None at all")
    assert not sqlite.isChecked()
    with qtbot.waitSignal(card.answered) as answered:
        button(card, "Answer").click()
    assert answered.args == [ask, (("None at all",),)]
    card.wait(False)
    sqlite.click()
    assert own.text() == "" and button(card, "Answer").isEnabled()


def test_several_can_be_chosen_where_that_is_asked_and_words_added(qtbot: QtBot) -> None:
    ask = inquiry(Question("Which checks?", options=(Option("Lint"), Option("Types"), Option("Tests")), multiple=True))
    card = card_of(qtbot, ask)
    lint, _, tests = card.findChildren(QCheckBox)
    lint.click()
    tests.click()
    own = card.findChild(QLineEdit)
    assert own is not None
    qtbot.keyClicks(own, "Spelling")
    with qtbot.waitSignal(card.answered) as answered:
        button(card, "Answer").click()
    assert answered.args == [ask, (("Lint", "Tests", "Spelling"),)]


def test_all_questions_want_an_answer(qtbot: QtBot) -> None:
    ask = inquiry(STORAGE, Question("What is it called?", custom=True), Question("Sure?", options=(Option("Yes"),), custom=False))
    card = card_of(qtbot, ask)
    sqlite, _, yes = card.findChildren(QRadioButton)
    sqlite.click()
    yes.click()
    assert not button(card, "Answer").isEnabled()
    first, second = card.findChildren(QLineEdit)
    assert first.placeholderText() == "Another answer"
    qtbot.keyClicks(second, "Pelican")
    with qtbot.waitSignal(card.answered) as answered:
        button(card, "Answer").click()
    assert answered.args == [ask, (("SQLite",), ("Pelican",), ("Yes",))]


def test_questions_can_be_left(qtbot: QtBot) -> None:
    ask = inquiry()
    card = card_of(qtbot, ask)
    with qtbot.waitSignal(card.answered) as answered:
        button(card, "Leave Unanswered").click()
    assert answered.args == [ask, None]


def test_an_answer_that_failed_can_be_given_again_once_it_is_whole(qtbot: QtBot) -> None:
    card = card_of(qtbot, inquiry())
    card.wait(True)
    assert not button(card, "Leave Unanswered").isEnabled()
    card.wait(False)
    assert button(card, "Leave Unanswered").isEnabled() and not button(card, "Answer").isEnabled()


def test_all_of_it_is_reached_by_tab_and_has_a_name(qtbot: QtBot) -> None:
    for ask in (approval(), inquiry()):
        for control in card_of(qtbot, ask).findChildren(QWidget):
            if isinstance(control, QAbstractButton | QLineEdit):
                assert control.focusPolicy() & Qt.FocusPolicy.TabFocus
                assert control.accessibleName() or (isinstance(control, QAbstractButton) and control.text())
