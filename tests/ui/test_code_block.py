"""A code block: highlighting, copying, and unusual texts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QGuiApplication, QKeySequence, QTextBlock, QTextCursor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from t3tray.ui import theme
from t3tray.ui.appearance import follow_appearance
from t3tray.ui.conversation.code_block import CodeBlock
from t3tray.ui.conversation.code_lines import HUGE, SHOWN
from t3tray.ui.conversation.syntax_spans import LONGEST

WIDTH = 420


@pytest.fixture
def block(qtbot: QtBot) -> Iterator[CodeBlock]:
    follow_appearance("light")
    made = CodeBlock()
    qtbot.addWidget(made)
    made.show()
    yield made
    follow_appearance("system")


def show(block: CodeBlock, text: str, language: str = "python", lines: int = 200) -> None:
    block.show_code(text, language, lines, language)
    block.resize(WIDTH, block.height_at(WIDTH))


def line(block: CodeBlock, number: int) -> QTextBlock:
    return block.lines.document().findBlockByNumber(number)


def inks(block: CodeBlock) -> dict[str, QColor]:
    """Return the highlighted words with their colours."""
    found = {}
    each = block.lines.document().begin()
    while each.isValid():
        for look in each.layout().formats():
            units = each.text().encode("utf-16-le")[2 * look.start : 2 * (look.start + look.length)]
            found[units.decode("utf-16-le")] = look.format.foreground().color()
        each = each.next()
    return found


def clipboard(qtbot: QtBot, block: CodeBlock) -> str:
    """Return what the copy shortcut puts into the clipboard."""
    QGuiApplication.clipboard().setText("nothing")
    qtbot.keySequence(block.lines, QKeySequence(QKeySequence.StandardKey.Copy))
    return QGuiApplication.clipboard().text()


def test_a_code_is_coloured_by_its_language(qtbot: QtBot, block: CodeBlock) -> None:
    show(block, 'def f() -> None:\n    return "x"  # why')
    qtbot.waitUntil(lambda: "def" in inks(block))
    scheme = theme.colours()
    assert inks(block)["def"] == scheme.keyword and inks(block)["f"] == scheme.definition
    assert inks(block)["# why"] == scheme.muted
    assert block.lines.toPlainText() == 'def f() -> None:\n    return "x"  # why', "the text itself is as it was"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("import re", ""),
        ("import re", "nobody-knows"),
        ("import re\n" * (HUGE + 1), "python"),
        ("import re\nx = '" + "y" * LONGEST + "'", "python"),
    ],
    ids=["none", "unknown", "huge", "long line"],
)
def test_what_has_no_language_or_is_huge_stays_plain(qtbot: QtBot, block: CodeBlock, text: str, language: str) -> None:
    other = CodeBlock()
    qtbot.addWidget(other)
    show(block, text, language)
    show(other, "import os")
    qtbot.waitUntil(lambda: "import" in inks(other))
    assert not {"import", "re"} & inks(block).keys(), "it was read before the other"


def test_a_code_that_grows_keeps_its_colours_and_takes_new_ones(qtbot: QtBot, block: CodeBlock) -> None:
    text = ""
    for piece in ("def one():\n", "    pass\n\nde", "f two():\n    return '", "x'\n"):
        text += piece
        show(block, text)
    qtbot.waitUntil(lambda: {"one", "two", "x"} <= inks(block).keys())
    show(block, text + "import re\n" * HUGE)
    assert not inks(block).keys() - {line(block, block.lines.blockCount() - 1).text()}, "it has become huge"


def test_another_code_has_nothing_of_the_one_before(qtbot: QtBot, block: CodeBlock) -> None:
    show(block, "def one(): pass")
    qtbot.waitUntil(lambda: "one" in inks(block))
    show(block, "def one(): pass", "")
    assert not inks(block)
    show(block, "def one(): pass")
    show(block, "let two = 2", "javascript")
    qtbot.waitUntil(lambda: "let" in inks(block))
    assert inks(block).keys() == {"let", "2"}


def test_the_colours_follow_the_scheme(qtbot: QtBot, block: CodeBlock) -> None:
    show(block, "import re")
    qtbot.waitUntil(lambda: "import" in inks(block))
    light = inks(block)["import"]
    follow_appearance("dark")
    show(block, "import re")
    assert inks(block)["import"] == theme.colours().keyword != light


def test_lines_of_a_change_stand_on_their_ground_from_edge_to_edge(qtbot: QtBot, block: CodeBlock) -> None:
    show(block, " same\n-old\n+new", "diff")
    qtbot.waitUntil(lambda: "+" in inks(block))
    picture, scheme = block.lines.grab().toImage(), theme.colours()
    ratio = picture.devicePixelRatio()

    def ground(number: int) -> tuple[QColor, QColor]:
        place = block.lines.blockBoundingGeometry(line(block, number)).translated(block.lines.contentOffset())
        y = round(place.center().y() * ratio)
        return picture.pixelColor(1, y), picture.pixelColor(picture.width() - 2, y)

    assert ground(1) == (scheme.removed, scheme.removed) and ground(2) == (scheme.added, scheme.added)
    assert ground(0)[0] not in (scheme.added, scheme.removed)


def test_copy_takes_the_exact_text_by_mouse_and_by_key(qtbot: QtBot, block: CodeBlock) -> None:
    text = "\tx = 1\r\n  y\u00a0= '\x1b[31mred\x1b[0m'\x00\u202e \n\n"
    show(block, text)
    qtbot.mouseClick(block.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == text and block.copy.text() == "Copied"
    QGuiApplication.clipboard().setText("nothing")
    block.copy.setFocus()
    qtbot.keyClick(block.copy, Qt.Key.Key_Space)
    assert QGuiApplication.clipboard().text() == text
    assert block.copy.accessibleName() == "Copy python"
    qtbot.waitUntil(lambda: block.copy.text() == "Copy")


def test_what_is_selected_is_copied_as_it_is(qtbot: QtBot, block: CodeBlock) -> None:
    show(block, "a = 1\n\tb\u00a0= 2\nc = 3")
    qtbot.waitUntil(lambda: "3" in inks(block))
    cursor = block.lines.textCursor()
    cursor.setPosition(2)
    cursor.setPosition(12, QTextCursor.MoveMode.KeepAnchor)
    block.lines.setTextCursor(cursor)
    assert clipboard(qtbot, block) == "= 1\n\tb\u00a0= 2"
    qtbot.mouseDClick(block.lines.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(8, 10))
    assert clipboard(qtbot, block) == "a"
    assert QGuiApplication.clipboard().mimeData().formats() == ["text/plain"]


def test_all_that_is_selected_is_all_there_is_even_if_more_than_is_shown(qtbot: QtBot, block: CodeBlock) -> None:
    text = "x = 1  # \x1b[1mone\x1b[0m\n" * SHOWN
    show(block, text)
    assert len(block.lines.toPlainText()) < SHOWN + 100
    assert block.lines.toPlainText().endswith("… The rest is not shown; Copy takes all of it.")
    block.lines.selectAll()
    assert clipboard(qtbot, block) == text


def test_the_colours_survive_a_selection(qtbot: QtBot, block: CodeBlock) -> None:
    show(block, "import re")
    qtbot.waitUntil(lambda: "import" in inks(block))
    before = inks(block)
    block.lines.selectAll()
    assert inks(block) == before and block.lines.textCursor().selectedText() == "import re"


@pytest.mark.parametrize(
    "text",
    ["x = 1", "x = '" + "lorem " * 300 + "'", "\t" * 30 + "x", "🙂" * 40 + "\nx", "漢字" * 40, "שלום = 'עולם'", "a\x00b"],
    ids=["short", "long", "tabs", "emoji", "wide", "right to left", "nothing"],
)
def test_every_line_is_in_sight_and_a_wide_one_scrolls(qtbot: QtBot, block: CodeBlock, text: str) -> None:
    show(block, f"{text}\nend")
    QApplication.processEvents()
    lines = block.lines
    assert lines.verticalScrollBar().maximum() == 0
    last = lines.blockBoundingGeometry(line(block, lines.blockCount() - 1)).translated(lines.contentOffset())
    assert last.bottom() <= lines.viewport().height()
    widest = max(lines.blockBoundingRect(line(block, number)).width() for number in range(lines.blockCount()))
    assert bool(lines.horizontalScrollBar().maximum()) == (int(widest) > lines.viewport().width())
    lines.horizontalScrollBar().setValue(lines.horizontalScrollBar().maximum())
    lines.moveCursor(QTextCursor.MoveOperation.Start)
    lines.moveCursor(QTextCursor.MoveOperation.EndOfLine)
    assert lines.cursorRect().right() <= lines.viewport().width() + 1, "the end of the line can be seen"


def test_a_tab_goes_to_the_next_column_of_four(block: CodeBlock) -> None:
    show(block, "\tx\n    x\nab\tx\nab  x")

    def column(number: int, letter: int) -> int:
        cursor = QTextCursor(line(block, number))
        cursor.setPosition(cursor.position() + letter)
        return block.lines.cursorRect(cursor).x()

    assert column(0, 1) == column(1, 4) == column(2, 3) == column(3, 4)


def test_a_line_from_right_to_left_begins_at_the_left(block: CodeBlock) -> None:
    show(block, "שלום = 'עולם'\nx = 1")
    first = line(block, 0).layout().lineAt(0)
    assert line(block, 0).layout().textOption().textDirection() == Qt.LayoutDirection.LeftToRight
    assert first.naturalTextRect().left() == line(block, 1).layout().lineAt(0).naturalTextRect().left()


def test_the_end_of_the_last_line_is_no_line(block: CodeBlock) -> None:
    show(block, "one\ntwo\n")
    assert block.lines.blockCount() == 2


def test_a_long_name_of_a_file_keeps_its_end(block: CodeBlock) -> None:
    path = "/home/me/" + "deep/" * 40 + "basket.py"
    block.show_code("x", path, 14, path)
    block.resize(WIDTH, block.height_at(WIDTH))
    assert block.caption.text().startswith("…") and block.caption.text().endswith("/basket.py")
    assert block.copy.accessibleName() == f"Copy {path}"
