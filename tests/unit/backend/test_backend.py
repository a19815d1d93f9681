"""The backend's loop goes on: without a watch on the files, after an unexpected exception, with folders that appear later."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import t3tray
from t3tray.alerts.notifier import Notifier
from t3tray.backend import monitor as module
from t3tray.backend import watched_tasks
from t3tray.backend.backend import Backend
from t3tray.backend.scanning import Scanning
from t3tray.backend.upkeep import Upkeep
from t3tray.domain.inventory import AutostartState
from t3tray.domain.thread import Source, Thread
from t3tray.errors import Refused, StoreError, UsageError
from t3tray.messages.desktop import NO_BUS
from t3tray.messages.trouble import UPDATED
from t3tray.system.power import SleepWatch
from t3tray.threads.snapshot import Snapshot
from tests.support.views import NOON

pytestmark = pytest.mark.process


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Backend, asyncio.Queue[Snapshot]]]:
    """Run a backend on this test's own empty machine; yields it with the snapshots that it publishes."""
    backend, told = await Backend.open(None, "tray"), asyncio.Queue[Snapshot]()
    task = asyncio.create_task(backend.run(told.put_nowait))
    try:
        yield backend, told
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await backend.close()


async def next_of(told: asyncio.Queue[Snapshot], wanted: Callable[[Snapshot], bool] = lambda snapshot: True) -> Snapshot:
    async with asyncio.timeout(90):
        while not wanted(snapshot := await told.get()):
            pass
    return snapshot


async def something_changes() -> None:
    """Change our own store, as another process does."""
    command = await Backend.open(None, "command")
    await command.preferences.change("terminal", "kitty")
    await command.close()


async def test_a_mistake_in_one_look_is_told_and_the_next_look_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    look, looks = Scanning.scan, []

    async def broken_once(scanning: Scanning) -> Any:
        looks.append(1)
        if len(looks) == 1:
            raise ZeroDivisionError("oops")
        return await look(scanning)

    monkeypatch.setattr(Scanning, "scan", broken_once)
    async with running() as (_, told):
        (warning,) = (await next_of(told)).warnings
        assert (
            warning == "The threads could not be read just now: a bug in t3tray (ZeroDivisionError: oops). t3tray will try again."
        )
        await something_changes()
        await next_of(told, lambda snapshot: snapshot.warnings == ())


async def test_an_update_of_the_running_program_is_a_warning_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, new = tmp_path / "__init__.py", tmp_path / "new"
    program.write_text("one")
    monkeypatch.setattr(t3tray, "__file__", str(program))
    async with running() as (_, told):
        await next_of(told, lambda snapshot: snapshot.warnings == ())
        new.write_text("two")
        new.replace(program)
        await next_of(told, lambda snapshot: snapshot.warnings == (UPDATED,))


async def test_a_folder_that_appears_later_is_watched_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the watch can report it: the slow refresh comes after a minute."""
    looks = []
    look = Scanning.scan

    async def counted(scanning: Scanning) -> Any:
        looks.append(1)
        return await look(scanning)

    monkeypatch.setattr(Scanning, "scan", counted)
    async with running() as (_, told):
        await next_of(told)
        before = len(looks)
        folder = Path(os.environ["XDG_DATA_HOME"]) / "opencode"
        folder.mkdir(parents=True)
        (folder / "opencode.db-wal").write_bytes(b"1")
        async with asyncio.timeout(50):
            while len(looks) == before:
                await asyncio.sleep(0.05)


async def test_a_draft_is_never_older_than_what_was_typed_though_the_row_was_published_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running() as (backend, told):
        backend.store.threads.add(Thread("t1", "Mine", "/work", Source.T3TRAY, NOON, NOON))
        await something_changes()
        await next_of(told, lambda snapshot: len(snapshot.rows) == 1)

        async def hanging(scanning: Scanning) -> Any:
            await asyncio.Event().wait()

        monkeypatch.setattr(Scanning, "scan", hanging)
        await backend.conversations.save_draft("t1", "never lost")
        assert (await backend.details.read("t1")).row.thread.draft == "never lost"


async def test_the_page_does_not_answer_from_a_scan_after_which_reading_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running() as (backend, told):
        backend.store.threads.add(Thread("t1", "Mine", "/work", Source.T3TRAY, NOON, NOON))
        await something_changes()
        await next_of(told, lambda snapshot: len(snapshot.rows) == 1)

        async def broken(scanning: Scanning) -> Any:
            raise ZeroDivisionError("oops")

        monkeypatch.setattr(Scanning, "scan", broken)
        await something_changes()
        await next_of(told, lambda snapshot: bool(snapshot.warnings))
        with pytest.raises(ZeroDivisionError):
            await backend.details.read("t1")


async def test_a_thread_of_ours_is_renamed_put_away_and_brought_back() -> None:
    async with running() as (backend, told):
        await next_of(told)
        command = await Backend.open(None, "command")
        command.store.threads.add(Thread("t1", "Old", "/work", Source.T3TRAY, NOON, NOON))
        await command.close()
        await backend.rename("t1", "  A new\nname ")
        (shown,) = (await next_of(told, lambda snapshot: any(row.thread.title == "A new name" for row in snapshot.rows))).rows
        assert shown.thread.archived_at is None
        await backend.set_archived("t1", True)
        await next_of(told, lambda snapshot: any(row.thread.archived_at for row in snapshot.rows))
        await backend.set_archived("t1", False)
        await next_of(told, lambda snapshot: any(row.thread.archived_at is None for row in snapshot.rows))
        with pytest.raises(UsageError):
            await backend.rename("t1", "  ")


async def test_what_t3_code_shows_is_renamed_there() -> None:
    command = await Backend.open(None, "command")
    theirs = Thread("t1", "Theirs", "/work", Source.T3CODE, NOON, NOON)
    for change in (command.threads.rename(theirs, "Ours"), command.threads.archive(theirs, True)):
        with pytest.raises(Refused, match="T3 Code"):
            await change
    await command.close()


async def test_waking_up_reads_everything_again(monkeypatch: pytest.MonkeyPatch) -> None:
    slept = 0.0
    monkeypatch.setattr(module, "SleepWatch", partial(SleepWatch, wall=lambda: time.time() + slept))
    async with running() as (backend, told):
        await next_of(told)
        # No watch reports this: only a scan finds the time that has passed unaccounted for.
        slept = 3600.0
        backend.monitor.sleep.check()
        await next_of(told)


@pytest.mark.skipif(sys.platform == "win32", reason="it would be this machine's own")
async def test_start_at_login_is_off_until_asked_and_names_another_data_folder(tmp_path: Path) -> None:
    backend = await Backend.open(str(tmp_path / "elsewhere"), "tray")
    task = asyncio.create_task(backend.run(lambda snapshot: None))
    try:
        assert await backend.autostart() == AutostartState(False)
        assert await backend.set_autostart(True) == AutostartState(True)
        if sys.platform == "linux":
            entry = Path(os.environ["XDG_CONFIG_HOME"]) / "autostart" / "t3tray.desktop"
            assert f"--data-dir {tmp_path / 'elsewhere'}" in entry.read_text()
        assert await backend.set_autostart(False) == AutostartState(False)
        assert await backend.monitor.notifier.find_trouble() == NO_BUS
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await backend.close()


async def test_what_another_process_sets_is_told_with_the_next_look() -> None:
    async with running() as (_, told):
        assert (await next_of(told)).settings.terminal == ""
        await something_changes()
        assert await next_of(told, lambda snapshot: snapshot.settings.terminal == "kitty")


async def kept_thread() -> None:
    command = await Backend.open(None, "command")
    command.store.threads.add(Thread("t1", "Old", "/work", Source.T3TRAY, NOON, NOON))
    await command.close()


@pytest.mark.parametrize("error", [StoreError("Another process has it locked."), ZeroDivisionError("oops")])
async def test_a_look_that_fails_keeps_the_list_with_a_warning_until_the_next_good_one(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    await kept_thread()
    monkeypatch.setattr(module, "RETRY", 0.1)
    async with running() as (_, told):
        before = await next_of(told)
        assert [row.thread.id for row in before.rows] == ["t1"] and before.warnings == ()
        with monkeypatch.context() as broken:

            async def fail(_scanning: Scanning) -> Any:
                raise error

            broken.setattr(Scanning, "scan", fail)
            await something_changes()
            kept = await next_of(told, lambda snapshot: snapshot.warnings != ())
            assert kept.rows == before.rows and kept.stale_since is not None
            (warning,) = kept.warnings
            assert str(error) in warning and "They are shown as they were at" in warning
        again = await next_of(told, lambda snapshot: snapshot.warnings == ())
        assert again.rows == before.rows and again.stale_since is None


@pytest.mark.parametrize("part", ["alert", "record", "end_idle_server"])
async def test_what_fails_beside_a_look_is_told_once_and_the_list_is_shown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, part: str
) -> None:
    await kept_thread()

    async def fail(*_words: Any) -> Any:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(Upkeep, part, fail)
    async with running() as (_, told):
        shown = await next_of(told, lambda snapshot: snapshot.warnings != ())
        (warning,) = shown.warnings
        assert "The disk is full." in warning
        assert [row.thread.id for row in shown.rows] == ["t1"] and shown.stale_since is None
        await something_changes()
        await next_of(told)
    assert sum("The disk is full." in record.message for record in caplog.records) == 1


async def test_a_task_that_ends_by_an_error_is_told_and_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched_tasks, "FIRST_PAUSE", 0.01)
    was_told, runs = asyncio.Event(), []

    async def broken_once(_noticing: Notifier) -> None:
        runs.append(1)
        if len(runs) == 1:
            raise ZeroDivisionError("oops")
        await was_told.wait()

    monkeypatch.setattr(Notifier, "run", broken_once)
    async with running() as (_, told):
        (warning,) = (await next_of(told, lambda snapshot: snapshot.warnings != ())).warnings
        assert "Showing notifications stopped" in warning and "oops" in warning
        was_told.set()
        await next_of(told, lambda snapshot: snapshot.warnings == ())
    assert len(runs) == 2
