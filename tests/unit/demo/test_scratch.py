"""The demo's folder: it contains no link to the outside, and only folders that a demo has left are ever removed."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest

from t3tray.demo.backend import DemoBackend, DemoWorld, open_demo
from t3tray.demo.scratch import Scratch
from t3tray.errors import WorldError


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_nothing_in_its_environment_leads_to_the_users_own_things(tmp_path: Path) -> None:
    outside = {
        "HOME": "/home/ann",
        "PATH": "/usr/bin",
        "XDG_DATA_HOME": "/home/ann/data",
        "OPENCODE_CONFIG": "/home/ann/opencode.json",
        "T3CODE_HOME": "/home/ann/.t3",
        "T3TRAY_SERVER_URL": "http://127.0.0.1:4096",
        "https_proxy": "http://proxy",
        "GIT_DIR": "/home/ann/.git",
    }
    inside = Scratch.make().environment(outside)
    assert inside["PATH"] == "/usr/bin"
    assert not [name for name, value in inside.items() if "/home/ann" in value and name != "PYTHONUSERBASE"]
    assert not {"T3TRAY_SERVER_URL", "https_proxy", "GIT_DIR"} & inside.keys()
    assert inside["PYTHON_KEYRING_BACKEND"] == "keyring.backends.fail.Keyring"


def test_the_desktop_is_still_found(tmp_path: Path) -> None:
    runtime = tmp_path / "run"
    runtime.mkdir()
    (runtime / "bus").touch()
    inside = Scratch.make().environment({"HOME": "/", "XDG_RUNTIME_DIR": str(runtime), "WAYLAND_DISPLAY": "wayland-0"})
    assert inside["WAYLAND_DISPLAY"] == str(runtime / "wayland-0")
    assert inside["DBUS_SESSION_BUS_ADDRESS"] == f"unix:path={runtime / 'bus'}"
    assert inside["XDG_RUNTIME_DIR"] != str(runtime)


async def test_an_output_that_takes_nothing_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[object] = []
    of_backend, of_world = DemoBackend.close, DemoWorld.close

    async def build(world: DemoWorld, _report: object) -> None:
        """Nothing of it is needed here."""

    async def close_backend(backend: DemoBackend) -> None:
        await of_backend(backend)
        closed.append(backend)

    async def close_world(world: DemoWorld) -> None:
        await of_world(world)
        closed.append(world)

    monkeypatch.setattr(DemoWorld, "build", build)
    monkeypatch.setattr(DemoWorld, "close", close_world)
    monkeypatch.setattr(DemoBackend, "close", close_backend)

    def full(_line: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    scratch = Scratch.make()
    with pytest.raises(OSError, match="No space left"):
        await open_demo(scratch, {}, lambda _snapshot: None, full)
    assert [type(each) for each in closed] == [DemoWorld, DemoBackend]
    scratch.remove()


def test_a_second_demo_has_a_place_of_its_own(tmp_path: Path) -> None:
    first, second = Scratch.make(), Scratch.make()
    assert first.root != second.root
    first.remove()
    assert not first.root.exists() and second.root.is_dir()


def test_what_a_demo_left_whose_process_is_gone_is_cleared_away(tmp_path: Path) -> None:
    left = Scratch.make()
    (left.root / "owner").write_text(f"{os.getpid()} 12.00")  # this pid, in an earlier life
    (left.root / "something").touch()
    assert Scratch.make().root == left.root
    assert not (left.root / "something").exists()


def test_a_folder_that_is_being_made_is_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "t3tray-demo"
    theirs.mkdir()
    assert Scratch.make().root == tmp_path / "t3tray-demo-2"
    assert theirs.is_dir()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "owner").write_text("1 1.00")
    (tmp_path / "t3tray-demo").symlink_to(precious)
    Scratch.make()
    assert (precious / "owner").is_file()


def test_more_demos_than_there_are_places_are_refused(tmp_path: Path) -> None:
    for _ in range(9):
        Scratch.make()
    with pytest.raises(WorldError):
        Scratch.make()


async def test_the_demo_is_not_started_at_login(tmp_path: Path) -> None:
    backend = await DemoBackend.open(str(tmp_path / "data"), "tray")
    backend.world = DemoWorld(Scratch.make(), {})
    state = await backend.set_autostart(True)
    await backend.close()
    assert not state.is_on and "does not start at login" in state.trouble
    assert not [path for path in tmp_path.rglob("*.desktop") if "autostart" in path.parts]
