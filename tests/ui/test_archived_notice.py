"""An archived copy on the thread's page: the notice above it, and that it is neither treated as the session nor answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from t3tray.domain.conversation import Conversation, CopyInfo
from t3tray.domain.transcript import Origin
from t3tray.domain.verdict import Kind, Reason, Verdict
from t3tray.messages.window import archived_notice
from t3tray.ui.conversation.prose import Prose
from t3tray.ui.theme import colours, style_sheet
from t3tray.ui.threads.thread_page import ThreadPage
from tests.support.asked import idle_bridge
from tests.support.sample_messages import answered, asked, long_talk, talk, used
from tests.support.views import details, row

AT = datetime(2026, 11, 24, 14, 10).astimezone(UTC)
VAULT = CopyInfo(Origin.VAULT, 38, AT)
T3CODE = CopyInfo(Origin.T3CODE, 1)


@pytest.fixture
def page(qtbot: QtBot) -> Iterator[ThreadPage]:
    made = ThreadPage(idle_bridge(), lambda *_: None)
    qtbot.addWidget(made)
    made.setStyleSheet(style_sheet(colours()))
    made.resize(440, 760)
    made.show()
    yield made
    made.hide()


def settle(page: ThreadPage) -> None:
    QApplication.processEvents()
    while page.conversation.view.is_due:
        QApplication.processEvents()


def words(page: ThreadPage) -> str:
    """Return the conversation's text."""
    settle(page)
    return "\n".join(prose.toPlainText() for prose in page.conversation.view.findChildren(Prose) if prose.isVisible())


def texts(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def buttons(widget: QWidget) -> set[str]:
    return {found.text() for found in widget.findChildren(QAbstractButton) if found.isVisible()}


def line(page: ThreadPage) -> str:
    settle(page)
    return page.conversation.copy_notice.text() if page.conversation.copy_notice.isVisible() else ""


def copy_of(talk: Conversation, kept: CopyInfo = VAULT) -> Conversation:
    return replace(talk, kept=kept)


@pytest.mark.parametrize(
    ("kept", "reason", "said"),
    [
        (
            VAULT,
            Reason.MISSING,
            "From t3tray's archive on 24 Nov 2026, 14:10 · 38 messages. The model remembers nothing of it.",
        ),
        (
            T3CODE,
            Reason.UNBOUND,
            "T3 Code's own copy of this conversation · 1 message. Without a session the model knows nothing of it.",
        ),
        (
            replace(VAULT, at=None, messages=10_000, missing=("A message cannot be read.",)),
            Reason.HISTORY_LOST,
            "From t3tray's archive · 10,000 messages. A message cannot be read. The model remembers little or none of it.",
        ),
        (
            CopyInfo(Origin.OPENCODE, 2),
            Reason.SERVER_DOWN,
            "From OpenCode's database · 2 messages. Whether the model still remembers it is unknown.",
        ),
    ],
)
def test_the_line_says_whose_it_is_of_when_and_whether_the_model_knows_it(kept: CopyInfo, reason: Reason, said: str) -> None:
    assert archived_notice(kept, Verdict(reason)).replace("\N{NO-BREAK SPACE}", " ") == said


@pytest.mark.parametrize("reason", [reason for reason in Reason if Verdict(reason).kind is not Kind.RESUMABLE])
def test_what_cannot_be_known_is_never_said_to_be_forgotten(page: ThreadPage, reason: Reason) -> None:
    page.show_details(details(row("a", reason)))
    page.show_conversation(copy_of(long_talk(6)))
    assert "Answer 5" in words(page) and "t3tray's archive" in line(page)
    if Verdict(reason).kind is Kind.UNKNOWN:
        assert "is unknown" in line(page)


def test_a_copy_offers_nothing_that_could_be_sent(page: ThreadPage) -> None:
    page.show_details(details(row("a", Reason.MISSING)))
    page.show_conversation(copy_of(talk(asked(0, "Push it."), answered(1, used("p1"), "Done.", error="no credit"))))
    settle(page)
    assert "no credit" in texts(page.conversation)
    assert not {"Retry", "Send", "Send Anyway", "Write Anyway", "Stop"} & buttons(page.conversation)
    assert not page.conversation.composer.editor.isVisible()


def test_it_is_gone_once_the_thread_is_mended_and_is_never_counted_as_the_sessions(page: ThreadPage) -> None:
    page.show_details(details(row("a", Reason.MISSING)))
    page.show_conversation(copy_of(long_talk(6)))
    assert line(page)
    page.show_details(details(row("a")))
    assert not line(page) and words(page) == "" and "being read" in texts(page.conversation.view)
    page.show_conversation(copy_of(long_talk(6)))
    assert not line(page) and "41 messages carried" in texts(page.conversation.composer), "that one came too late"
    page.show_conversation(long_talk(8))
    assert "Answer 7" in words(page) and "8 messages carried" in texts(page.conversation.composer)


def test_a_copy_that_comes_before_the_verdict_is_shown_with_it(page: ThreadPage) -> None:
    page.show_details(details(row("a")))
    page.show_conversation(long_talk(4))
    page.show_conversation(copy_of(long_talk(6)))
    assert "Answer 3" in words(page) and not line(page)
    page.show_details(details(row("a", Reason.MISSING)))
    assert "Answer 5" in words(page) and line(page)
    page.show_details(details(row("b", Reason.MISSING)))
    assert not line(page) and words(page) == ""


def test_another_verdict_is_another_line(page: ThreadPage) -> None:
    page.show_details(details(row("a", Reason.SERVER_DOWN)))
    page.show_conversation(copy_of(long_talk(6)))
    assert "is unknown" in line(page)
    page.show_details(details(row("a", Reason.MISSING)))
    assert "remembers nothing" in line(page)


@pytest.mark.parametrize("width", [420, 440, 960])
def test_the_line_is_not_cut(page: ThreadPage, width: int) -> None:
    page.resize(width, 760)
    page.show_details(details(row("a", Reason.MISSING)))
    page.show_conversation(copy_of(long_talk(6), replace(VAULT, missing=("4 of its messages had been taken back by then.",))))
    settle(page)
    shown = page.conversation.copy_notice
    assert shown.height() >= shown.heightForWidth(shown.width()) > 0
    assert page.conversation.view.height() > 200
