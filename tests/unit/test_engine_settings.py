"""A setting takes effect at once, is written beside what others set, and one that cannot be used changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from t3tray.core.engine import Engine
from t3tray.core.errors import UsageError
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
    assert engine.resting.idle_after == timedelta(minutes=5)
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
    assert engine.settings.stop_idle_minutes == 7 and engine.resting.idle_after == timedelta(minutes=7)


async def test_a_value_that_cannot_be_used_changes_nothing(engine: Engine) -> None:
    before = engine.settings
    with pytest.raises(UsageError):
        await engine.preferences.change("server_port", 80)
    await engine.preferences.read_again()
    assert engine.settings == before
