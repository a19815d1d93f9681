"""The page of what was found: at the first start and later; every missing item with its advice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel
from pytestqt.qtbot import QtBot

from t3tray.domain.inventory import FoundProgram
from t3tray.messages.inventory import INSTALL, INSTALL_WITH_NPM, tray_item
from t3tray.messages.window import WELCOME
from t3tray.ui import theme
from t3tray.ui.first_start import AGAIN, FoundPage
from tests.support.views import INVENTORY

NOTHING = replace(INVENTORY, program=FoundProgram(trouble="There is none.", places=("/usr/bin",)), homes=INVENTORY.homes[:1])


@pytest.fixture
def page(qtbot: QtBot) -> FoundPage:
    made = FoundPage()
    qtbot.addWidget(made)
    made.resize(theme.NARROW, 640)
    made.show()
    return made


def texts(page: FoundPage) -> str:
    QApplication.processEvents()
    return "\n".join(label.text() for label in page.findChildren(QLabel) if label.isVisibleTo(page))


def buttons(page: FoundPage) -> dict[str, QAbstractButton]:
    QApplication.processEvents()
    found = page.findChildren(QAbstractButton)
    return {each.accessibleName() or each.text(): each for each in found if each.isVisibleTo(page)}


def test_before_anything_is_known_it_says_so(page: FoundPage) -> None:
    assert "Looking at what is there…" in texts(page) and "No threads yet" in texts(page)


def test_without_opencode_it_says_how_to_get_one_and_looks_again(qtbot: QtBot, page: FoundPage) -> None:
    page.show_inventory(NOTHING)
    shown = texts(page)
    for part in ("OpenCode needs your attention.", "There is no OpenCode here.", INSTALL, INSTALL_WITH_NPM, "✕"):
        assert part in shown, part
    buttons(page)[f"Copy “{INSTALL_WITH_NPM}”"].click()
    assert QGuiApplication.clipboard().text() == INSTALL_WITH_NPM
    again = buttons(page)["Look Again"]
    with qtbot.waitSignal(page.inventory_wanted):
        again.click()
    assert not again.isEnabled() and again.text() == "Looking…"
    page.show_inventory(NOTHING)
    assert buttons(page)["Look Again"].isEnabled(), "the same was found again"
    page.show_inventory(replace(INVENTORY, homes=INVENTORY.homes[:1]))
    assert "Everything that is needed is there." in texts(page) and INSTALL not in texts(page)


def test_the_first_time_it_welcomes_and_says_what_brings_threads(qtbot: QtBot, page: FoundPage) -> None:
    page.show_inventory(INVENTORY)
    assert WELCOME in texts(page) and "Those of T3 Code appear here by themselves" in texts(page)
    with qtbot.waitSignal(page.new_wanted):
        buttons(page)["New Thread…"].click()
    with qtbot.waitSignal(page.settings_wanted):
        buttons(page)["Settings…"].click()
    page.show_whether_threads(True)
    assert AGAIN in texts(page) and "No threads yet" not in texts(page) and "New Thread…" not in buttons(page)


@pytest.mark.parametrize(
    ("is_there", "desktop", "told"),
    [(True, "", "menu bar or tray"), (False, "ubuntu:GNOME", "AppIndicator"), (False, "sway", "starting t3tray again")],
)
def test_the_tray_is_told_of(page: FoundPage, is_there: bool, desktop: str, told: str) -> None:
    page.show_inventory(INVENTORY, (tray_item(is_there, desktop),))
    assert told in texts(page)


def test_a_mark_is_read_aloud_as_a_word(page: FoundPage) -> None:
    page.show_inventory(NOTHING)
    QApplication.processEvents()
    marks = [label for label in page.findChildren(QLabel) if label.text() in "●◐✕" and label.isVisibleTo(page)]
    spoken = {mark.text(): QAccessible.queryAccessibleInterface(mark).text(QAccessible.Text.Name) for mark in marks}
    assert spoken == {"✕": "Missing", "●": "Found", "◐": "Note"}


@pytest.mark.parametrize("width", [theme.NARROW, 960])
def test_no_text_is_cut(page: FoundPage, width: int) -> None:
    page.resize(width, 640)
    page.show_inventory(NOTHING, (tray_item(False, "GNOME"),))
    for _ in range(3):
        QApplication.processEvents()
    inside = page.widget()
    assert inside is not None and inside.width() <= page.viewport().width()
    for label in page.findChildren(QLabel):
        if label.isVisible() and label.wordWrap():
            assert label.height() >= label.heightForWidth(label.width()), label.text()
    for found in page.findChildren(QAbstractButton):
        if found.isVisible() and found.text():
            assert found.width() >= found.sizeHint().width(), found.text()
