"""Whether there is a display: none named, a dead one, a working one; and the error that is shown before Qt would abort."""

from __future__ import annotations

import ctypes
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from t3tray.errors import NoScreen
from t3tray.system import display as screen

pytestmark = pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="there is always a screen")


@pytest.mark.parametrize("environment", [{}, {"DISPLAY": "", "WAYLAND_DISPLAY": ""}, {"XDG_SESSION_TYPE": "wayland"}])
def test_where_no_display_is_named_there_is_no_screen_and_nothing_is_wrong(environment: dict[str, str]) -> None:
    assert not screen.has_screen(environment)


@pytest.mark.parametrize("named", ["offscreen", "minimal:x=1", "vnc", "eglfs;xcb", "offscreen;wayland"])
def test_who_names_another_kind_of_screen_gets_it(named: str) -> None:
    assert screen.has_screen({"QT_QPA_PLATFORM": named})


def test_macos_and_windows_have_one() -> None:
    assert screen.has_screen({}, "darwin") and screen.has_screen({}, "win32")


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"DISPLAY": ":7654"}, "The X server “:7654”, named by DISPLAY, does not respond"),
        ({"DISPLAY": "nonsense"}, "The X server “nonsense”"),
        ({"DISPLAY": "localhost:7654.0"}, "The X server “localhost:7654.0”"),
        ({"QT_QPA_PLATFORM": "xcb"}, "DISPLAY is not set"),
        ({"WAYLAND_DISPLAY": "wayland-9", "XDG_RUNTIME_DIR": "/nowhere"}, "No response from /nowhere/wayland-9"),
        ({"WAYLAND_DISPLAY": "/nowhere/w"}, "No response from /nowhere/w"),
        ({"WAYLAND_DISPLAY": "/nowhere/w", "DISPLAY": ":7654"}, "No response from /nowhere/w"),
    ],
)
def test_a_dead_display_is_told_with_what_works_without_one(environment: dict[str, str], said: str) -> None:
    with pytest.raises(NoScreen) as refused:
        screen.has_screen(environment)
    assert said in refused.value.message and "`t3tray run`" in str(refused.value.hint)
    assert refused.value.exit_code == 2


def test_a_socket_that_is_left_over_is_dead_and_one_that_is_listened_to_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "check_plugin", lambda name: None)
    environment = {"WAYLAND_DISPLAY": "w", "XDG_RUNTIME_DIR": str(tmp_path)}
    with socket.socket(socket.AF_UNIX) as compositor:
        compositor.bind(str(tmp_path / "w"))
        with pytest.raises(NoScreen):
            screen.has_screen(environment)
        compositor.listen()
        assert screen.has_screen(environment)
    with pytest.raises(NoScreen):
        screen.has_screen(environment)


def test_an_x_server_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "LIMIT", 0.2)
    with socket.socket() as hangs:
        hangs.bind(("127.0.0.1", 0))
        hangs.listen()
        number = hangs.getsockname()[1] - 6000
        with pytest.raises(NoScreen, match="does not respond"):
            screen.has_screen({"DISPLAY": f"127.0.0.1:{number}"})


def test_a_library_that_is_missing_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    load = ctypes.CDLL

    def without_cursor(name: str) -> ctypes.CDLL:
        if "libqxcb" in name:
            raise OSError("libxcb-cursor.so.0: cannot open shared object file: No such file or directory")
        return load(name)

    monkeypatch.setattr(ctypes, "CDLL", without_cursor)
    monkeypatch.setattr(screen, "x_answers", lambda xcb, display: True)
    with pytest.raises(NoScreen, match=r"libxcb-cursor\.so\.0, which is not installed") as refused:
        screen.has_screen({"DISPLAY": ":0"})
    assert "apt-get install libxcb-cursor0" in str(refused.value.hint)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("libEGL.so.1: cannot open shared object file: No such file or directory", "needs the library libEGL.so.1"),
        ("No module named 'PySide6'", "Qt cannot be loaded: No module named 'PySide6'."),
    ],
)
def test_a_qt_that_cannot_be_loaded_is_told_the_same_way(error: str, said: str) -> None:
    assert said in screen.qt_is_broken(ImportError(error)).message


@pytest.mark.process
def test_the_words_of_the_process_and_its_exit_code() -> None:
    for words in ([], ["--demo"]):
        done = subprocess.run(
            [sys.executable, "-m", "t3tray", *words], env={"DISPLAY": ":7654"}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2 and done.stdout == "" and len(done.stderr.splitlines()) == 2
        assert done.stderr.startswith("No usable display: The X server “:7654”")
