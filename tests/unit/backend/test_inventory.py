"""The inventory of the test's own machine: programs, homes, keyring, our data. Taking it creates nothing."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from t3tray.backend.backend import Backend
from t3tray.opencode.binary import version_of
from tests.support.t3_world import sample_world
from tests.support.waiting import until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the program is a POSIX script")


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return path


@pytest.fixture
async def backend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Backend]:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("SHELL", raising=False)
    opened = await Backend.open(None, "tray")
    yield opened
    await opened.close()


async def test_an_empty_machine_has_nothing_and_stays_as_it_is(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(Path.home().rglob("*"))
    found = await backend.inspection.inventory()
    assert found.keyring == "" and found.vault == 0
    assert [(home.path, home.is_there, home.runs) for home in found.homes] == [(str(Path.home().resolve() / ".t3"), False, False)]
    assert sorted(Path.home().rglob("*")) == before


@pytest.mark.process
async def test_the_program_is_asked_for_its_version(backend: Backend, tmp_path: Path) -> None:
    there = program(tmp_path / "bin" / "opencode", "echo 1.18.33")
    found = (await backend.inspection.inventory()).program
    assert (found.path, found.version, found.trouble) == (str(there), "1.18.33", "")


async def test_a_home_that_was_added_is_told_with_its_threads(backend: Backend, tmp_path: Path) -> None:
    world = sample_world(tmp_path)
    await backend.preferences.change("t3_homes", [str(world.home)])
    found = (await backend.inspection.inventory()).homes[1]
    assert found.path == str(world.home.resolve()) and found.is_there and found.added_as == str(world.home) and not found.runs
    assert found.threads == found.ours == 1


@pytest.mark.process
@pytest.mark.parametrize(
    ("script", "version"),
    [("echo 1.2.3", "1.2.3"), ("echo opencode 1.2.3", "1.2.3"), ("exit 1", ""), ("echo hello", ""), ("printf '\\377'", "")],
)
async def test_what_a_program_says_of_its_version(tmp_path: Path, script: str, version: str) -> None:
    assert await version_of(program(tmp_path / "opencode", script), os.environ) == version


@pytest.mark.process
async def test_what_is_no_program_says_nothing(tmp_path: Path) -> None:
    assert await version_of(tmp_path / "nothing", os.environ) == ""
    assert await version_of(program(tmp_path / "endless", "while :; do echo 1; done"), os.environ) == ""


@pytest.mark.process
async def test_a_program_that_is_asked_ends_with_the_question(tmp_path: Path) -> None:
    """Quitting t3tray waits for no program that takes long to answer."""
    written = tmp_path / "pid"
    slow = program(tmp_path / "slow", f"echo $$ > {written}\nexec sleep 600")
    asked = asyncio.create_task(version_of(slow, os.environ))
    await asyncio.to_thread(until, lambda: written.exists() and written.read_text().strip() != "", "its start")
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert not psutil.pid_exists(int(written.read_text()))
