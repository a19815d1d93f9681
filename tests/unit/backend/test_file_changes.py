"""Changes of files reach the event loop, also while a mount does not answer, and after a watch that could not be started."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from t3tray.backend import file_changes
from t3tray.backend.file_changes import FileChanges
from t3tray.system import file_watch
from t3tray.system.file_watch import FileWatch

LIMIT = 90


async def told(changed: asyncio.Event, change: Callable[[], object]) -> None:
    changed.clear()
    change()
    async with asyncio.timeout(LIMIT):
        await changed.wait()


async def test_a_mount_that_dies_later_hides_no_change_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answers, stat = threading.Event(), os.stat
    answers.set()

    def hanging(path: str | Path, **options: bool) -> os.stat_result:
        assert not str(path).startswith(str(tmp_path / "dead")) or answers.wait(LIMIT)
        return stat(path, **options)

    monkeypatch.setattr(os, "stat", hanging)
    monkeypatch.setattr(file_watch, "BLOCKED_AFTER", 0.1)
    monkeypatch.setattr(file_changes, "RELIEVE_EVERY", 0.05)
    monkeypatch.setattr(file_changes, "FileWatch", partial(FileWatch, period=0.02))
    changed = asyncio.Event()
    changes = FileChanges(changed.set)
    await changes.follow((tmp_path / "dead" / "a", tmp_path / "a"))
    await told(changed, lambda: (tmp_path / "a").write_text("1"))
    answers.clear()
    async with asyncio.timeout(LIMIT):
        while "does not respond" not in caplog.text:
            await asyncio.sleep(0.02)
    await told(changed, lambda: (tmp_path / "a").write_text("22"))
    await told(changed, answers.set)
    changes.stop()


async def test_a_watch_that_could_not_be_begun_is_begun_with_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = asyncio.Event()
    changes = FileChanges(changed.set)

    def no_thread(*_words: object) -> FileWatch:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(file_changes, "FileWatch", no_thread)
        await changes.follow((tmp_path / "a",))
    await changes.follow((tmp_path / "a",))
    await told(changed, lambda: (tmp_path / "a").write_text("1"))
    changes.stop()
