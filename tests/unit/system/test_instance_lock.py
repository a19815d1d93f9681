"""The lock of one t3tray for each data folder: it names its holder, and the end of that process releases it, however it ends."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from t3tray.errors import StoreError
from t3tray.system.instance_lock import MUTEX, InstanceHolder, InstanceLock, already_running

HOLDS = """
import sys
from pathlib import Path
from t3tray.system.instance_lock import InstanceHolder, InstanceLock
lock = InstanceLock(Path(sys.argv[1]))
print(lock.take(InstanceHolder(7, False)), flush=True)
sys.stdin.read()
"""


def test_a_second_one_learns_who_holds_it_also_by_another_name_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "data")
    first, second = InstanceLock(tmp_path / "data"), InstanceLock(tmp_path / "link")
    me = InstanceHolder(os.getpid(), True, "/run/t3tray.sock")
    assert first.take(me) and not second.take(InstanceHolder(1, False))
    assert second.holder() == me
    assert os.name == "nt" or stat.S_IMODE(first.path.stat().st_mode) == 0o600
    first.release()
    assert second.holder() is None and second.path.read_bytes() == b"", "nobody is named that holds nothing"
    assert second.take(InstanceHolder(1, False)) and first.holder() == InstanceHolder(1, False)
    first.release()
    assert first.holder() == InstanceHolder(1, False), "one that holds nothing empties nothing"
    second.release()


def test_a_holder_that_is_named_anew_replaces_what_was_written(tmp_path: Path) -> None:
    lock = InstanceLock(tmp_path)
    assert lock.take(InstanceHolder(7, True))
    for holder in (InstanceHolder(7, True, "/run/t3tray.sock", "boot:1"), InstanceHolder(7, True, start="boot:2")):
        lock.name(holder)
        assert lock.holder() == holder
    lock.release()


def test_a_holder_runs_only_while_its_own_process_does(tmp_path: Path) -> None:
    lock, me = InstanceLock(tmp_path), InstanceHolder.this_process(has_window=False)
    assert me.pid == os.getpid() and me.start
    assert lock.take(me) and lock.holder() == me and me.is_running
    assert not InstanceHolder(me.pid, False, start="another boot:1").is_running, "the pid is another process's by now"
    lock.path.write_text(json.dumps({"pid": os.getpid(), "has_window": False, "address": ""}))
    older = lock.holder()
    assert older == InstanceHolder(os.getpid(), False) and not older.is_running, "an older version wrote no start"
    lock.release()


@pytest.mark.process
def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    lock = InstanceLock(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout and other.stdout.readline() == "True\n"
        assert not lock.take(InstanceHolder(1, True))
        assert str(already_running(lock.holder())) == "t3tray is already running without a window (process 7)."
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert lock.take(InstanceHolder(1, True))
    lock.release()


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"pid": "x"}', b"\xff"])
def test_what_is_no_holder_is_told_as_nobody(tmp_path: Path, content: bytes) -> None:
    lock = InstanceLock(tmp_path)
    lock.path.write_bytes(content)
    assert lock.holder() is None and already_running(None).message == "t3tray is already running."
    assert lock.take(InstanceHolder(1, True)) and lock.holder() == InstanceHolder(1, True)
    lock.release()


@pytest.mark.skipif(sys.platform == "win32", reason="links of another kind")
def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("the user's own")
    lock = InstanceLock(tmp_path)
    lock.path.symlink_to(tmp_path / "precious")
    with pytest.raises(StoreError):
        lock.take(InstanceHolder(1, True))
    assert (tmp_path / "precious").read_text() == "the user's own"


def test_on_windows_a_running_t3tray_has_the_mutex_that_its_installer_looks_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[object, ...]] = []
    monkeypatch.setattr("t3tray.system.instance_lock.sys.platform", "win32")
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(LK_NBLCK=2, locking=lambda *_: None))
    kernel = SimpleNamespace(CreateMutexW=lambda *given: made.append(given))
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel), raising=False)
    lock = InstanceLock(tmp_path)
    assert lock.take(InstanceHolder(1, True)) and made == [(None, False, MUTEX)]
    lock.release()
