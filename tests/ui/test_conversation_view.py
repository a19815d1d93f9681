"""The messages on the page: what is drawn and what is not, scroll positions, keyboard, and accessibility."""

from __future__ import annotations

from itertools import pairwise

import pytest
from PySide6.QtCore import QEvent, Qt, QUrl
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from t3tray.domain.conversation import Conversation
from t3tray.domain.transcript import Piece, PieceKind, ToolCall
from t3tray.ui.conversation.code_block import CodeBlock
from t3tray.ui.conversation.prose import Prose
from t3tray.ui.conversation.row_widgets import CopyLine, ErrorLine, FoldLine, Note, UserCard
from t3tray.ui.conversation.view import ConversationView
from tests.support.conversation_view import place_of, scroll_to, shown, shown_now, top, words
from tests.support.sample_messages import answered, asked, long_talk, talk, thought


@pytest.fixture
def view(qtbot: QtBot) -> ConversationView:
    made = ConversationView()
    qtbot.addWidget(made)
    made.resize(420, 500)
    made.show()
    return made


def test_the_newest_message_is_in_sight_and_the_far_ones_are_no_widgets(view: ConversationView) -> None:
    view.show_conversation(long_talk(100))
    assert view.follows and "Answer 99" in words(view)
    assert len(shown(view, QWidget)) < 60


def test_rows_never_overlap_and_are_as_high_as_their_text(view: ConversationView) -> None:
    view.show_conversation(long_talk(60))
    for width in (420, 700, 1400):
        view.resize(width, 500)
        rows = shown(view, QWidget)
        for one, other in pairwise(rows):
            assert one.geometry().bottom() < other.y()
        for prose in view.findChildren(Prose):
            if prose.isVisible():
                assert prose.document().size().height() <= prose.height()
                assert prose.document().size().width() <= prose.width()


def test_a_reader_at_the_end_follows_and_one_who_reads_above_is_not_moved(view: ConversationView) -> None:
    view.show_conversation(long_talk(60))
    view.show_conversation(talk(*long_talk(60).messages, answered(61, "The newest.")))
    assert "The newest." in words(view)
    scroll_to(view, top(view) - 900)
    (above,) = [prose for prose in shown(view, Prose) if prose.mapTo(view, prose.rect().topLeft()).y() > 0][:1]
    text, before = above.toPlainText(), above.mapTo(view, above.rect().topLeft()).y()
    view.show_conversation(talk(*long_talk(60).messages, answered(61, "The newest."), answered(63, "Newer still.\n\n" * 30)))
    assert not view.follows and place_of(view, text) == before
    assert view.newest.isVisible()
    view.newest.click()
    assert view.follows and "Newer still." in words(view) and not view.newest.isVisible()


def test_older_messages_are_asked_for_once_and_keep_the_place(qtbot: QtBot, view: ConversationView) -> None:
    view.show_conversation(long_talk(40, begin=40, has_older=True))
    asked_for: list[bool] = []
    view.older_wanted.connect(lambda: asked_for.append(True))
    scroll_to(view, 100)
    scroll_to(view, 60)
    assert asked_for == [True]
    before = place_of(view, "Question 40?")
    view.show_conversation(long_talk(80, has_older=True))
    assert place_of(view, "Question 40?") == before
    scroll_to(view, 0)
    assert asked_for == [True, True]


def test_a_short_page_of_messages_asks_for_older_ones_by_itself(qtbot: QtBot, view: ConversationView) -> None:
    with qtbot.waitSignal(view.older_wanted):
        view.show_conversation(talk(asked(5, "Hm."), has_older=True))


def test_what_was_read_already_appears_on_the_way_up(view: ConversationView) -> None:
    view.show_conversation(long_talk(300))
    for _ in range(400):
        scroll_to(view, top(view) - 400)
    assert "Question 0?" in words(view)
    for _ in range(600):
        scroll_to(view, top(view) + 400)
    assert view.follows and "Answer 299" in words(view)


def test_a_growing_reply_touches_no_other_row(view: ConversationView) -> None:
    begun = long_talk(20).messages
    view.show_conversation(talk(*begun, answered(21, "It "), is_busy=True))
    rows = shown(view, QWidget)
    for count in range(2, 200):
        view.show_conversation(talk(*begun, answered(21, "It grows. " * count), is_busy=True))
    assert set(rows[-6:]) <= set(shown(view, QWidget)), "a row was made anew"
    assert "It grows. It grows." in words(view) and view.follows


def test_a_sub_agent_is_asked_for_when_it_is_opened(qtbot: QtBot, view: ConversationView) -> None:
    task = Piece("p1", PieceKind.TOOL, tool=ToolCall("task", "running", "look", child_session="ses_c", agent="explore"))
    view.show_conversation(talk(answered(1, task)))
    (line,) = shown(view, FoldLine)
    with qtbot.waitSignal(view.agent_wanted) as wanted:
        line.click()
    assert wanted.args == ["ses_c"]
    indents = [row.x() for row in shown(view, QWidget)]
    assert indents[-1] > indents[-2], "what it does is indented"


def test_prose_that_turns_out_to_be_code_is_drawn_as_code(view: ConversationView) -> None:
    for text in ("See:\n``", "See:\n```", "See:\n```py\nx = 1"):
        view.show_conversation(talk(answered(1, text), is_busy=True))
    (block,) = shown(view, CodeBlock)
    assert isinstance(block, CodeBlock) and block.lines.toPlainText() == "x = 1"
    assert words(view) == "See:"


def test_code_that_grows_is_added_to(view: ConversationView) -> None:
    view.show_conversation(talk(answered(1, "```\na = 1\n")))
    (block,) = shown(view, CodeBlock)
    assert isinstance(block, CodeBlock)
    before = block.height()
    view.show_conversation(talk(answered(1, "```\na = 1\nb = 2\nc = 3\n```")))
    assert shown(view, CodeBlock) == [block] and block.lines.toPlainText() == "a = 1\nb = 2\nc = 3"
    assert block.height() > before


def test_markdown_is_drawn_and_html_is_text(view: ConversationView) -> None:
    view.show_conversation(
        talk(answered(1, "# Head\n\n**Bold** <b>plain</b> <script>x</script>\n\n| a | b |\n|--|--|\n| 1 | 2 |\n"))
    )
    assert "<b>plain</b> <script>x</script>" in words(view) and "**" not in words(view) and "|" not in words(view)
    view.show_conversation(talk(answered(1, "---\ntitle: x\n---\nWords.")))
    assert "title: x" in words(view), "what looks like a file's header is text"


def test_what_the_user_typed_is_shown_as_it_is(view: ConversationView) -> None:
    view.show_conversation(talk(asked(0, "**not bold**\n# no head\n<i>x</i>")))
    assert words(view) == "**not bold**\n# no head\n<i>x</i>"


def test_no_image_is_loaded(view: ConversationView) -> None:
    view.show_conversation(talk(answered(1, "See ![it](https://example.org/a.png) ![that](file:///etc/hostname)")))
    (prose,) = shown(view, Prose)
    assert isinstance(prose, Prose)
    for name in ("https://example.org/a.png", "file:///etc/hostname"):
        assert prose.loadResource(QTextDocument.ResourceType.ImageResource.value, QUrl(name)) is None


def test_an_error_can_be_tried_again(qtbot: QtBot, view: ConversationView) -> None:
    view.show_conversation(talk(asked(0, "Hm."), answered(1, error="no credit")))
    (error,) = shown(view, ErrorLine)
    assert isinstance(error, ErrorLine)
    with qtbot.waitSignal(view.retry_wanted):
        error.retry.click()


@pytest.mark.parametrize(
    "text",
    ["שלום, מה שלומך?", "🙂👩‍👩‍👧‍👦 " * 300, "x" * 10_000, "word " * 2_000, "| " + "x" * 300 + " | b |\n|--|--|\n| 1 | 2 |"],
)
def test_odd_texts_stay_within_the_page(view: ConversationView, text: str) -> None:
    view.show_conversation(talk(asked(0, text), answered(1, text)))
    for row in shown(view, QWidget):
        assert row.x() >= 0 and row.geometry().right() <= view.viewport().width()
    for prose in view.findChildren(Prose):
        if prose.isVisible():
            assert prose.document().size().width() <= prose.width() + 1
            assert prose.document().size().height() <= prose.height()


def test_text_from_right_to_left_begins_at_the_right(view: ConversationView) -> None:
    view.show_conversation(talk(answered(1, "שלום")))
    (prose,) = shown(view, Prose)
    assert isinstance(prose, Prose)
    assert prose.document().begin().textDirection() == Qt.LayoutDirection.RightToLeft


def test_another_conversation_begins_anew(view: ConversationView) -> None:
    view.show_conversation(long_talk(60))
    scroll_to(view, 0)
    view.show_hint("The messages are being read…")
    (note,) = shown(view, Note)
    assert view.follows and note is not None and not words(view)
    view.show_conversation(long_talk(60, thread="b"))
    assert "Answer 59" in words(view)


def test_another_scheme_is_drawn_anew(view: ConversationView) -> None:
    view.show_conversation(talk(answered(1, "See `this`.")))
    (before,) = shown(view, Prose)
    view.setStyleSheet("QWidget { color: red; }")
    QApplication.processEvents()
    assert shown(view, Prose) == [before]


def test_a_thought_is_folded_until_it_is_opened(qtbot: QtBot, view: ConversationView) -> None:
    view.show_conversation(talk(answered(1, thought("p1", "Let me see."), "Here."), is_busy=True))
    assert "Let me see." not in words(view)
    shown(view, FoldLine)[0].click()
    assert "Let me see." in words(view)


def test_nothing_is_animated_and_no_timer_ticks(qtbot: QtBot, view: ConversationView) -> None:
    view.show_conversation(Conversation("a", "ses_a", is_busy=True))
    painted: list[QEvent.Type] = []

    class Watch(QWidget):
        def eventFilter(self, watched: object, event: QEvent) -> bool:
            painted.append(event.type())
            return False

    watch = Watch()
    for row in shown(view, QWidget):
        row.installEventFilter(watch)

    def is_quiet() -> bool:
        """Wait for the end of the paints that showing a window causes; an animation would never end."""
        painted.clear()
        qtbot.wait(100)
        return QEvent.Type.Paint not in painted

    assert any(is_quiet() for _ in range(20))


def test_what_takes_long_is_laid_out_in_goes_the_newest_first(monkeypatch: pytest.MonkeyPatch, view: ConversationView) -> None:
    monkeypatch.setattr("t3tray.ui.conversation.view.SLICE", 0)
    view.show_conversation(long_talk(60))
    assert view.is_due
    (begun,) = shown_now(view, QWidget)
    assert isinstance(begun, CopyLine)
    assert "Answer 59" in words(view) and "Answer 57" in words(view) and not view.is_due and view.follows


def test_a_card_of_many_pieces_has_no_gap(view: ConversationView) -> None:
    view.show_conversation(talk(asked(0, "\n".join(f"line {number}" for number in range(900)))))
    scroll_to(view, 0)
    cards = shown(view, UserCard)
    for one, other in pairwise(cards):
        assert one.geometry().bottom() + 1 == other.y()
