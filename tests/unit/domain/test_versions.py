"""Which versions of OpenCode t3tray works with, and what each can do."""

from __future__ import annotations

import pytest

from t3tray.domain.versions import Ability, abilities_of, can, numbers_of
from t3tray.messages.versions import lacking, trouble_with_version


@pytest.mark.parametrize("version", ["1.15.13", "1.17.0", "1.18.33", "1.99.9", "v1.18.33", "", "local", "0.0.0-dev-202611"])
def test_what_is_supported_or_cannot_be_told_is_used(version: str) -> None:
    assert trouble_with_version(version) == ("", "")


@pytest.mark.parametrize("version", ["1.15.12", "1.15.4", "1.4", "0.15.30"])
def test_what_is_too_old_is_refused_with_the_minimum(version: str) -> None:
    trouble, hint = trouble_with_version(version, "/usr/bin/opencode")
    assert trouble == f"OpenCode {version} (/usr/bin/opencode) is too old: t3tray needs OpenCode 1.15.13 or a newer 1.x."
    assert "opencode upgrade" in hint


def test_opencode_2_is_named() -> None:
    told, hint = trouble_with_version("2.4.1")
    assert told == "This is OpenCode 2 (2.4.1), and t3tray works with OpenCode 1.15.13 or a newer 1.x."
    assert "opencode_path" in hint


def test_versions_are_compared_as_numbers() -> None:
    assert numbers_of("1.9.10-beta.1") == (1, 9, 10) < (1, 15, 13)
    assert numbers_of("dev") is None


def test_moving_needs_1_17_and_a_build_without_a_number_can_do_everything() -> None:
    assert abilities_of("1.15.13") == frozenset()
    assert abilities_of("1.17.0") == abilities_of("local") == frozenset(Ability)
    assert (can(Ability.MOVE_SESSION, ""), can(Ability.MOVE_SESSION, "1.16.9")) == (None, False)
    told = "OpenCode 1.16.9 cannot move a session to another folder; OpenCode 1.17 or newer can."
    assert lacking(Ability.MOVE_SESSION, "1.16.9") == told
