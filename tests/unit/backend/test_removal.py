"""`t3tray uninstall` where it differs by the system, and what one failure leaves: with real files, and a tray app on Windows."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from t3tray.backend.backend import Backend
from t3tray.backend.removal import Removal
from t3tray.domain.own_item import ItemOutcome, OwnItem
from t3tray.guard.t3_settings import T3Protection
from t3tray.system.instance_lock import InstanceHolder, InstanceLock
from t3tray.t3code.home import T3Home


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, folder in (("HOME", "home"), ("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "share")):
        monkeypatch.setenv(name, str(tmp_path / folder))
    return tmp_path / "data"


@pytest.fixture
def running(data: Path) -> Iterator[InstanceLock]:
    """The lock of a running tray app: this process."""
    lock = InstanceLock(data)
    assert lock.take(InstanceHolder.this_process(True))
    yield lock
    lock.release()


async def removal(data: Path, is_dry: bool = False, platform: str = sys.platform) -> dict[str, OwnItem]:
    reported: list[OwnItem] = []
    items = await Removal(data, True, platform).run(is_dry, reported.extend)
    if not is_dry:
        assert [(item.name, item.subject) for item in reported] == [(item.name, item.subject) for item in items]
    return {item.name: item for item in items}


async def test_a_tray_app_on_windows_is_named_with_what_to_do(data: Path, running: InstanceLock) -> None:
    tray = (await removal(data, platform="win32"))["tray"]
    assert tray.outcome is ItemOutcome.FAILED
    assert f"process {os.getpid()}" in tray.sentence and "Choose Quit" in tray.sentence


async def test_a_dry_run_makes_and_changes_nothing(data: Path, tmp_path: Path) -> None:
    items = await removal(data, is_dry=True)
    assert {item.outcome for item in items.values()} == {ItemOutcome.NOTHING}
    assert list(tmp_path.iterdir()) == []


async def test_a_login_item_of_another_copy_stays_and_is_named(data: Path, tmp_path: Path) -> None:
    entry = tmp_path / "config" / "autostart" / "t3tray.desktop"
    entry.parent.mkdir(parents=True)
    entry.write_text("[Desktop Entry]\nExec=/old/t3tray\n")
    item = (await removal(data))["login-item"]
    assert item.outcome is ItemOutcome.NOTHING and "/old/t3tray" in item.sentence and entry.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the desktop's own switch")
async def test_a_login_item_that_the_user_has_switched_off_is_removed_too(data: Path, tmp_path: Path) -> None:
    entry = tmp_path / "config" / "autostart" / "t3tray.desktop"
    entry.parent.mkdir(parents=True)
    entry.write_text("[Desktop Entry]\nExec=t3tray\nX-GNOME-Autostart-enabled=false\n")
    assert (await removal(data))["login-item"].outcome is ItemOutcome.REMOVED and not entry.exists()


async def test_nothing_is_left_of_a_data_folder_that_no_tray_app_has_used(data: Path) -> None:
    backend = await Backend.open(str(data), "command")
    await backend.close()
    assert not (data / "tray.lock").exists()
    await removal(data)
    assert not data.exists()


async def test_what_a_t3_code_that_is_not_known_here_needs_stays(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T3CODE_HOME was set when the guard was switched on, and is not now."""
    home = tmp_path / "t3"
    for name, is_known in (("mine", True), ("other", False)):
        base = home / name
        (base / "userdata").mkdir(parents=True)
        protection = T3Protection(T3Home(base.resolve()), data / "guard", lambda: datetime.now(UTC))
        protection.protect("http://127.0.0.1:4", "not-a-common-text")
        monkeypatch.setenv("T3CODE_HOME", str(base))
        if is_known:
            assert (await removal(data, is_dry=True))["t3code-settings"].outcome is ItemOutcome.PLANNED
        monkeypatch.setenv("T3CODE_HOME", str(home / "mine"))
    items = await removal(data)
    settings = items["t3code-settings"]
    assert settings.outcome is ItemOutcome.FAILED and "T3CODE_HOME" in settings.sentence
    assert {items[name].outcome for name in ("passwords", "data")} <= {ItemOutcome.FAILED, ItemOutcome.NOTHING}
    assert len(list((data / "guard").glob("*.json"))) == 2


async def test_the_record_of_a_home_that_is_not_mounted_stays(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tmp_path / "disk" / "t3"
    (base / "userdata").mkdir(parents=True)
    T3Protection(T3Home(base.resolve()), data / "guard", lambda: datetime.now(UTC)).protect(
        "http://127.0.0.1:4", "not-a-common-text"
    )
    monkeypatch.setenv("T3CODE_HOME", str(base))
    assert (await removal(data, is_dry=True))["t3code-settings"].outcome is ItemOutcome.PLANNED
    base.parent.rename(tmp_path / "not mounted")
    items = await removal(data)
    assert items["t3code-settings"].outcome is ItemOutcome.FAILED and "not there now" in items["t3code-settings"].sentence
    assert len(list((data / "guard").glob("*.json"))) == 1
    base.mkdir(parents=True)
    (tmp_path / "not mounted" / "t3" / "userdata").rename(base / "userdata")
    assert (await removal(data, is_dry=True))["t3code-settings"].outcome is ItemOutcome.PLANNED
