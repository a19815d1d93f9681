"""What is left out of a package, its icons, its Info.plist, and what the packaged program does first."""

from __future__ import annotations

import io
import os
import plistlib
import struct
import sys
from pathlib import Path

import entry
import make_icon
import pytest
from PySide6.QtGui import QImage
from trim import MODULES, orphans, why_dropped

from t3tray.system.info_plist import info_plist
from t3tray.ui.app_icon import draw, icns

ROOT = Path(__file__).parents[3]
BUNDLE = "/opt/t3tray/_internal"


@pytest.mark.parametrize(
    ("path", "is_dropped"),
    [
        ("PySide6/Qt/plugins/platforms/libqxcb.so", False),
        ("PySide6/Qt/plugins/platforms/libqwayland.so", False),
        ("PySide6/Qt/plugins/platforms/libqoffscreen.so", False),
        ("PySide6/Qt/plugins/platforms/libqvnc.so", True),
        ("PySide6/Qt/plugins/platformthemes/libqxdgdesktopportal.so", False),
        ("PySide6/Qt/plugins/platformthemes/libqgtk3.so", True),
        ("PySide6/Qt/plugins/imageformats/libqsvg.so", False),
        ("PySide6/Qt/plugins/iconengines/libqsvgicon.so", False),
        ("PySide6/Qt/plugins/wayland-shell-integration/libxdg-shell.so", False),
        ("PySide6/Qt/plugins/wayland-graphics-integration-client/libqt-plugin-wayland-egl.so", True),
        ("PySide6/Qt/translations/qtbase_de.qm", True),
        ("PySide6\\translations\\qtbase_de.qm", True),
        ("PySide6/Qt/lib/libQt6WaylandClient.so.6", False),
        ("PySide6/Qt/lib/libQt6OpenGL.so.6", True),
        ("libxcb.so.1", True),
        ("libxcb-cursor.so.0", False),
        ("libX11.so.6", True),
        ("libstdc++.so.6", True),
        ("libcrypto.so.3", False),
        ("libpython3.11.so.1.0", False),
        ("t3tray/store/migrations/versions/v0001_first.py", False),
    ],
)
def test_only_what_is_needed_nowhere_or_belongs_to_the_system_is_dropped(path: str, is_dropped: bool) -> None:
    assert bool(why_dropped(path, "linux")) is is_dropped


def test_another_systems_libraries_are_its_own_packages_affair() -> None:
    assert why_dropped("libstdc++.so.6", "darwin") == ""


def test_a_library_that_only_dropped_ones_need_goes_with_them_and_links_are_followed() -> None:
    links = {
        "PySide6/QtGui.so": ["libQt6Gui.so.6"],
        "PySide6/Qt/lib/libQt6Gui.so.6": ["libharfbuzz.so.0", "libglib-2.0.so.0"],
        "libharfbuzz.so.0": ["libgraphite2.so.3"],
        "libgraphite2.so.3": [],
        "libpython3.11.so.1.0": [],
        # Needed by the system's glib alone, and by a plug-in that was dropped.
        "libpcre2-8.so.0": [],
        "libcairo.so.2": ["libpixman-1.so.0"],
        "libpixman-1.so.0": ["libcairo.so.2"],
        "PySide6/Qt/lib/libQt6EglFsKmsSupport.so.6": ["libQt6Gui.so.6"],
    }
    unneeded = {"libpcre2-8.so.0", "libcairo.so.2", "libpixman-1.so.0", "PySide6/Qt/lib/libQt6EglFsKmsSupport.so.6"}
    assert orphans(links, lambda path: links[path]) == unneeded


def test_no_module_is_excluded_that_the_program_imports() -> None:
    imported = " ".join(path.read_text("utf-8") for path in (ROOT / "t3tray").rglob("*.py"))
    assert [name for name in MODULES if f"import {name}\n" in imported or f"from {name} import" in imported] == []


def test_the_packaged_program_gives_itself_the_users_environment_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", BUNDLE)
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/usr/local/lib")
    monkeypatch.setenv("QT_PLUGIN_PATH", f"{BUNDLE}/PySide6/Qt/plugins")
    monkeypatch.setenv("_PYI_ARCHIVE_FILE", "/opt/t3tray/t3tray")
    monkeypatch.setenv("EDITOR", "ed")
    entry.restore_environment(BUNDLE)
    assert (os.environ["LD_LIBRARY_PATH"], os.environ["EDITOR"]) == ("/usr/local/lib", "ed")
    assert {"LD_LIBRARY_PATH_ORIG", "QT_PLUGIN_PATH", "_PYI_ARCHIVE_FILE"}.isdisjoint(os.environ)


@pytest.mark.parametrize(
    ("named", "coerced"),
    [({}, "C.UTF-8"), ({"LANG": "C"}, "C.UTF-8"), ({"LANG": "de_DE.UTF-8"}, None), ({"LANG": "C", "LC_ALL": "C"}, None)],
)
def test_without_a_locale_it_takes_that_of_utf8_as_python_does(
    named: dict[str, str], coerced: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LANG", "LC_ALL", "LC_CTYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LC_CTYPE", "")
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", "linux")
    entry.coerce_locale()
    assert (os.environ["LC_CTYPE"] or None) == coerced


def test_the_info_plist_makes_a_program_of_the_menu_bar_that_may_show_windows() -> None:
    values = plistlib.load(io.BytesIO(plistlib.dumps(info_plist("1.2.3"))))
    assert values["CFBundleShortVersionString"] == values["CFBundleVersion"] == "1.2.3"
    assert values["LSUIElement"] is True and "LSBackgroundOnly" not in values
    assert values["CFBundleURLTypes"][0]["CFBundleURLSchemes"] == ["t3tray"]
    assert values["NSHighResolutionCapable"] is True and values["LSAppNapIsDisabled"] is True
    usage = [name for name in values if name.endswith("UsageDescription")]
    assert len(usage) == 7 and all(values[name].endswith(".") for name in usage)


def test_the_icons_hold_each_size_drawn_from_the_picture(qapp: object) -> None:
    pictures = draw(ROOT / "resources" / "icons" / "t3tray.svg")
    whole, found, at = icns(pictures), {}, 8
    assert whole[:4] == b"icns" and struct.unpack(">I", whole[4:8]) == (len(whole),)
    while at < len(whole):
        (length,) = struct.unpack(">I", whole[at + 4 : at + 8])
        found[whole[at : at + 4].decode()] = whole[at + 8 : at + length]
        at += length
    # The Finder shows a PNG of the two small ones as noise.
    small = {kind: found.pop(kind) for kind in ("ic04", "ic05")}
    assert {kind: QImage.fromData(picture).width() for kind, picture in found.items()} == {
        "ic11": 32,
        "ic12": 64,
        "ic07": 128,
        "ic13": 256,
        "ic08": 256,
        "ic14": 512,
        "ic09": 512,
        "ic10": 1024,
    }
    for kind, size in (("ic04", 16), ("ic05", 32)):
        runs, channels, at = small[kind], b"", 4
        while at < len(runs):
            channels += runs[at + 1 : at + 2 + runs[at]]
            at += 2 + runs[at]
        alpha, red, green, blue = (channels[number * size * size :][: size * size] for number in range(4))
        drawn = QImage.fromData(pictures[size])
        middle, corner = size * size // 2 + size // 2, 0
        assert runs[:4] == b"ARGB" and len(channels) == 4 * size * size
        for spot in (middle, corner):
            color = drawn.pixelColor(spot % size, spot // size)
            assert (red[spot], green[spot], blue[spot], alpha[spot]) == color.getRgb()
    windows = make_icon.ico(draw(ROOT / "resources" / "icons" / "t3tray.svg", make_icon.SIZES))
    _, kind, count = struct.unpack("<HHH", windows[:6])
    assert (kind, count) == (1, 7)
    for number in range(count):
        width, *_, length, offset = struct.unpack("<BBBBHHII", windows[6 + 16 * number : 22 + 16 * number])
        assert QImage.fromData(windows[offset : offset + length]).width() == (width or 256)
