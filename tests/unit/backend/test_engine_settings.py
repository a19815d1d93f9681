"""A setting takes effect at once, is stored beside those that others set, and an unusable one changes nothing."""

from __future__ import annotations

import io
import sqlite3
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from t3tray.backend.backend import Backend
from t3tray.cli.commands.settings import settings
from t3tray.cli.context import Command
from t3tray.errors import UsageError
from t3tray.settings.definitions import Settings
from t3tray.settings.preferences import Preferences
from t3tray.system.secrets import Secrets
from tests.support.t3_world import SAMPLE_THREAD, sample_world


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    opened = await Backend.open(None, "tray")
    yield opened
    await opened.close()


@pytest.mark.process
async def test_a_home_of_t3_code_that_is_added_is_read_at_once_and_one_that_is_removed_no_more(
    backend: Backend, tmp_path: Path
) -> None:
    world = sample_world(tmp_path)
    assert not (await backend.snapshots.read()).rows
    await backend.preferences.change("t3_homes", [str(world.home)])
    assert [row.thread.id for row in (await backend.snapshots.read()).rows] == [SAMPLE_THREAD]
    assert world.state in backend.t3_files
    await backend.preferences.change("t3_homes", [])
    assert not (await backend.snapshots.read()).rows


async def test_what_is_set_is_gone_by_at_once(backend: Backend) -> None:
    await backend.preferences.change("stop_idle_minutes", 5)
    assert backend.idle_shutdown.idle_after == timedelta(minutes=5)
    await backend.preferences.change("terminal", "kitty")
    assert backend.launching.settings.terminal == "kitty"
    assert (await backend.snapshots.read()).settings.terminal == "kitty"


async def test_one_setting_is_written_beside_what_another_process_set_meanwhile(backend: Backend) -> None:
    other = await Backend.open(None, "command")
    await other.preferences.change("server_port", 4096)
    await other.close()
    settings = await backend.preferences.change("vault", False)
    assert settings.server_port == 4096 and not settings.vault
    assert backend.preferences.current == settings


async def test_what_another_process_set_is_gone_by_after_the_next_look(backend: Backend) -> None:
    other = await Backend.open(None, "command")
    await other.preferences.change("stop_idle_minutes", 7)
    await other.close()
    await backend.preferences.read_again()
    assert backend.preferences.current.stop_idle_minutes == 7 and backend.idle_shutdown.idle_after == timedelta(minutes=7)


async def test_a_value_that_cannot_be_used_changes_nothing(backend: Backend) -> None:
    before = backend.preferences.current
    with pytest.raises(UsageError):
        await backend.preferences.change("server_port", 80)
    await backend.preferences.read_again()
    assert backend.preferences.current == before


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


@pytest.mark.process
@pytest.mark.parametrize(("name", "stored"), UNUSABLE)
async def test_a_stored_value_that_cannot_be_used_is_its_default_with_a_warning(backend: Backend, name: str, stored: str) -> None:
    await backend.preferences.change("terminal", "kitty")
    with closing(sqlite3.connect(backend.store.path)) as connection, connection:
        connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, stored))
    opened = await Backend.open(None, "command")
    try:
        assert (
            getattr(opened.preferences.current, name) == getattr(Settings(), name)
            and opened.preferences.current.terminal == "kitty"
        )
        assert [warning for warning in (await opened.snapshots.read()).warnings if name in warning]
        assert [finding for finding in await opened.inspection.findings() if name in finding.detail and not finding.ok]
    finally:
        await opened.close()


async def test_what_cannot_be_gone_by_is_never_stored(backend: Backend) -> None:
    async def fail(_settings: Settings) -> None:
        raise OverflowError("by a mistake of ours")

    used = backend.preferences.current
    preferences = Preferences(backend.store.settings, backend.run_sql, used, fail, Secrets(backend.data_directory))
    with pytest.raises(OverflowError):
        await preferences.change("stop_idle_minutes", 7)
    assert (await backend.preferences.read()).stop_idle_minutes == 30


async def test_the_guard_is_not_switched_by_a_setting(backend: Backend) -> None:
    with pytest.raises(UsageError):
        await backend.preferences.change("guard", True)
    assert not backend.preferences.current.guard


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("carry_characters", "400", "carry_characters: Must be 1,000 to 10,000,000 characters."),
        ("carry_characters", "abc", "carry_characters is a whole number, not “abc”."),
        ("opencode_path", "/nowhere/opencode", "opencode_path: /nowhere/opencode is not an executable program."),
    ],
)
async def test_the_command_line_names_the_setting_that_has_an_invalid_value(
    backend: Backend, name: str, value: str, told: str
) -> None:
    words = Namespace(name=name, value=value, json=True)
    with pytest.raises(UsageError) as refused:
        await settings(Command(words, io.StringIO(), io.StringIO(), backend=backend))
    assert (refused.value.title, refused.value.message) == ("Invalid value", told)
    assert backend.preferences.current == Settings()
