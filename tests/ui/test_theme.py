"""Readable colours, in both schemes and with any accent; and a scheme that the user sets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QCommonStyle
from pytestqt.qtbot import QtBot

from t3tray.settings.definitions import Settings
from t3tray.threads.snapshot import Snapshot
from t3tray.ui import theme
from t3tray.ui.appearance import Appearance, follow_appearance
from t3tray.ui.bridge import Bridge
from tests.support.recording import RecordingBackend
from tests.support.views import READY

GROUNDS = ("base", "raised", "chosen")
CODE_INKS = ("text", "muted", "keyword", "definition", "builtin", "string", "number")
INKS = ("text", "muted", "good", "unsure", "bad", "accent_text")


@pytest.fixture(autouse=True)
def usual_look(qapp: QApplication) -> Iterator[None]:
    yield
    follow_appearance("system")


def assert_readable(scheme: theme.Colours) -> None:
    for ground in GROUNDS:
        for ink in INKS:
            told = theme.contrast(getattr(scheme, ink), getattr(scheme, ground))
            assert told >= theme.READABLE, (ink, ground, round(told, 2))
    assert theme.contrast(scheme.on_accent, scheme.accent) >= theme.READABLE
    told_of = {"added": ("text", "good"), "removed": ("text", "bad"), "raised": CODE_INKS}
    for ground, inks in told_of.items():
        for ink in inks:
            told = theme.contrast(getattr(scheme, ink), getattr(scheme, ground))
            assert told >= theme.READABLE, (ink, ground, round(told, 2))


@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_every_text_can_be_read_on_every_ground(appearance: str) -> None:
    follow_appearance(appearance)
    assert_readable(theme.colours())


@pytest.mark.parametrize("appearance", ["light", "dark"])
@pytest.mark.parametrize("accent", ["#ffcc00", "#ff2d55", "#34c759", "#8e8e93", "#0a84ff", "#000000", "#ffffff", "#5e2ca5"])
def test_an_accent_of_the_systems_is_made_readable(appearance: str, accent: str) -> None:
    follow_appearance(appearance)
    assert_readable(theme.with_accent(theme.colours(), QColor(accent)))


def test_an_accent_that_can_be_read_is_taken_as_it_is() -> None:
    follow_appearance("light")
    wanted = QColor("#5e2ca5")
    assert theme.with_accent(theme.colours(), wanted).accent == wanted


def test_the_systems_accent_is_used_and_the_styles_own_is_not(qapp: QApplication) -> None:
    usual = theme.colours().accent
    palette = QPalette(qapp.palette())
    palette.setColor(QPalette.ColorRole.Accent, QColor("#5e2ca5"))
    qapp.setPalette(palette)
    assert theme.colours().accent == QColor("#5e2ca5") != usual


@pytest.mark.parametrize("appearance", ["system", "light", "dark"])
def test_on_macos_the_accent_is_that_of_the_standard_palette(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch, appearance: str
) -> None:
    """Qt's style for macOS returns the system's palette as its standard one, so both always have the same accent."""
    system = QPalette(qapp.palette())
    system.setColor(QPalette.ColorRole.Accent, QColor("#5e2ca5"))
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr(QCommonStyle, "standardPalette", lambda _: system)
    monkeypatch.setattr(QApplication, "style", lambda: QCommonStyle())
    follow_appearance(appearance)
    scheme = theme.colours()
    assert scheme == theme.with_accent(theme.usual(theme.is_dark()), QColor("#5e2ca5"))
    assert_readable(scheme)


def test_a_forced_scheme_is_taken_where_the_desktop_cannot_be_asked_and_given_back(qapp: QApplication) -> None:
    grounds = []
    for appearance in ("dark", "light", "dark", "system"):
        follow_appearance(appearance)
        grounds.append(theme.colours().base.lightness() < 128)
    assert grounds == [True, False, True, False]


def test_what_is_disabled_can_be_read_too(qapp: QApplication) -> None:
    for appearance in ("light", "dark"):
        follow_appearance(appearance)
        palette = qapp.palette()
        if appearance == "dark":
            text = palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.WindowText)
            assert theme.contrast(text, palette.color(QPalette.ColorRole.Window)) >= theme.READABLE


def test_what_is_set_is_seen_before_the_next_look(qtbot: QtBot) -> None:
    bridge, appearance = Bridge(RecordingBackend().open), Appearance()
    appearance.listen(bridge)
    bridge.start()
    bridge.change_setting("appearance", "dark")
    qtbot.waitUntil(theme.is_dark)
    bridge.change_setting("appearance", "system")
    qtbot.waitUntil(lambda: not theme.is_dark())
    bridge.close()
    assert bridge.join()


def test_what_a_command_set_is_seen_with_the_next_look(qtbot: QtBot) -> None:
    bridge, appearance = Bridge(RecordingBackend(Snapshot(READY, settings=Settings(appearance="dark"))).open), Appearance()
    appearance.listen(bridge)
    bridge.start()
    qtbot.waitUntil(theme.is_dark)
    bridge.close()
    assert bridge.join()
