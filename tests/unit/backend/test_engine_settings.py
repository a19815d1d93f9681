"""A setting takes effect at once, is written beside what others set, and one that cannot be used changes nothing."""

from __future__ import annotations

import io
import sqlite3
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from t3tray.backend.engine import Engine
from t3tray.cli.commands.settings import settings
from t3tray.cli.context import Command
from t3tray.errors import UsageError
from t3tray.settings.definitions import Settings
from tests.support.t3_world import SAMPLE_THREAD, sample_world


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    opened = await Engine.open(None, "tray")
    yield opened
    await opened.close()


async def test_a_home_of_t3_code_that_is_added_is_read_at_once_and_one_that_is_removed_no_more(
    engine: Engine, tmp_path: Path
) -> None:
    world = sample_world(tmp_path)
    assert not (await engine.overview()).rows
    await engine.preferences.change("t3_homes", [str(world.home)])
    assert [row.thread.id for row in (await engine.overview()).rows] == [SAMPLE_THREAD]
    assert world.state in engine.t3_files
    await engine.preferences.change("t3_homes", [])
    assert not (await engine.overview()).rows


async def test_what_is_set_is_gone_by_at_once(engine: Engine) -> None:
    await engine.preferences.change("stop_idle_minutes", 5)
    assert engine.idle_shutdown.idle_after == timedelta(minutes=5)
    await engine.preferences.change("terminal", "kitty")
    assert engine.launching.settings.terminal == "kitty"
    assert (await engine.overview()).settings.terminal == "kitty"


async def test_one_setting_is_written_beside_what_another_process_set_meanwhile(engine: Engine) -> None:
    other = await Engine.open(None, "command")
    await other.preferences.change("server_port", 4096)
    await other.close()
    settings = await engine.preferences.change("vault", False)
    assert settings.server_port == 4096 and not settings.vault
    assert engine.settings == settings


async def test_what_another_process_set_is_gone_by_after_the_next_look(engine: Engine) -> None:
    other = await Engine.open(None, "command")
    await other.preferences.change("stop_idle_minutes", 7)
    await other.close()
    await engine.preferences.read_again()
    assert engine.settings.stop_idle_minutes == 7 and engine.idle_shutdown.idle_after == timedelta(minutes=7)


async def test_a_value_that_cannot_be_used_changes_nothing(engine: Engine) -> None:
    before = engine.settings
    with pytest.raises(UsageError):
        await engine.preferences.change("server_port", 80)
    await engine.preferences.read_again()
    assert engine.settings == before


UNUSABLE = [
    ("stop_idle_minutes", "99999999999999999999"),
    ("t3_idle_minutes", "0"),
    ("carry_characters", "0"),
    ("vault_megabytes", "-1"),
    ("appearance", '"pink"'),
    ("quiet_from", '"25:00"'),
    ("server_port", "not json"),
    ("t3_homes", '{"a": 1}'),
    ("vault", "x"),
]


@pytest.mark.parametrize(("name", "stored"), UNUSABLE)
async def test_a_stored_value_that_cannot_be_used_is_its_default_with_a_warning(engine: Engine, name: str, stored: str) -> None:
    await engine.preferences.change("terminal", "kitty")
    with closing(sqlite3.connect(engine.store.path)) as connection, connection:
        connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, stored))
    opened = await Engine.open(None, "command")
    try:
        assert getattr(opened.settings, name) == getattr(Settings(), name) and opened.settings.terminal == "kitty"
        assert [warning for warning in (await opened.overview()).warnings if name in warning]
        assert [finding for finding in await opened.assess() if name in finding.detail and not finding.ok]
    finally:
        await opened.close()


async def test_what_cannot_be_gone_by_is_never_stored(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_settings: Settings) -> None:
        raise OverflowError("by a mistake of ours")

    monkeypatch.setattr(engine.preferences, "_apply", fail)
    with pytest.raises(OverflowError):
        await engine.preferences.change("stop_idle_minutes", 7)
    assert (await engine.preferences.read()).stop_idle_minutes == 30


async def test_the_guard_is_not_switched_by_a_setting(engine: Engine) -> None:
    with pytest.raises(UsageError):
        await engine.preferences.change("guard", True)
    assert not engine.settings.guard


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("carry_characters", "400", "carry_characters: Must be 1,000 to 10,000,000 characters."),
        ("carry_characters", "abc", "carry_characters is a whole number, not “abc”."),
        ("opencode_path", "/nowhere/opencode", "opencode_path: /nowhere/opencode is not an executable program."),
    ],
)
async def test_the_command_line_names_the_setting_that_has_an_invalid_value(
    engine: Engine, name: str, value: str, told: str
) -> None:
    words = Namespace(name=name, value=value, json=True)
    with pytest.raises(UsageError) as refused:
        await settings(Command(words, engine, io.StringIO(), io.StringIO()))
    assert (refused.value.title, refused.value.message) == ("Invalid value", told)
    assert engine.settings == Settings()
