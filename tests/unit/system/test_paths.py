"""Our own data folder is closed to other users; the mode of a folder that the user named is not changed."""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path

import pytest

from t3tray.backend.backend import Backend
from t3tray.errors import BadValue, Refused, StoreError, UsageError
from t3tray.settings.checks import check
from t3tray.settings.definitions import Settings
from t3tray.system.paths import VARIABLE, data_directory, log_directory
from t3tray.t3code.home import t3_homes


def made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    (folder / "something").touch()
    return folder


def mode(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


async def opened(data_dir: str | None) -> None:
    backend = await Backend.open(data_dir, "command")
    await backend.close()


@pytest.mark.skipif(os.name != "posix", reason="modes of folders")
async def test_the_usual_folder_is_closed_however_it_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    usual = made(Path(os.environ["XDG_DATA_HOME"]) / "t3tray")
    await opened(None)
    assert mode(usual) == 0o700


@pytest.mark.skipif(os.name != "posix", reason="modes of folders")
async def test_a_folder_that_the_user_named_stays_as_it_is(tmp_path: Path) -> None:
    named = made(tmp_path / "named")
    await opened(str(named))
    assert mode(named) == 0o755


@pytest.mark.parametrize("named", ["~nobody-of-this-name", "~nobody-of-this-name/data"])
def test_a_folder_of_nobodys_is_told_as_that(named: str) -> None:
    for explicit, environment in ((named, {}), (None, {VARIABLE: named})):
        with pytest.raises(UsageError) as told:
            data_directory(explicit, environment)
        assert told.value.message == "There is no user ~nobody-of-this-name on this machine."
    with pytest.raises(BadValue, match="is not a full path"):
        check(Settings(t3_homes=(named,)), "t3_homes")


@pytest.mark.skipif(os.name != "posix", reason="a folder in use cannot be removed")
def test_a_name_that_leads_on_from_a_folder_that_is_gone_is_told_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(UsageError, match="“here” is relative to the current folder, which is gone"):
        data_directory("here", {})
    assert data_directory("/there", {}) == Path("/there")
    assert [home.base for home in t3_homes({"T3CODE_HOME": "t3"}, tmp_path)] == [Path("t3")]


@pytest.mark.skipif(os.name != "posix", reason="links and errors of POSIX")
@pytest.mark.parametrize("wrong", ["a file", "a loop", "x" * 300])
async def test_a_home_that_is_no_folder_is_the_users_trouble_and_not_our_mistake(
    wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a file").touch()
    (tmp_path / "a loop").symlink_to(tmp_path / "a loop")
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / wrong / "share"))
    with pytest.raises(StoreError, match="t3tray's data folder cannot be used"):
        await opened(None)


@pytest.mark.skipif(os.name != "posix", reason="such a link needs a right on Windows")
async def test_t3_codes_home_in_a_circle_of_links_hinders_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t3").symlink_to(tmp_path / "t3")
    monkeypatch.setenv("T3CODE_HOME", str(tmp_path / "t3"))
    backend = await Backend.open(None, "command")
    assert (await backend.snapshots.read()).rows == ()
    await backend.close()


@pytest.fixture
def home_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of another user as root sees it; without root's rights it is our own."""
    home = tmp_path / "home"
    home.mkdir()
    if os.geteuid() == 0:
        os.chown(home, 1234, 1234)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return home


@pytest.mark.skipif(os.name != "posix", reason="root")
def test_root_writes_nothing_into_the_home_of_another(home_of_another: Path) -> None:
    data = home_of_another / ".local" / "share" / "t3tray"
    with pytest.raises(Refused) as told:
        data_directory(str(data), {})
    owner = re.search(r"belongs to (\S+), who", told.value.message)
    assert owner and told.value.exit_code == 6 and str(home_of_another) in told.value.message
    assert told.value.hint and f"chown -R {owner[1]} {data}" in told.value.hint
    assert not data.parent.exists()


@pytest.mark.skipif(os.name != "posix", reason="root")
def test_a_folder_that_root_made_there_before_is_no_leave(home_of_another: Path) -> None:
    (home_of_another / "t3tray").mkdir()
    with pytest.raises(Refused):
        data_directory(str(home_of_another / "t3tray"), {})


def test_root_in_its_own_home_and_anybody_else_is_let(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data_directory(str(tmp_path / "data"), {}) == tmp_path / "data"
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    assert data_directory(str(tmp_path / "data"), {}) == tmp_path / "data"


def test_on_macos_our_files_lie_at_one_place_whatever_a_shell_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("HOME", str(tmp_path))
    places = set()
    for xdg in (None, str(tmp_path / "xdg")):
        for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
            monkeypatch.setenv(name, xdg) if xdg else monkeypatch.delenv(name, raising=False)
        places.add((data_directory(None, {}), log_directory(data_directory(None, {}))))
    assert places == {(tmp_path / "Library" / "Application Support" / "t3tray", tmp_path / "Library" / "Logs" / "t3tray")}


@pytest.mark.skipif(sys.platform == "win32", reason="names are characters there")
@pytest.mark.parametrize("explicit", [True, False])
def test_a_name_that_is_not_utf8_is_refused_wherever_it_comes_from(explicit: bool) -> None:
    name = os.fsdecode(b"/tmp/gr\xf6n")
    with pytest.raises(UsageError, match=r"gr\\udcf6n” is not UTF-8"):
        data_directory(name if explicit else None, {} if explicit else {VARIABLE: name})
