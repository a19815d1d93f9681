"""The Debian package's own files: control, desktop entry, metainfo, copyright. `make deb-check` tries the package itself."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import t3tray
from t3tray.messages.desktop import COMMENT
from t3tray.system.info_plist import info_plist

ROOT = Path(__file__).parents[3]
DEB = ROOT / "packaging" / "deb"
# `t3tray app install` writes it too, for the copy of t3tray that runs.
ENTRY = ROOT / "resources" / "t3tray.desktop"


def control() -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in (DEB / "control.in").read_text("utf-8").splitlines():
        if line.startswith(" "):
            fields[name] += f"\n{line}"
        else:
            name, _, value = line.partition(": ")
            fields[name] = value
    return fields


def desktop_entry() -> configparser.SectionProxy:
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(ENTRY, "utf-8")
    return parser["Desktop Entry"]


def checked(*command: str) -> None:
    """Run a checker of the desktop's own, where it is installed."""
    if not shutil.which(command[0]):
        pytest.skip(f"needs {command[0]}")
    done = subprocess.run(command, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_recommends_a_keyring_and_names_what_the_build_fills_in() -> None:
    fields = control()
    assert fields["Package"] == "t3tray"
    assert "gnome-keyring | org.freedesktop.secrets" in fields["Recommends"].split(", ")
    filled = {name: re.findall("@([A-Z]+)@", value) for name, value in fields.items() if "@" in value}
    assert filled == {
        "Version": ["VERSION"],
        "Architecture": ["ARCHITECTURE"],
        "Installed-Size": ["SIZE"],
        "Depends": ["DEPENDS"],
    }
    script = (DEB / "build_deb.sh").read_text("utf-8")
    assert [names for names in filled.values() if f"@{names[0]}@" not in script] == []
    summary, *text = fields["Description"].splitlines()
    assert len(summary) <= 80 and all(line.startswith(" ") and len(line) <= 80 for line in text)


def test_the_desktop_entry_starts_the_program_with_a_link_and_is_its_handler() -> None:
    entry = desktop_entry()
    assert (entry["Exec"], entry["MimeType"], entry["Comment"]) == ("t3tray %u", "x-scheme-handler/t3tray;", COMMENT)
    assert entry["Terminal"] == "false"
    assert (ROOT / "resources" / "icons" / f"{entry['Icon']}.svg").is_file()


@pytest.mark.process
def test_the_desktop_takes_the_entry() -> None:
    checked("desktop-file-validate", str(ENTRY))


def test_the_metainfo_is_of_the_same_program_as_the_desktop_entry_and_the_app_on_macos() -> None:
    component = ElementTree.parse(DEB / "t3tray.metainfo.xml").getroot()
    values = {name: component.findtext(name) for name in ("id", "name", "launchable", "provides/binary", "provides/mediatype")}
    assert values == {
        "id": info_plist("1")["CFBundleIdentifier"],
        "name": desktop_entry()["Name"],
        "launchable": "t3tray.desktop",
        "provides/binary": "t3tray",
        "provides/mediatype": desktop_entry()["MimeType"].rstrip(";"),
    }


@pytest.mark.process
def test_software_centres_take_the_metainfo() -> None:
    checked("appstreamcli", "validate", "--no-net", str(DEB / "t3tray.metainfo.xml"))


def test_the_copyright_has_a_text_for_every_licence_and_ours_is_that_of_the_source() -> None:
    blocks = [block.split("\n") for block in (DEB / "copyright").read_text("utf-8").split("\n\n")]
    named = {
        line.removeprefix("License: ")
        for block in blocks
        if block[0].startswith("Files:")
        for line in block
        if "License: " in line
    }
    explained = {block[0].removeprefix("License: ") for block in blocks if block[0].startswith("License: ")}
    in_place = {
        line.removeprefix("License: ")
        for block in blocks
        for line, after in zip(block, [*block[1:], ""], strict=True)
        if block[0].startswith("Files:") and line.startswith("License: ") and after.startswith(" ")
    }
    assert named == explained | in_place

    def words(text: str) -> str:
        return " ".join(text.replace("\n .\n", "\n").split())

    ours = (ROOT / "LICENSE").read_text("utf-8").partition("Permission is hereby")[2]
    assert words(ours) in words((DEB / "copyright").read_text("utf-8"))


def test_the_changelog_that_is_packed_has_this_version() -> None:
    # `build_deb.sh` takes the version's section, and fails without one.
    assert re.search(rf"^## {re.escape(t3tray.__version__)}\b", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
