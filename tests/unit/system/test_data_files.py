"""The files that `t3tray uninstall --data` lists and removes: ours by name, with sizes, in a data folder of ours only."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from t3tray.errors import WorldError
from t3tray.system.data_files import data_files, remove_data

ROOT = Path(__file__).parents[3] / "t3tray"
CONSTANT = re.compile(r'^(?:FILE_NAME|GATE|GUARD_LOCK|_FILE|LOCK_FILE) = "([\w.-]+)"', re.MULTILINE)
IN_DATA = re.compile(r'(?:\bdata|_data|directory) / "([\w.-]+)"')


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    for name in (
        "backups/t3tray-1.sqlite",
        "t3tray.sqlite",
        "t3tray.sqlite-wal",
        "logs/t3tray.log",
        "logs/t3tray.log.1",
        "notes.txt",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 1000)
    return folder


def test_ours_are_found_with_their_sizes_and_removed_with_their_folders(data: Path) -> None:
    found = {path.relative_to(data).as_posix(): size for path, size in data_files(data).items()}
    assert found == dict.fromkeys(("backups", "logs/t3tray.log", "logs/t3tray.log.1", "t3tray.sqlite", "t3tray.sqlite-wal"), 1000)
    for path in data_files(data):
        remove_data(path)
    assert [path.name for path in data.rglob("*")] == ["notes.txt"]
    (data / "notes.txt").unlink()
    assert data_files(data) == {}


def test_a_folder_without_our_database_is_somebody_elses(data: Path) -> None:
    for path in data.glob("t3tray.sqlite*"):
        path.unlink()
    assert data_files(data) == {} and (data / "backups").is_dir()


def test_in_a_folder_that_somebody_else_has_by_the_same_name_only_ours_is_removed(data: Path) -> None:
    """The user may have named a folder with files of his own as the data folder."""
    theirs = ["backups/photos/1.jpg", "vault/diary.md", "secrets/keys.txt", "shells/bash/rc", "guard/rota.txt"]
    ours = ["vault/ses_1/state", "secrets/guard", "shells/zsh", "guard/0123456789ab.json"]
    for name in (*theirs, *ours):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text('[ "$1" = --t3tray-can-run ] && exit 0')
    for path in data_files(data):
        remove_data(path)
    left = {path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file()}
    assert left == {*theirs, "notes.txt"}


def test_of_a_link_only_the_link_is_removed(data: Path, tmp_path: Path) -> None:
    other = tmp_path / "disk"
    (data / "backups").rename(other)
    (data / "backups").symlink_to(other)
    assert data_files(data)[data / "backups"] < 1000
    remove_data(data / "backups")
    assert not (data / "backups").is_symlink() and (other / "t3tray-1.sqlite").exists()


def test_what_is_gone_already_is_no_error_and_what_cannot_be_removed_is_named(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove_data(data / "tray.lock")

    def refuses(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuses)
    with pytest.raises(WorldError, match=re.escape(str(data / "t3tray.sqlite"))):
        remove_data(data / "t3tray.sqlite")


def test_each_name_that_the_program_writes_into_its_data_folder_is_known(data: Path) -> None:
    """Names of files are constants of the modules that write them."""
    wanted: set[str] = set()
    for file in ROOT.rglob("*.py"):
        if file.parent.name not in ("demo", "t3code", "opencode"):
            wanted |= set(CONSTANT.findall(file.read_text("utf-8"))) | set(IN_DATA.findall(file.read_text("utf-8")))
    # Of the user: a folder in which OpenCode is searched; the logs, which are named one by one.
    wanted -= {"bin", "logs"}
    assert {
        "t3tray.sqlite",
        "archive.sqlite",
        "journal.jsonl",
        "guard.lock",
        "keyring.lock",
        "tray.lock",
        "window.ini",
        "guard",
    } <= wanted
    for name in wanted:
        folder = data / "logs" if name.endswith(".log") else data
        (folder / name).touch()
    found = {path.name for path in data_files(data)}
    assert wanted - found == set()
