"""The icon's menu as a panel reads it over D-Bus: every character is visible, and nothing moves while it is open."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.desktop import Desktop, drawn


class Program:
    """The program of the icon alone, which shows one snapshot after the other."""

    def __init__(self, desktop: Desktop) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.tray_program"],
            env={**os.environ, **desktop.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def show_next(self) -> None:
        assert self._process.stdin
        self._process.stdin.write("next\n")
        assert self.said() == "shown"

    def said(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().strip()

    def end(self) -> None:
        self._process.terminate()
        self._process.communicate(timeout=90)


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[Desktop]:
    with Desktop(tmp_path) as running:
        yield running


@pytest.fixture
def program(desktop: Desktop) -> Iterator[Program]:
    running = Program(desktop)
    try:
        desktop.tray.wait_for_item(90)
        running.show_next()
        yield running
    finally:
        running.end()


@pytest.mark.usefixtures("program")
def test_every_character_of_titles_and_folders_is_seen(desktop: Desktop) -> None:
    labels = desktop.tray.labels()
    assert "●  customer_table & R&D && __init__ — a" in labels
    assert "✕  snake_case & co — my_dir&x" in labels
    assert "✕  snake_case & co — my_dir&x" in desktop.tray.labels_below("1 thread cannot resume")


@pytest.mark.usefixtures("program")
def test_a_command_is_shown_to_the_letter_or_not_at_all(desktop: Desktop) -> None:
    told = "wants to run cat my_dir/old_data"
    assert any(told in label for label in desktop.tray.labels())
    below = desktop.tray.labels_below(told)
    assert below == [told, "Allow Once", "Always Allow", "Reject", "From now on: cat my_*", "Show Thread"]
    assert not any("rm" in label for label in desktop.tray.labels())
    assert desktop.tray.labels_below("waits for your approval") == ["Show and Answer…", "Reject"]
    assert desktop.tray.labels_below("waits for your answer") == ["Show and Answer…", "Leave Unanswered"]


def test_an_open_menu_stays_as_it_is_until_the_panel_closes_it(desktop: Desktop, program: Program) -> None:
    before = desktop.tray.labels()
    program.show_next()
    assert desktop.tray.labels_while_open() == before
    desktop.tray.close_menu()
    assert not any("wants to run" in label for label in desktop.tray.labels())


def test_a_click_on_an_open_menu_reaches_what_was_shown_and_ends_its_rest(desktop: Desktop, program: Program) -> None:
    desktop.tray.open_menu()
    program.show_next()
    desktop.tray.choose_as_shown("Settings…")
    assert program.said() == "Settings… settings"
    assert not any("wants to run" in label for label in desktop.tray.labels_while_open())


@pytest.mark.parametrize(
    ("label", "seen"), [("a__b", "a_b"), ("_&b", "&b"), ("a___b", "a_b"), ("____", "__"), ("plain", "plain")]
)
def test_the_panel_of_these_tests_draws_as_dbusmenu_says(label: str, seen: str) -> None:
    assert drawn(label) == seen
