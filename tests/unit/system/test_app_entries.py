"""The app of the desktop and the command of the shell: written once, recognised by their content, and taken away again."""

from __future__ import annotations

import plistlib
import subprocess
import sys
from collections.abc import Callable
from configparser import RawConfigParser
from pathlib import Path

import pytest

from t3tray import __version__
from t3tray.domain.own_item import ItemOutcome
from t3tray.errors import Refused, WorldError
from t3tray.resources import resource
from t3tray.system import app_entries
from t3tray.system.app_entries import AppEntry, linux_app, mac_app, own_entries, shell_link
from t3tray.system.info_plist import info_plist
from t3tray.system.own_files import Owner, OwnFiles

# The icon is drawn, and the desktop's lists are written, by programs.
pytestmark = pytest.mark.process
COMMAND = ["/opt/my apps/t3tray", "--data-dir", "/home/dev/100 % $mine"]
Way = Callable[[], AppEntry]


@pytest.fixture(params=["linux", "macos", "link"])
def way(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Way:
    monkeypatch.setattr(app_entries, "draw_icon", lambda: b"icns")
    environment = {"PATH": "/usr/bin", "XDG_DATA_DIRS": str(tmp_path / "share")}
    ways: dict[str, Way] = {
        "linux": lambda: linux_app(environment, tmp_path, COMMAND),
        "macos": lambda: mac_app(tmp_path, COMMAND, None),
        "link": lambda: shell_link(environment, tmp_path, COMMAND),
    }
    return ways[request.param]


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name != "mimeinfo.cache"]


def test_it_is_written_once_and_removed_without_a_trace(way: Way, tmp_path: Path) -> None:
    assert way().planned().outcome is ItemOutcome.NOTHING
    assert way().install().outcome is ItemOutcome.WRITTEN
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files_below(tmp_path)}
    assert way().install().outcome is ItemOutcome.UNCHANGED
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files_below(tmp_path)} == before
    assert way().planned().outcome is ItemOutcome.PLANNED
    assert way().remove().outcome is ItemOutcome.REMOVED
    assert files_below(tmp_path) == [] and not way().files.root.exists()
    assert way().remove().outcome is ItemOutcome.NOTHING


def test_a_file_of_somebody_else_is_neither_overwritten_nor_removed(way: Way) -> None:
    root = way().files.root
    root.parent.mkdir(parents=True)
    root.write_text("[Desktop Entry]\nExec=t3tray\n")
    with pytest.raises(Refused, match="was not written by t3tray"):
        way().install()
    assert way().planned().outcome is way().remove().outcome is ItemOutcome.NOTHING
    assert root.read_text() == "[Desktop Entry]\nExec=t3tray\n"


def test_a_part_of_somebody_elses_download_beside_it_stays_and_a_failure_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, other = OwnFiles(tmp_path / "t3tray", "."), tmp_path / "t3tray.part"
    other.write_text("half of it")
    files.write({".": b"#!/bin/sh\n"})
    assert other.read_text() == "half of it"
    (tmp_path / "t3tray").unlink()

    def refuses(path: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied", str(target))

    monkeypatch.setattr(Path, "replace", refuses)
    with pytest.raises(WorldError):
        files.write({".": b"#!/bin/sh\n"})
    assert [*tmp_path.iterdir()] == [other]


@pytest.mark.parametrize("other", [[], ["--data-dir", "/home/dev/100 % $mine 2"], ["--data-dir", "/home/dev/100"]])
def test_an_entry_for_another_data_folder_is_not_planned_to_go_with_this_one(
    way: Way, monkeypatch: pytest.MonkeyPatch, other: list[str]
) -> None:
    way().install()
    monkeypatch.setattr(sys.modules[__name__], "COMMAND", [COMMAND[0], *other])
    item = way().planned()
    assert item.outcome is ItemOutcome.NOTHING and "another data folder" in item.sentence
    way().install()
    assert way().planned().outcome is ItemOutcome.PLANNED


def test_a_link_in_its_place_is_somebody_elses(way: Way, tmp_path: Path) -> None:
    target, root = tmp_path / "mine", way().files.root
    way().install()
    root.rename(target)
    root.symlink_to(target)
    with pytest.raises(Refused):
        way().install()
    assert way().remove().outcome is ItemOutcome.NOTHING and root.is_symlink() and target.exists()


def test_an_entry_of_another_copy_of_t3tray_is_replaced(way: Way, tmp_path: Path) -> None:
    entry = way()
    entry.install()
    changed = [path for path in files_below(tmp_path) if b"/opt/my apps" in path.read_bytes()]
    assert len(changed) == 1
    changed[0].write_bytes(changed[0].read_bytes().replace(b"/opt/my apps", b"/old"))
    assert way().install().outcome is ItemOutcome.WRITTEN and b"/opt/my apps" in changed[0].read_bytes()


def test_what_cannot_be_written_names_the_file(way: Way, tmp_path: Path) -> None:
    """A file in the place of a folder: also root cannot write there."""
    blocker = tmp_path / way().files.root.relative_to(tmp_path).parts[0]
    blocker.write_text("")
    with pytest.raises(WorldError, match="cannot be written"):
        way().install()


def test_the_mac_app_has_the_values_of_the_packaged_one_and_starts_this_installation(tmp_path: Path) -> None:
    """The icon is drawn for real, in a process of its own."""
    seen = tmp_path / "arguments"
    program = tmp_path / "it's t3tray"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{seen}"\n')
    program.chmod(0o755)
    assert mac_app(tmp_path, [str(program), "--data-dir", "/a b"], None).install().outcome is ItemOutcome.WRITTEN
    contents = tmp_path / "Applications" / "t3tray.app" / "Contents"
    values = plistlib.loads((contents / "Info.plist").read_bytes())
    assert values.items() >= info_plist(__version__).items()
    assert (contents / "Resources" / values["CFBundleIconFile"]).read_bytes()[:4] == b"icns"
    subprocess.run([contents / "MacOS" / values["CFBundleExecutable"], "status"], check=True)
    assert seen.read_text().splitlines() == ["--data-dir", "/a b", "status"]


def test_a_file_that_somebody_put_into_the_app_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_entries, "draw_icon", lambda: b"icns")
    entry = mac_app(tmp_path, COMMAND, None)
    entry.install()
    note = entry.files.root / "Contents" / "Resources" / "note"
    note.write_text("mine")
    entry.remove()
    assert files_below(entry.files.root) == [note]


def test_a_packaged_app_needs_no_other(tmp_path: Path) -> None:
    item = mac_app(tmp_path, COMMAND, Path("/Applications/t3tray.app")).install()
    assert item.outcome is ItemOutcome.UNCHANGED and "/Applications/t3tray.app" in item.sentence and files_below(tmp_path) == []


def test_the_desktop_entry_opens_links_and_shows_the_icon(tmp_path: Path) -> None:
    linux_app({"PATH": "", "XDG_DATA_DIRS": "/nowhere", "XDG_DATA_HOME": str(tmp_path / "data")}, tmp_path, COMMAND).install()
    parser = RawConfigParser(delimiters=("=",), strict=True)
    parser.read_string((tmp_path / "data" / "applications" / "t3tray.desktop").read_text())
    entry = dict(parser.items("Desktop Entry"))
    assert entry["exec"] == '"/opt/my apps/t3tray" --data-dir "/home/dev/100 %% \\\\$mine" %u'
    assert entry["mimetype"] == "x-scheme-handler/t3tray;" and Path(entry["icon"]) == resource("icons/t3tray.svg").absolute()
    assert {"type", "name", "comment", "categories"} <= entry.keys()


def test_a_packages_own_entry_for_this_program_is_enough(tmp_path: Path) -> None:
    program, entry = tmp_path / "bin" / "t3tray", tmp_path / "share" / "applications" / "t3tray.desktop"
    for path in (program, entry):
        path.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    entry.write_text("[Desktop Entry]\nExec=t3tray %u\n")
    environment = {"PATH": str(program.parent), "XDG_DATA_DIRS": f"/nowhere:{tmp_path / 'share'}"}
    item = linux_app(environment, tmp_path, [str(program)]).install()
    assert item.outcome is ItemOutcome.UNCHANGED and str(entry) in item.sentence
    assert linux_app(environment, tmp_path, COMMAND).install().outcome is ItemOutcome.WRITTEN, (
        "another program's entry is not enough"
    )


def test_the_link_runs_this_program_with_its_data(tmp_path: Path) -> None:
    seen, program = tmp_path / "arguments", tmp_path / "my apps" / "t3tray"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{seen}"\n')
    program.chmod(0o755)
    environment = {"PATH": "/usr/bin:/bin", "SHELL": "/bin/zsh"}
    item = shell_link(environment, tmp_path, [str(program), "--data-dir", "/a b"]).install()
    assert item.outcome is ItemOutcome.WRITTEN
    assert "~/.zprofile" in item.sentence and str(tmp_path / ".local" / "bin") in item.sentence
    subprocess.run([item.subject, "status"], check=True)
    assert seen.read_text().splitlines() == ["--data-dir", "/a b", "status"]
    found = {"PATH": str(Path(item.subject).parent)}
    assert shell_link(found, tmp_path, [str(program), "--data-dir", "/a b"]).install().sentence == ""


def test_a_command_that_the_shell_finds_already_is_enough_and_another_one_is_named(tmp_path: Path) -> None:
    program, other = tmp_path / "venv" / "t3tray", tmp_path / "other" / "t3tray"
    for path in (program, other):
        path.parent.mkdir()
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    item = shell_link({"PATH": str(program.parent)}, tmp_path, [str(program)]).install()
    assert item.outcome is ItemOutcome.UNCHANGED and str(program) in item.sentence and not Path(item.subject).exists()
    item = shell_link({"PATH": str(other.parent)}, tmp_path, [str(program)]).install()
    assert item.outcome is ItemOutcome.WRITTEN and str(other) in item.sentence


def test_the_link_of_another_installer_to_this_program_stays(tmp_path: Path) -> None:
    """pipx makes such a link; its folder need not be on the PATH yet."""
    program, link = tmp_path / "venv" / "t3tray", tmp_path / ".local" / "bin" / "t3tray"
    for path in (program, link):
        path.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    link.symlink_to(program)
    entry = shell_link({"PATH": "/usr/bin"}, tmp_path, [str(program)])
    item = entry.install()
    assert item.outcome is ItemOutcome.UNCHANGED and "~/.profile" in item.sentence
    assert entry.remove().outcome is ItemOutcome.NOTHING and link.is_symlink()


def test_an_interrupted_installation_is_recognised(tmp_path: Path) -> None:
    """The marked file is written first and removed last."""
    files = OwnFiles(tmp_path / "app", "marked", "sub/other")
    assert files.write({"marked": b"Written by t3tray app install", "sub/other": b"x"})
    (tmp_path / "app" / "sub" / "other").unlink()
    assert files.owner() is Owner.OURS and files.write({"marked": b"Written by t3tray app install", "sub/other": b"x"})
    (tmp_path / "app" / "marked").unlink()
    assert files.owner() is Owner.OTHER


def test_each_system_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert [entry.files.root.name for entry in own_entries(tmp_path)] == ["t3tray.desktop", "t3tray"]
    monkeypatch.setattr(sys, "platform", "darwin")
    assert [entry.files.root.name for entry in own_entries(tmp_path)] == ["t3tray.app", "t3tray"]
    monkeypatch.setattr(sys, "platform", "win32")
    assert own_entries(tmp_path) == ()
