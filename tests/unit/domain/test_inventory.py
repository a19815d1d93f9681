"""Sentences on the inventory: every missing item comes with the one thing to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from t3tray.domain.inventory import FoundHome, FoundProgram, Inventory, InventoryItem, ItemState
from t3tray.messages.inventory import INSTALL, INSTALL_WITH_NPM, items, megabytes

WELL = Inventory(
    FoundProgram("/usr/bin/opencode", "1.18.33"),
    (FoundHome("/home/dev/.t3", is_there=True, runs=True, threads=12, ours=9),),
    "the desktop's keyring",
    "/home/dev/.local/share/t3tray",
    12_400_000,
    "",
)
NO_PROGRAM = FoundProgram(trouble="There is no `opencode` program.", places=("/usr/bin",))


def item(found: Inventory, name: str) -> InventoryItem:
    return next(each for each in items(found) if each.name == name)


def test_where_all_is_well_nothing_is_advised() -> None:
    assert {each.standing for each in items(WELL)} == {ItemState.FINE}
    assert not any(each.advice or each.commands for each in items(WELL))
    said = " ".join(each.sentence for each in items(WELL))
    for part in ("1.18.33", "/usr/bin/opencode", "running now", "12 threads, 9 of them are", "desktop's keyring", "12 MB"):
        assert part in said, part


def test_a_desktop_that_shows_no_notices_is_noted_and_one_that_nobody_asked_is_not() -> None:
    noted = item(replace(WELL, notices="No program on this desktop shows notices."), "Notifications")
    assert noted.standing is ItemState.NOTED and "No program" in noted.sentence and "in the window" in noted.advice
    assert all(each.name != "Notifications" for each in items(replace(WELL, notices=None)))


def test_without_an_opencode_it_says_how_to_get_one() -> None:
    missing = item(replace(WELL, program=NO_PROGRAM), "OpenCode")
    assert missing.standing is ItemState.MISSING
    assert missing.commands == (INSTALL, INSTALL_WITH_NPM) and "look again" in missing.advice


def test_a_setting_that_names_no_program_is_to_be_corrected() -> None:
    wrong = FoundProgram(trouble="The setting names /x, but there is no program that can be run.")
    missing = item(replace(WELL, program=wrong), "OpenCode")
    assert "/x" in missing.sentence and "Settings" in missing.advice and not missing.commands


@pytest.mark.parametrize(
    ("version", "standing", "told"),
    [
        ("1.15.12", ItemState.MISSING, "too old"),
        ("0.9", ItemState.MISSING, "too old"),
        ("1.15.13", ItemState.FINE, "1.15.13"),
        ("2.0.0-beta.1", ItemState.MISSING, "This is OpenCode 2"),
        ("", ItemState.NOTED, "does not say its version"),
    ],
)
def test_the_version_is_judged(version: str, standing: ItemState, told: str) -> None:
    found = item(replace(WELL, program=FoundProgram("/usr/bin/opencode", version)), "OpenCode")
    assert found.standing is standing and told in found.sentence
    assert bool(found.advice) == (standing is not ItemState.FINE)


@pytest.mark.parametrize(
    ("home", "standing", "told"),
    [
        (FoundHome("/t3"), ItemState.NOTED, "There is no T3 Code in /t3"),
        (FoundHome("/t3", added_as="/t3"), ItemState.MISSING, "There is no T3 Code in /t3"),
        (FoundHome("/t3", is_there=True), ItemState.FINE, "No threads in it yet"),
        (FoundHome("/t3", is_there=True, threads=1), ItemState.FINE, "1 thread, none of them"),
        (FoundHome("/t3", is_there=True, threads=2, ours=1), ItemState.FINE, "2 threads, 1 of them is"),
        (FoundHome("/t3", is_there=True, trouble="A table is new."), ItemState.NOTED, "cannot be read: A table is new."),
    ],
)
def test_every_state_of_a_home_is_told(home: FoundHome, standing: ItemState, told: str) -> None:
    found = item(replace(WELL, homes=(home,)), "T3 Code")
    assert found.standing is standing and told in found.sentence
    assert bool(found.advice) == (standing is not ItemState.FINE)


def test_without_a_keyring_it_says_where_the_password_lies() -> None:
    found = item(replace(WELL, keyring=""), "Keyring")
    assert found.standing is ItemState.NOTED and "a file that only you can read" in found.sentence


@pytest.mark.parametrize(("size", "told"), [(0, "0 MB"), (1, "less than 1 MB"), (1_500_000, "2 MB"), (2_345_000_000, "2,345 MB")])
def test_sizes_are_told_in_megabytes(size: int, told: str) -> None:
    assert megabytes(size) == told
