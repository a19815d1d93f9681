"""One app per data folder: a running app and an unusable folder give different errors, those of the command line."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from t3tray.domain.link import ThreadLink
from t3tray.errors import ExitCode, Refused, StoreError
from t3tray.system.instance_lock import InstanceHolder, InstanceLock
from t3tray.ui.instance import Instance, address_of


def test_the_first_takes_it_for_itself_alone_and_a_second_does_not(qtbot: QtBot, tmp_path: Path) -> None:
    first, second = Instance(tmp_path / "data"), Instance(tmp_path / "data")
    assert first.take() and not second.take()
    assert stat.S_IMODE((tmp_path / "data" / "tray.lock").stat().st_mode) == 0o600


def test_it_is_named_at_once_and_with_its_address_when_it_listens(qtbot: QtBot, tmp_path: Path) -> None:
    first, lock = Instance(tmp_path), InstanceLock(tmp_path)
    assert first.take() and lock.holder() == InstanceHolder(os.getpid(), True)
    first.listen()
    holder = lock.holder()
    assert holder == InstanceHolder.this_process(True, address_of(tmp_path)) and holder.is_running
    first.close()


def test_under_another_name_of_its_folder_it_is_found_all_the_same(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "data")
    first, second = Instance(tmp_path / "data"), Instance(tmp_path / "link")
    assert first.take() and not second.take()
    first.listen()
    with qtbot.waitSignal(first.raise_wanted, timeout=90_000):
        second.raise_first()
    first.close()


def test_a_bind_mount_of_its_folder_has_the_same_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = tmp_path / "a", tmp_path / "b"
    for folder in folders:
        folder.mkdir()
    assert len({address_of(folder) for folder in folders}) == 2
    one = folders[0].stat()
    monkeypatch.setattr(Path, "stat", lambda path, **_: one)
    assert len({address_of(folder) for folder in folders}) == 1


@pytest.fixture
def first(qtbot: QtBot, tmp_path: Path) -> Iterator[Instance]:
    made = Instance(tmp_path)
    assert made.take()
    made.listen()
    yield made
    made.close()


def connected(tmp_path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.connect(address_of(tmp_path))
    return client


@pytest.mark.parametrize("link", [ThreadLink("a"), ThreadLink("a" * 128, is_to_resume=True)])
def test_a_link_is_handed_to_the_first(qtbot: QtBot, tmp_path: Path, first: Instance, link: ThreadLink) -> None:
    with qtbot.assertNotEmitted(first.raise_wanted), qtbot.waitSignal(first.link_wanted, timeout=90_000) as asked:
        Instance(tmp_path).raise_first(link)
    assert asked.args == [link]


@pytest.mark.parametrize(
    "request_line",
    [
        b"raise\n",
        b"raise",
        b"",
        b"\n",
        b"t3tray://thread/\n",
        b"t3tray://thread/a\r\n",
        b"\xff" * 255,
        b"t3tray://thread/" * 1000,
    ],
)
def test_any_other_request_shows_the_window_alone(qtbot: QtBot, tmp_path: Path, first: Instance, request_line: bytes) -> None:
    with qtbot.assertNotEmitted(first.link_wanted), qtbot.waitSignal(first.raise_wanted, timeout=90_000):
        client = connected(tmp_path)
        # The first closes the connection as soon as a request is too long.
        client.sendall(request_line)
        client.close()


def test_a_request_may_come_in_pieces_and_beside_others_that_are_silent(qtbot: QtBot, tmp_path: Path, first: Instance) -> None:
    slow = connected(tmp_path)
    slow.sendall(b"t3tray://thr")
    with qtbot.waitSignal(first.raise_wanted, timeout=90_000):
        Instance(tmp_path).raise_first()
    with qtbot.waitSignal(first.link_wanted, timeout=90_000) as asked:
        slow.sendall(b"ead/b\n")
    assert asked.args == [ThreadLink("b")]
    silent = [connected(tmp_path) for _ in range(20)]
    with qtbot.waitSignal(first.link_wanted, timeout=90_000) as asked:
        Instance(tmp_path).raise_first(ThreadLink("c"))
    assert asked.args == [ThreadLink("c")]
    for each in (slow, *silent):
        each.close()


@pytest.mark.process
def test_a_first_that_is_only_just_starting_is_waited_for(qtbot: QtBot, tmp_path: Path) -> None:
    first, link = Instance(tmp_path), ThreadLink("a")
    assert first.take()
    script = "from pathlib import Path; from t3tray.domain.link import ThreadLink; from t3tray.ui.instance import Instance; "
    script += f"print(flush=True); Instance(Path({str(tmp_path)!r})).raise_first(ThreadLink('a'))"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as second:
        assert second.stdout and second.stdout.readline()
        with qtbot.waitSignal(first.link_wanted, timeout=90_000) as asked:
            first.listen()
        assert asked.args == [link] and second.wait(90) == 0
    first.close()


def test_a_first_that_answers_nobody_is_refused_at_once(tmp_path: Path) -> None:
    first = InstanceLock(tmp_path)
    assert first.take(InstanceHolder(os.getpid(), True, address_of(tmp_path)))
    with pytest.raises(Refused, match="does not answer"):
        Instance(tmp_path).raise_first()
    first.release()


def test_an_earlier_version_that_is_the_first_is_only_shown(tmp_path: Path) -> None:
    """It accepts, reads nothing, and shows its window."""
    earlier = InstanceLock(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address_of(tmp_path))
        listening.listen()
        assert earlier.take(InstanceHolder(os.getpid(), True, address_of(tmp_path)))
        Instance(tmp_path).raise_first(ThreadLink("a"))
        listening.accept()[0].close()
    earlier.release()


def test_on_windows_a_pipe_carries_the_same_requests(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Instance(tmp_path), Instance(tmp_path)
    assert first.take()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with monkeypatch.context() as windows:
        windows.setattr(sys, "platform", "win32")
        first.listen()
        for link, signal in ((None, first.raise_wanted), (ThreadLink("a"), first.link_wanted)):
            with qtbot.waitSignal(signal, timeout=90_000) as asked:
                second.raise_first(link)
            assert asked.args == ([link] if link else [])


@pytest.mark.skipif(sys.platform != "linux", reason="needs folders in which not even root can make a file")
@pytest.mark.parametrize("folder", ["/proc/self", "/sys/kernel", "/proc/t3tray"])
def test_a_folder_that_cannot_be_written_is_not_one_that_is_taken(qtbot: QtBot, folder: str) -> None:
    with pytest.raises(StoreError, match=f"cannot be used: .*{folder}"):
        Instance(Path(folder)).take()


@pytest.mark.process
def test_the_app_says_what_the_command_line_says_and_ends_with_its_code(tmp_path: Path) -> None:
    place = tmp_path / "data"
    place.write_text("a file of somebody's")

    def told(*words: str) -> tuple[int, str]:
        argv = [sys.executable, "-m", "t3tray", *words, "--data-dir", str(place)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=90)
        return done.returncode, done.stderr

    app = told()
    assert app == told("threads")
    assert app[0] == ExitCode.UNKNOWN and "File exists" in app[1]
    assert place.read_text() == "a file of somebody's"


def test_one_without_a_window_is_named_and_one_of_another_session_is_found(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Instance(tmp_path / "data")
    assert first.take()
    first.listen()
    before = address_of(tmp_path / "data")
    (tmp_path / "another").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "another"))
    second = Instance(tmp_path / "data")
    assert not second.take() and address_of(tmp_path / "data") != before
    with qtbot.waitSignal(first.raise_wanted, timeout=90_000):
        second.raise_first()
    first.close()
    windowless = InstanceLock(tmp_path / "headless")
    assert windowless.take(InstanceHolder(7, False))
    with pytest.raises(Refused, match=r"is already running without a window \(process 7\)"):
        Instance(tmp_path / "headless").raise_first()
    with pytest.raises(Refused, match=r"is already running without a window"):
        Instance(tmp_path / "headless").raise_first(ThreadLink("a"))
    windowless.release()
