"""The identity of this machine: the same each time, another one elsewhere, and no private data in it."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path

import pytest

from t3tray.system import machine
from t3tray.system.machine import is_this_machine, name_of, this_machine


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    this_machine.cache_clear()
    yield
    this_machine.cache_clear()


def here(monkeypatch: pytest.MonkeyPatch, told: str, name: str, is_container: bool = False) -> str:
    this_machine.cache_clear()
    monkeypatch.setattr(machine, "system_id", lambda: told)
    monkeypatch.setattr(machine, "is_container", lambda: is_container)
    monkeypatch.setattr(platform, "node", lambda: name)
    return this_machine()


def test_a_machine_that_was_renamed_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    before = here(monkeypatch, "abc", "attic")
    assert name_of(before) == "attic" and "abc" not in before
    here(monkeypatch, "abc", "cellar")
    assert is_this_machine(before)
    here(monkeypatch, "abd", "attic")
    assert not is_this_machine(before)


def test_two_containers_of_one_image_are_two_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    first = here(monkeypatch, "abc", "4f2a", is_container=True)
    assert here(monkeypatch, "abc", "4f2a", is_container=True) == first, "started again"
    here(monkeypatch, "abc", "99c1", is_container=True)
    assert not is_this_machine(first)


def test_what_an_older_version_recorded_counts_as_here() -> None:
    assert is_this_machine(None) and is_this_machine("")


def test_a_machine_without_an_id_goes_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "MACHINE_IDS", (tmp_path / "none",))
    assert this_machine() == this_machine()
    assert is_this_machine(this_machine())
