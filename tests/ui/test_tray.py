"""The icon and the drawn menu, offscreen."""

from __future__ import annotations

import sys
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import QPoint, QSize
from PySide6.QtGui import QAction, QImage
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from t3tray.domain.pending_request import ApprovalRequest, Reply
from t3tray.domain.verdict import Reason
from t3tray.resources import resource
from t3tray.settings.definitions import Settings
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.tray.menu import MenuAction, MenuItem
from t3tray.ui.tray.menu_drawing import fill
from t3tray.ui.tray.tray import IconState, Tray, tray_icon
from tests.support.views import NOON, READY, idle, requester, row

APPROVAL = ApprovalRequest("per_1", requester("a"), "bash", ("git push",), ("git *",))


def actions(menu: QMenu) -> list[QAction]:
    return [action for action in menu.actions() if not action.isSeparator()]


def menu_of(tray: Tray) -> QMenu:
    menu = tray.icon.contextMenu()
    assert menu is not None
    return menu


def picture(state: IconState, colour: str, size: int, ratio: float = 1.0) -> QImage:
    return tray_icon(state, colour).pixmap(QSize(size, size), ratio).toImage()


@pytest.mark.parametrize("colour", ["auto", "light", "dark"])
@pytest.mark.parametrize("size", [16, 22, 32])
def test_every_state_has_a_shape_of_its_own_at_every_size(qtbot: QtBot, colour: str, size: int) -> None:
    """Compare the icons without colour: by opacity and brightness."""
    shapes = [picture(state, colour, size).convertToFormat(QImage.Format.Format_ARGB32) for state in IconState]
    for place, one in enumerate(shapes):
        assert one.size() == QSize(size, size)
        for other in shapes[place + 1 :]:
            points = [(x, y) for x in range(size) for y in range(size)]
            changed_names = sum(
                abs(one.pixelColor(x, y).alpha() - other.pixelColor(x, y).alpha()) > 100
                or abs(one.pixelColor(x, y).lightness() - other.pixelColor(x, y).lightness()) > 100
                for x, y in points
            )
            assert changed_names >= size * size * 0.02


def test_the_icon_is_sharp_on_a_screen_of_two_pixels_to_a_point(qtbot: QtBot) -> None:
    assert picture(IconState.READY, "auto", 22, 2.0).size() == QSize(44, 44)


def test_the_icon_of_any_panel_has_a_light_ground_with_dark_strokes(qtbot: QtBot) -> None:
    for state in IconState:
        drawn = picture(state, "auto", 32)
        solid = [drawn.pixelColor(x, y) for x in range(32) for y in range(32) if drawn.pixelColor(x, y).alpha() > 250]
        assert any(colour.lightness() > 240 for colour in solid) and any(colour.lightness() < 40 for colour in solid), state


def test_a_colour_that_nobody_knows_is_the_automatic_one(qtbot: QtBot) -> None:
    assert picture(IconState.READY, "pink", 22) == picture(IconState.READY, "auto", 22)


def test_on_macos_the_icon_is_a_mask_of_black_alone(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    for state in IconState:
        assert tray_icon(state, "light").isMask()
        drawing = ElementTree.parse(resource(f"icons/tray-{state}-mask.svg")).getroot()
        inks = {part.get(name) for part in drawing.iter() for name in ("fill", "stroke")} - {None, "none"}
        assert inks == {"#000"}, state


@pytest.mark.parametrize(("platform", "keys"), [("darwin", {"Settings…": "Ctrl+,", "Quit t3tray": "Ctrl+Q"}), ("linux", {})])
def test_the_menu_has_the_keys_of_macos_there_alone(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, platform: str, keys: dict[str, str]
) -> None:
    """Qt writes the command key as Ctrl."""
    monkeypatch.setattr(sys, "platform", platform)
    tray = Tray(lambda: NOON)
    tray.show_snapshot(Snapshot(READY, (row("a"),)))
    found = {action.text(): action.shortcut().toString() for action in actions(menu_of(tray))}
    assert {label: shortcut for label, shortcut in found.items() if shortcut} == keys


def test_the_icon_follows_the_state_and_the_users_colour(qtbot: QtBot) -> None:
    tray = Tray(lambda: NOON)
    for snapshot, expected in (
        (Snapshot(READY), (IconState.READY, "auto")),
        (Snapshot(READY, (row("a", Reason.MISSING),)), (IconState.TROUBLE, "auto")),
        (Snapshot(READY, settings=Settings(tray_icon="light")), (IconState.READY, "light")),
    ):
        tray.show_snapshot(snapshot)
        assert tray.icon.icon().pixmap(22).toImage() == tray_icon(*expected).pixmap(22).toImage()


def test_the_menu_is_drawn_anew_only_when_its_values_have_changed(qtbot: QtBot) -> None:
    tray = Tray(lambda: NOON)
    tray.show_snapshot(Snapshot(READY, (row("a"),)))
    before = actions(menu_of(tray))
    tray.show_snapshot(Snapshot(READY, (row("a"),), warnings=("something else",)))
    assert actions(menu_of(tray)) == before
    tray.show_snapshot(Snapshot(READY, (row("b"),)))
    assert "●  Thread b — b" in [action.text() for action in actions(menu_of(tray))]


def test_a_menu_that_is_open_stays_as_it_is_until_it_is_closed(qtbot: QtBot) -> None:
    tray = Tray(lambda: NOON)
    tray.show_snapshot(Snapshot(READY, (row("a"),)))
    menu = menu_of(tray)
    menu.popup(QPoint(0, 0))
    before = actions(menu)
    tray.show_snapshot(Snapshot(READY, (row("b"),)))
    assert actions(menu) == before
    with qtbot.waitSignal(tray.chosen) as chosen:
        next(action for action in before if action.text() == "●  Thread a — a").trigger()
    assert chosen.args[0].thread_id == "a"
    menu.close()
    qtbot.waitUntil(lambda: any(action.text() == "●  Thread b — b" for action in actions(menu)))


def test_the_ring_goes_on_while_nothing_changes(qtbot: QtBot) -> None:
    clock = [NOON]
    tray = Tray(lambda: clock[0])
    tray.show_snapshot(Snapshot(READY, (idle("a", 29),)))
    assert any("◕" in action.text() for action in actions(menu_of(tray)))
    clock[0] = NOON + timedelta(minutes=25)
    menu_of(tray).aboutToShow.emit()
    assert any("○" in action.text() for action in actions(menu_of(tray)))


def test_an_ask_is_answered_from_the_menu(qtbot: QtBot) -> None:
    tray = Tray(lambda: NOON)
    tray.show_snapshot(Snapshot(READY, (row("a"),), pending_requests=(APPROVAL,)))
    (entry,) = [action for action in actions(menu_of(tray)) if "wants to run git push" in action.text()]
    below = entry.menu()
    assert isinstance(below, QMenu)
    with qtbot.waitSignal(tray.chosen) as chosen:
        next(action for action in actions(below) if action.text() == "Always Allow").trigger()
    item: MenuItem = chosen.args[0]
    assert (item.action, item.request, item.reply) == (MenuAction.REPLY, APPROVAL, Reply.ALWAYS)


def test_an_entry_that_can_do_nothing_says_why_and_ampersands_are_shown(qtbot: QtBot) -> None:
    menu = QMenu()
    qtbot.addWidget(menu)
    fill(menu, (MenuItem("R & D", MenuAction.OPEN, why="Not now."), MenuItem(""), MenuItem("Only said")), lambda item: None)
    first, last = actions(menu)
    assert (first.text(), first.isEnabled(), first.toolTip()) == ("R && D", False, "Not now.")
    assert not last.isEnabled() and menu.toolTipsVisible()


def test_menus_below_do_not_pile_up(qtbot: QtBot) -> None:
    menu = QMenu()
    qtbot.addWidget(menu)
    for _ in range(5):
        fill(menu, (MenuItem("More", below=(MenuItem("One", MenuAction.OPEN),)),), lambda item: None)
    qtbot.waitUntil(lambda: len(menu.findChildren(QMenu)) == 1)


def test_a_panel_that_never_closes_its_menu_gets_the_news_after_a_while(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("t3tray.ui.tray.tray.OPEN_AT_MOST", 50)
    tray = Tray(lambda: NOON)
    tray.show_snapshot(Snapshot(READY, (row("a"),)))
    menu_of(tray).aboutToShow.emit()
    before = actions(menu_of(tray))
    tray.show_snapshot(Snapshot(READY, (row("b"),)))
    assert actions(menu_of(tray)) == before
    qtbot.waitUntil(lambda: actions(menu_of(tray)) != before)
