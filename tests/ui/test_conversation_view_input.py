"""The messages on the page used by mouse, keyboard and wheel: tools, copying, links."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt, QUrl, Slot
from PySide6.QtGui import QAccessible, QDesktopServices, QGuiApplication, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from t3tray.ui.conversation.code_block import CodeBlock
from t3tray.ui.conversation.code_lines import SHOWN
from t3tray.ui.conversation.prose import Prose
from t3tray.ui.conversation.row_widgets import CopyLine, FoldLine
from t3tray.ui.conversation.view import ConversationView
from tests.support.conversation_view import scroll_to, settle, shown, top
from tests.support.sample_messages import answered, asked, long_talk, talk, used


@pytest.fixture
def view(qtbot: QtBot) -> ConversationView:
    made = ConversationView()
    qtbot.addWidget(made)
    made.resize(420, 500)
    made.show()
    return made


def test_tools_open_by_mouse_and_by_key_and_are_read_aloud(qtbot: QtBot, view: ConversationView) -> None:
    view.show_conversation(talk(answered(1, used("p1", output="All well."))))
    (line,) = shown(view, FoldLine)
    told = QAccessible.queryAccessibleInterface(line)
    assert told.text(QAccessible.Text.Name) == "✓ Read parser.py" and "Closed" in told.text(QAccessible.Text.Description)
    assert told.role() == QAccessible.Role.Button
    qtbot.mouseClick(line, Qt.MouseButton.LeftButton)
    blocks = shown(view, CodeBlock)
    assert [block.lines.toPlainText() for block in blocks] == ["filePath: /code/parser.py", "All well."]
    line.setFocus()
    qtbot.keyClick(line, Qt.Key.Key_Space)
    assert not shown(view, CodeBlock)


def test_all_code_is_copied_however_much_of_it_is_shown(view: ConversationView) -> None:
    text = "\n".join(f"x = {number}" for number in range(5000))
    view.show_conversation(talk(answered(1, f"```python\n{text}\n```")))
    (block,) = shown(view, CodeBlock)
    assert isinstance(block, CodeBlock) and len(block.lines.toPlainText()) < SHOWN + 100
    block.copy.click()
    assert QGuiApplication.clipboard().text() == text and block.copy.text() == "Copied"
    assert block.copy.accessibleName() == "Copy python"


def copy_lines(view: ConversationView) -> list[CopyLine]:
    return shown(view, CopyLine)


def test_a_message_is_copied_by_mouse_and_by_key(qtbot: QtBot, view: ConversationView) -> None:
    answer = "It is **done**:\n\n```py\nx = 1\n```\n\n" + "And so on. " * 400
    view.show_conversation(talk(asked(0, "Mend it.\n" * 8), answered(1, answer), answered(2, "All of it.")))
    end = copy_lines(view)[-1]
    qtbot.mouseClick(end.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == f"{answer}\n\nAll of it."
    assert end.copy.text() == "Copied" and end.copy.accessibleName() == "Copy the answer"
    scroll_to(view, 0)
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_Tab)
    focused = QApplication.focusWidget()
    assert focused and focused.accessibleName() == "Copy your message"
    qtbot.keyClick(focused, Qt.Key.Key_Space)
    assert QGuiApplication.clipboard().text() == "Mend it.\n" * 8


def test_the_copy_button_of_a_message_is_seen_near_the_mouse(qtbot: QtBot, view: ConversationView) -> None:
    view.show_conversation(talk(asked(0, "Mend it."), answered(1, used("p1"), "Done."), asked(2, "Thanks.")))
    settle(view)
    proses = {prose.toPlainText(): prose for prose in view.findChildren(Prose) if prose.isVisible()}

    def near() -> list[bool]:
        return [line.copy.property("kind") == "fold" for line in copy_lines(view)]

    def point_at(widget: QWidget) -> None:
        QTest.mouseMove(view.windowHandle(), widget.mapTo(view, widget.rect().center()))
        QApplication.processEvents()

    assert near() == [False, False, False]
    for number, text in enumerate(("Mend it.", "Done.", "Thanks.")):
        point_at(proses[text])
        assert near() == [number == place for place in range(3)]
    (tool,) = shown(view, FoldLine)
    point_at(tool)
    assert near() == [False, True, False], "a tool belongs to its answer"
    view.show_conversation(talk(asked(0, "Mend it."), thread="b"))
    assert near() == [False], "a widget that shows another message now"


def test_only_links_into_the_web_are_opened(view: ConversationView) -> None:
    opened: list[str] = []

    class Opener(QWidget):
        @Slot(QUrl)
        def open(self, url: QUrl) -> None:
            opened.append(url.toString())

    view.show_conversation(talk(answered(1, "[a](https://example.org/) [b](file:///etc/passwd) [c](javascript:x)")))
    (prose,) = shown(view, Prose)
    opener = Opener()
    for scheme in ("https", "file", "javascript"):
        QDesktopServices.setUrlHandler(scheme, opener, "open")  # type: ignore[arg-type]  # PySide takes a str; its stub says bytes
    for link in ("https://example.org/", "file:///etc/passwd", "javascript:x"):
        prose.anchorClicked.emit(QUrl(link))
    for scheme in ("https", "file", "javascript"):
        QDesktopServices.unsetUrlHandler(scheme)
    assert opened == ["https://example.org/"]


def test_the_keys_go_through_it(qtbot: QtBot, view: ConversationView) -> None:
    view.show_conversation(long_talk(60))
    view.setFocus()
    end = top(view)
    qtbot.keyClick(view, Qt.Key.Key_PageUp)
    assert end - 600 < top(view) < end
    qtbot.keyClick(view, Qt.Key.Key_Home)
    assert top(view) == 0 and not view.follows
    qtbot.keyClick(view, Qt.Key.Key_End)
    assert view.follows


def test_tab_goes_from_top_to_bottom_and_brings_into_sight(qtbot: QtBot, view: ConversationView) -> None:
    tools = [answered(number, used(f"p{number}", title=f"file{number}.py")) for number in range(1, 60)]
    view.show_conversation(talk(*tools))
    scroll_to(view, 0)
    view.setFocus()
    names = []
    for _ in range(30):
        qtbot.keyClick(QApplication.focusWidget() or view, Qt.Key.Key_Tab)
        focused = QApplication.focusWidget()
        assert isinstance(focused, FoldLine)
        names.append(focused.accessibleName())
        at = focused.mapTo(view, focused.rect().center()).y()
        assert 0 <= at <= view.height()
    assert names == [f"✓ Read file{number}.py" for number in range(1, 31)]


def turn_wheel(over: QWidget) -> None:
    """Turn the wheel one notch up, as Qt does: a widget that ignores the event passes it to its parent."""
    target: QWidget | None = over
    while target:
        at = QPointF(5, 5)
        wheel = QWheelEvent(
            at,
            target.mapToGlobal(at),
            QPoint(0, 0),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        if QApplication.sendEvent(target, wheel) and wheel.isAccepted():
            return
        target = target.parentWidget()


def test_the_wheel_over_a_text_or_over_code_scrolls_the_conversation(view: ConversationView) -> None:
    code = "\n".join("x" for _ in range(300))
    view.show_conversation(talk(*long_talk(30).messages, answered(31, f"```\n{code}\n```")))
    (block,) = shown(view, CodeBlock)
    assert isinstance(block, CodeBlock)
    before = top(view)
    turn_wheel(block.lines.viewport())
    assert top(view) < before
    block.lines.setFocus()
    block.lines.verticalScrollBar().setValue(50)
    before = top(view)
    turn_wheel(block.lines.viewport())
    assert top(view) == before and block.lines.verticalScrollBar().value() < 50, "who is in the code scrolls the code"
    scroll_to(view, 0)
    scroll_to(view, 300)
    prose = shown(view, Prose)[-1]
    turn_wheel(prose.viewport())
    assert top(view) < 300
