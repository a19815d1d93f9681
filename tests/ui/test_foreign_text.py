"""Text of other programs is shown literally: no tooltip, label or page interprets it as HTML or loads what it names."""

from __future__ import annotations

import ast
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QTextDocument
from PySide6.QtGui import Qt as GuiQt
from PySide6.QtWidgets import QLabel, QMenu, QWidget
from pytestqt.qtbot import QtBot

from t3tray.domain.pending_request import ApprovalRequest, Question, QuestionRequest
from t3tray.domain.remedy import Choice, Remedy
from t3tray.domain.verdict import Reason
from t3tray.errors import ServerFailed
from t3tray.settings.definitions import Settings
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.conversation.prose import Prose
from t3tray.ui.labels import tooltip
from t3tray.ui.settings.settings_window import SettingsWindow
from t3tray.ui.tray.menu import menu_of
from t3tray.ui.tray.menu_drawing import fill
from t3tray.ui.widgets.basic import tip
from t3tray.ui.window import MainWindow
from tests.support.asked import idle_bridge
from tests.support.views import (
    INVENTORY,
    NOON,
    READY,
    alarm,
    details,
    in_t3,
    preview,
    protection_plan,
    requester,
    row,
    t3_thread,
)

EVIL = '<img src="file:////host/share/x.png">'
QT = Path(__file__).parents[2] / "t3tray" / "ui"


def poisoned(value: Any) -> Any:
    """Return the value with an HTML tag before every text in it."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return f"{EVIL}{value}"
    if isinstance(value, tuple):
        return tuple(poisoned(each) for each in value)
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.replace(value, **{name: poisoned(getattr(value, name)) for name in value.__struct_fields__})
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: poisoned(getattr(value, each.name)) for each in fields(value) if each.init})
    return value


ROWS = tuple(poisoned(each) for each in (row("a", Reason.MISSING, draft="kept"), row("b"), in_t3(row("c", Reason.SPLIT))))
FOREIGN = poisoned(t3_thread("d", "codex"))
ASKS = poisoned(
    (
        ApprovalRequest("per_1", requester("b"), "bash", ("ls",)),
        QuestionRequest("que_1", requester("b"), (Question("Which?", "Which", ()),)),
    )
)
OVERVIEW = replace(
    Snapshot(replace(READY, reason=f"{EVIL} is why"), ROWS, (FOREIGN,), idle_status=f"{EVIL} rests"),
    pending_requests=ASKS,
    alarms=(poisoned(alarm("c")),),
    warnings=(f"{EVIL} cannot be read.",),
)


def shown_by(text: str) -> str:
    """Return what Qt shows of a tooltip."""
    if not GuiQt.mightBeRichText(text):
        return text
    document = QTextDocument()
    document.setHtml(text)
    return document.toPlainText()


def assert_plain(top: QWidget) -> None:
    for widget in (top, *top.findChildren(QWidget)):
        if isinstance(widget, QLabel):
            assert widget.textFormat() is Qt.TextFormat.PlainText, widget.text()
        assert "<img" not in widget.toolTip() and "<img" not in widget.whatsThis() and "<img" not in widget.statusTip()
    for menu in top.findChildren(QMenu):
        assert_actions_plain(menu)


def assert_actions_plain(menu: QMenu) -> None:
    for action in menu.findChildren(QAction):
        # Without an explicit tooltip Qt derives it from the text, without tags, and shows none in a menu.
        assert "<img" not in action.toolTip() or action.toolTip() == QAction(action.text()).toolTip()


@pytest.mark.parametrize("text", [EVIL, "a & b", "&lt;b&gt;", "a < b\n  c > d", "<b>bold", "plain\nlines", "<?xml", "&amp;"])
def test_a_tooltip_shows_exactly_its_text(qtbot: QtBot, text: str) -> None:
    assert shown_by(tip(text)) == text


def test_every_window_shows_words_of_others_as_they_are(qtbot: QtBot) -> None:
    window = MainWindow(idle_bridge(), lambda: NOON)
    qtbot.addWidget(window)
    window.show_snapshot(OVERVIEW)
    window.show()
    model = window.threads.table.model()
    tips = [model.index(place, 0).data(Qt.ItemDataRole.ToolTipRole) for place in range(model.rowCount())]
    assert sum(EVIL in shown_by(each) for each in tips if each) >= len(ROWS), "a title hides what stands below it"
    assert not any("<img" in each for each in tips if each)
    for each in (*ROWS, FOREIGN):
        name = getattr(each, "thread", each).id
        window.show_thread(name)
        if each is not FOREIGN:
            window.show_details(poisoned(details(each, "ses_old")))
        window.page.show_requests(OVERVIEW.pending_requests)
        assert_plain(window)
    window.show_preview(ROWS[0].thread.id, Choice(Remedy.CARRY), poisoned(preview(Remedy.CARRY)))
    assert_plain(window)
    window.show_protection_plan(poisoned(protection_plan(True, "a turn")))
    assert_plain(window)
    window.bar.show_error(ServerFailed(f"{EVIL} failed.", f"{EVIL} helps."))
    window.bar.note(f"{EVIL} was done.")
    window.found.show_inventory(poisoned(INVENTORY))
    window.new_thread.show()
    assert_plain(window)
    assert_plain(window.new_thread)


def test_the_settings_and_the_menu_too(qtbot: QtBot) -> None:
    window = SettingsWindow()
    qtbot.addWidget(window)
    window.show_settings(poisoned(Settings(t3_homes=("/code/t3",))))
    window.show_inventory(poisoned(INVENTORY))
    window.show_refusal("t3_homes", f"{EVIL} is no folder.")
    window.show_login(False, f"{EVIL} cannot be written.")
    assert_plain(window)
    menu = QMenu()
    qtbot.addWidget(menu)
    fill(menu, menu_of(OVERVIEW, NOON), lambda item: None)
    assert_actions_plain(menu)
    # A panel or Qt may interpret it as rich text: it contains no text of other programs.
    assert EVIL not in tooltip(OVERVIEW) and not GuiQt.mightBeRichText(tooltip(OVERVIEW))


def test_a_links_title_in_a_conversation_is_shown_as_it_is(qtbot: QtBot) -> None:
    prose = Prose()
    qtbot.addWidget(prose)
    prose.show_markdown(f"[here](https://example.org '{EVIL}') ![p]({EVIL} '{EVIL}')")
    block, found = prose.document().begin(), []
    pieces = block.begin()
    while not pieces.atEnd():
        found.append(pieces.fragment().charFormat().toolTip())
        pieces += 1
    assert any(EVIL in shown_by(each) for each in found) and not any("<img" in each for each in found)
    assert prose.loadResource(2, EVIL) is None


def test_the_source_makes_no_tooltip_and_no_label_another_way() -> None:
    found = []
    for path in sorted(QT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            where = f"{path.relative_to(QT)}:{node.lineno} {name}"
            if name in ("setToolTip", "setWhatsThis", "setStatusTip", "showText"):
                made = node.args[0]
                by_tip = isinstance(made, ast.Call) and getattr(made.func, "id", "") == "tip"
                if not (by_tip or isinstance(made, ast.Constant) or path.name == "tray.py"):
                    found.append(where)
            elif name == "QLabel" and not any(
                each.arg == "textFormat" and ast.unparse(each.value).endswith("PlainText") for each in node.keywords
            ):
                found.append(where)
            elif name in ("setHtml", "insertHtml", "RichText", "critical", "warning", "information", "question", "about"):
                is_log = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) in ("_log", "logging")
                if not is_log:
                    found.append(where)
    assert found == []
