"""The description of the packaged program, run for each system with stand-ins of PyInstaller's parts."""

from __future__ import annotations

import plistlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import macho
import pytest
import trim
import version_info

from t3tray import __version__

SPEC = Path(__file__).parents[3] / "packaging" / "freeze" / "t3tray.spec"
COLLECTED = [
    ("PySide6/Qt/plugins/platforms/libqxcb.so", "/q", "BINARY"),
    ("PySide6/Qt/plugins/platforms/libqvnc.so", "/q", "BINARY"),
]


class Stand:
    """Records how a part of PyInstaller was called."""

    pure, scripts = "pure", "scripts"

    def __init__(self, *given: object, **named: Any) -> None:
        self.given, self.named = given, named
        self.binaries, self.datas = list(COLLECTED), [*named.get("datas", [])]


class Made:
    """What the spec has made on one system, by the kind of part."""

    def __init__(self) -> None:
        self.parts: dict[str, list[Stand]] = {kind: [] for kind in ("Analysis", "PYZ", "EXE", "COLLECT", "BUNDLE")}

    def part(self, kind: str) -> Any:
        def make(*given: object, **named: object) -> Stand:
            self.parts[kind].append(Stand(*given, **named))
            return self.parts[kind][-1]

        return make

    def programs(self) -> dict[str, bool]:
        return {part.named["name"]: part.named["console"] for part in self.parts["EXE"]}


def made(system: str, patch: pytest.MonkeyPatch) -> Made:
    hooks = ModuleType("PyInstaller.utils.hooks")
    vars(hooks).update(
        collect_data_files=lambda package, **_: [(f"{package}/a file", package, "DATA")],
        collect_submodules=lambda package: [package],
        copy_metadata=lambda package: [(f"{package}.dist-info", package, "DATA")],
    )
    for name, module in (
        ("PyInstaller", ModuleType("P")),
        ("PyInstaller.utils", ModuleType("u")),
        ("PyInstaller.utils.hooks", hooks),
    ):
        patch.setitem(sys.modules, name, module)
    patch.setattr(trim, "linked_libraries", lambda _: [])
    patch.setattr(macho, "oldest_macos", lambda _: "13.4")
    patch.setattr(version_info, "version_info", lambda name, version: (name, version))
    patch.setattr(sys, "platform", system)
    patch.setattr(sys, "path", [*sys.path])
    found = Made()
    scope = {kind: found.part(kind) for kind in found.parts} | {"SPECPATH": str(SPEC.parent)}
    exec(compile(SPEC.read_text("utf-8"), SPEC, "exec"), scope)
    return found


@pytest.mark.parametrize(
    ("system", "programs"),
    [("linux", {"t3tray": True}), ("win32", {"t3tray": False, "t3trayc": True}), ("darwin", {"t3tray": False})],
)
def test_windows_has_a_windowed_and_a_console_program_and_macos_only_a_windowed_one(
    system: str, programs: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = made(system, monkeypatch)
    assert found.programs() == programs
    assert len(found.parts["COLLECT"]) == 1 and len(found.parts["BUNDLE"]) == (system == "darwin")
    icons = {Path(part.named["icon"]).suffix for part in found.parts["EXE"] if part.named["icon"]}
    assert icons == {"linux": set(), "win32": {".ico"}, "darwin": {".icns"}}[system]
    shown = [part.named["version"] for part in found.parts["EXE"]]
    assert shown == ([(name, __version__) for name in programs] if system == "win32" else [None])


def test_what_is_found_by_name_is_packed_and_what_is_dropped_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = made("linux", monkeypatch)
    (analysis,), (folder,) = found.parts["Analysis"], found.parts["COLLECT"]
    assert {"t3tray", "keyring.backends"} <= {*analysis.named["hiddenimports"]}
    assert {"t3tray", "alembic", "keyring"} == {source for _, source, _ in analysis.named["datas"]}
    assert analysis.binaries == COLLECTED[:1] and analysis.binaries in folder.given
    assert "dropped PySide6/Qt/plugins/platforms/libqvnc.so: " in capsys.readouterr().out


@pytest.mark.parametrize(("system", "has_it"), [("linux", False), ("darwin", True), ("win32", True)])
def test_the_picture_without_which_desktop_notifier_cannot_be_imported_is_packed(
    system: str, has_it: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (analysis,) = made(system, monkeypatch).parts["Analysis"]
    assert ("desktop_notifier.resources" in analysis.named["hiddenimports"]) is has_it
    assert ("desktop_notifier" in {source for _, source, _ in analysis.named["datas"]}) is has_it


def test_the_app_has_its_plist_and_is_signed_when_an_identity_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T3TRAY_CODESIGN_IDENTITY", "Developer ID")
    found = made("darwin", monkeypatch)
    (bundle,), (program,) = found.parts["BUNDLE"], found.parts["EXE"]
    assert (bundle.named["name"], bundle.named["version"]) == ("t3tray.app", __version__)
    assert bundle.named["info_plist"]["CFBundleVersion"] == __version__
    assert program.named["codesign_identity"] == "Developer ID"
    assert bundle.named["info_plist"]["LSMinimumSystemVersion"] == "13.4"
    # Nothing but what opening a terminal by AppleScript takes.
    granted = plistlib.loads(Path(program.named["entitlements_file"]).read_bytes())
    assert granted == {"com.apple.security.automation.apple-events": True}
    monkeypatch.delenv("T3TRAY_CODESIGN_IDENTITY")
    assert made("darwin", monkeypatch).parts["EXE"][0].named["codesign_identity"] is None
