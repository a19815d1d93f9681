"""Setting something from the command line: every kind of value, and every way to get it wrong."""

from __future__ import annotations

import os

import pytest

from t3tray.errors import UsageError
from t3tray.settings.checks import parsed


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("t3_repair", "true", True),
        ("t3_repair", "0", False),
        ("stop_idle_minutes", "0", 0),
        ("server_port", "4096", 4096),
        ("server_with_app", "true", True),
        ("terminal", "kitty", "kitty"),
        ("terminal", "", ""),
        ("notice_turn", "false", False),
        ("quiet_from", "22:30", "22:30"),
        ("quiet_from", "", ""),
        ("t3_homes", os.pathsep.join(("/a", "/b")), ("/a", "/b")),
        ("t3_homes", "", ()),
    ],
)
def test_a_setting_is_what_was_typed(name: str, text: str, value: object) -> None:
    assert parsed(name, text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t3_repair", "perhaps"),
        ("stop_idle_minutes", "soon"),
        ("nothing", "1"),
    ],
)
def test_what_is_off_is_said_and_nothing_is_set(name: str, text: str) -> None:
    with pytest.raises(UsageError, match=name):
        parsed(name, text)
