"""Folders are checked with a time limit, and two names of one folder are recognised as one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from t3tray.system.folders import FolderProbe, directory_exists, real_directory, same_directory, spelled_like


class DeadDisk:
    """An `os.stat` that never returns for some paths, until `wake`."""

    def __init__(self, *dead: str) -> None:
        self.asked: list[str] = []
        self._dead = dead
        self._awake = threading.Event()

    def stat(self, path: str) -> os.stat_result:
        self.asked.append(path)
        if path in self._dead:
            self._awake.wait()
        return Path(path).stat()

    def wake(self) -> None:
        self._awake.set()


def test_a_folder_that_does_not_answer_is_not_known_and_keeps_no_other_from_being_seen(tmp_path: Path) -> None:
    here, dead = str(tmp_path), str(tmp_path / "dead")
    disk = DeadDisk(dead)
    probe = FolderProbe(disk.stat, limit=0.05)
    assert probe.exists(dead) is None
    assert probe.exists(here) is True
    assert probe.exists(dead) is None and disk.asked.count(dead) == 1, "it is not asked again while it does not answer"
    (tmp_path / "dead").mkdir()
    disk.wake()
    while probe.exists(dead) is None:
        pass
    assert probe.exists(dead) is True


def test_two_folders_of_which_one_does_not_answer_are_not_the_same(tmp_path: Path) -> None:
    here, dead, other = str(tmp_path), str(tmp_path / "dead"), str(tmp_path / "other")
    disk = DeadDisk(dead, other)
    probe = FolderProbe(disk.stat, limit=0.05)
    assert probe.same(here, dead) is False
    assert probe.same(dead, other) is None
    assert probe.same(dead, dead) is True
    disk.wake()


@pytest.mark.process
def test_a_process_ends_while_a_folder_does_not_answer() -> None:
    program = (
        "import threading; from t3tray.system.folders import FolderProbe;"
        "print(FolderProbe(lambda path: threading.Event().wait(), limit=0.05).exists('/gone'))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=90, check=True)
    assert done.stdout == "None\n"


def test_links_and_spellings_of_one_folder_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    real, link = str(tmp_path / "real"), str(tmp_path / "link")
    assert same_directory(real, link) and same_directory(f"{real}/../link/", real)
    assert same_directory(real, str(tmp_path)) is False
    assert real_directory(link) == real
    assert spelled_like(link, real) == real and spelled_like(str(tmp_path), real) == str(tmp_path)
    assert spelled_like("", real) == "" and spelled_like(real, "") == real


def test_a_bind_mount_is_the_same_folder(tmp_path: Path) -> None:
    """Two real paths with one identity, as the system reports a bind mount."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    probe = FolderProbe(lambda path: (tmp_path / "a").stat())
    assert probe.same(str(tmp_path / "a"), str(tmp_path / "b")) is True


def test_where_the_system_identifies_no_folder_the_text_decides(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    nothing = os.stat_result((0o040755, 0, 1, 1, 0, 0, 0, 0, 0, 0))
    probe = FolderProbe(lambda path: nothing)
    assert probe.same(str(tmp_path / "real"), str(tmp_path / "link")) is True
    assert probe.same(str(tmp_path / "real"), str(tmp_path)) is False


def test_what_is_gone_goes_by_its_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "there").mkdir()
    gone = str(tmp_path / "gone")
    assert same_directory(gone, f"{tmp_path}/there/../gone") is True
    assert same_directory(gone, str(tmp_path / "gone2")) is False
    assert same_directory(gone, str(tmp_path / "there")) is False
    monkeypatch.setattr(sys, "platform", "darwin")
    assert same_directory(f"{gone}/Caf\u00e9", f"{gone}/cafe\u0301") is True, "one name on a Mac's disk"
    assert directory_exists(gone) is False and directory_exists(str(tmp_path / "there")) is True


def test_a_name_that_is_none_of_this_system_is_not_known() -> None:
    for name in ("/a\0b", "/\udcff\ud800"):
        assert directory_exists(name) is None
        assert same_directory(name, "/") is False
        assert real_directory(name) == name


@pytest.mark.process
def test_a_fork_asks_with_threads_of_its_own(tmp_path: Path) -> None:
    assert directory_exists(str(tmp_path))
    child = os.fork()
    if child == 0:
        os._exit(0 if directory_exists(str(tmp_path)) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
