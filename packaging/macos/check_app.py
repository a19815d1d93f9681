"""Checks t3tray.app without a Mac: `check_app.py APP arm64|x86_64`. Prints each problem; exit code 1 if there is one."""

from __future__ import annotations

import hashlib
import plistlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import macho

ROOT = Path(__file__).parents[2]
ENTITLEMENTS = Path(__file__).with_name("entitlements.plist")
# What Apple's iconutil makes of a folder of ten pictures.
ICONS = {"ic04", "ic05", "ic07", "ic08", "ic09", "ic10", "ic11", "ic12", "ic13", "ic14"}
_SYSTEM = ("/usr/lib/", "/System/Library/")


class App:
    """An app on disk, its Info.plist and its code."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.contents = self.path / "Contents"
        self.plist: dict[str, Any] = plistlib.loads((self.contents / "Info.plist").read_bytes())
        self.program = self.contents / "MacOS" / str(self.plist.get("CFBundleExecutable", ""))
        self.files = [file for file in sorted(self.path.rglob("*")) if file.is_file() and not file.is_symlink()]
        self.code = {file: macho.slices(file) for file in self.files if macho.is_macho(file)}

    def name(self, file: Path) -> str:
        """Return a file's path in the app."""
        return file.relative_to(self.path).as_posix()


def plist_problems(app: App, expected: dict[str, object]) -> Iterator[str]:
    """Compare Info.plist with the program's own values, and the icon that it names."""
    for name, value in expected.items():
        if name != "LSMinimumSystemVersion" and app.plist.get(name) != value:
            yield f"Info.plist: {name} is {app.plist.get(name)!r}, not {value!r}"
    if "LSBackgroundOnly" in app.plist:
        yield "Info.plist: LSBackgroundOnly is there, so no window is ever shown"
    icon = app.contents / "Resources" / str(app.plist.get("CFBundleIconFile"))
    kinds = icon_kinds(icon.read_bytes()) if icon.is_file() else set()
    if kinds != ICONS:
        yield f"the icon lacks {sorted(ICONS - kinds)}, has besides {sorted(kinds - ICONS)}"


def icon_kinds(icon: bytes) -> set[str]:
    """Return the types of the pictures in an .icns; none if it is damaged."""
    kinds, at = set[str](), 8
    if icon[:4] != b"icns" or int.from_bytes(icon[4:8], "big") != len(icon):
        return set()
    while at < len(icon):
        kinds.add(icon[at : at + 4].decode("latin-1"))
        at += max(8, int.from_bytes(icon[at + 4 : at + 8], "big"))
    return kinds


def code_problems(app: App, architecture: str) -> Iterator[str]:
    """Check architecture, oldest macOS and libraries of each Mach-O."""
    oldest = tuple(int(part) for part in str(app.plist.get("LSMinimumSystemVersion", "0")).split("."))
    main = app.code.get(app.program)
    if not main:
        yield "Contents/MacOS: the program is missing, or not for macOS"
    # The rpaths of the program are also its libraries'.
    inherited = main[0].rpaths if main else ()
    for file, found in app.code.items():
        architectures = [each.architecture for each in found]
        if architectures != [architecture]:
            yield f"{app.name(file)} is for {', '.join(architectures)}, not {architecture} alone"
        for each in found:
            if each.oldest > oldest and not macho.NAMES_ITS_BUILDER.search(file.as_posix()):
                yield f"{app.name(file)} needs macOS {each.oldest[0]}.{each.oldest[1]}, the app {oldest[0]}.{oldest[1]}"
            for library in each.libraries:
                if library.startswith(_SYSTEM):
                    continue
                target = macho.resolve(library, file, (*each.rpaths, *inherited), app.program)
                if target is None or not target.resolve().is_relative_to(app.path):
                    yield f"{app.name(file)} needs {library}, which is not in the app"


def layout_problems(app: App) -> Iterator[str]:
    """Check what codesign refuses: links that lead nowhere or out, data beside code, files at the top of a framework."""
    for file in sorted(app.path.rglob("*")):
        if file.is_symlink() and not (file.exists() and file.resolve().is_relative_to(app.path)):
            yield f"{app.name(file)} is a link to {file.readlink()}, which is not in the app"
        elif file.suffix == ".framework" and not file.is_symlink():
            if loose := [each.name for each in file.iterdir() if each.name != "Versions" and not each.is_symlink()]:
                yield f"{app.name(file)} has {sorted(loose)} beside its versions"
        elif file in app.files and file.parent == app.program.parent and file not in app.code:
            yield f"{app.name(file)} is no code"


def signature_problems(app: App) -> Iterator[str]:
    """Read each signature back: intact, the app's identifier, and hardened with the one entitlement if it has a certificate."""
    signed = {file: [each.signature for each in found] for file, found in app.code.items()}
    for file, signatures in signed.items():
        if None in signatures:
            yield f"{app.name(file)} is not signed"
        elif not all(each.is_intact for each in signatures if each):
            yield f"{app.name(file)} was changed after it was signed"
    of_program = [each for each in signed.get(app.program, []) if each]
    wanted = plistlib.loads(ENTITLEMENTS.read_bytes())
    for each in of_program:
        if each.identifier != app.plist["CFBundleIdentifier"]:
            yield f"the signature names {each.identifier}"
        if each.has_certificate and not each.has_runtime:
            yield "the signature lacks the hardened runtime, without which Apple does not notarise"
        if each.has_certificate and each.entitlements != wanted:
            yield f"the signature gives the entitlements {sorted(each.entitlements)}, not {sorted(wanted)}"
        # Library validation compares the teams of program and libraries, and an ad-hoc signature has none.
        if not each.has_certificate and each.has_runtime:
            yield "an ad-hoc signature with the hardened runtime: macOS would load none of the libraries"
        yield from _seal_problems(app, each.sealed)


def _seal_problems(app: App, by_program: dict[int, bytes]) -> Iterator[str]:
    seal = app.contents / "_CodeSignature" / "CodeResources"
    if not seal.is_file():
        yield "the app as a whole is not signed"
        return
    for slot, file in ((1, app.contents / "Info.plist"), (3, seal)):
        if by_program.get(slot) != hashlib.sha256(file.read_bytes()).digest():
            yield f"{app.name(file)} is not what the program's signature names"
    sealed: dict[str, Any] = plistlib.loads(seal.read_bytes())["files2"]
    for file in app.files:
        name = file.relative_to(app.contents).as_posix()
        if file in app.code or name == "Info.plist" or "_CodeSignature/" in name or ".framework/" in name:
            continue  # sealed by its own signature, by the program's, or by its framework's
        if sealed.get(name, {}).get("hash2") != hashlib.sha256(file.read_bytes()).digest():
            yield f"{app.name(file)} is not sealed as it is"


def problems(app: App, architecture: str, expected: dict[str, object]) -> list[str]:
    """Return what is wrong with an app, one sentence each. `expected` are the program's own values of Info.plist."""
    checks = (plist_problems(app, expected), code_problems(app, architecture), layout_problems(app), signature_problems(app))
    return [problem for check in checks for problem in check]


def main(path: Path, architecture: str) -> int:
    """Check an app and print the result."""
    sys.path.insert(0, str(ROOT))
    from t3tray import __version__
    from t3tray.system.info_plist import info_plist

    app = App(path)
    found = problems(app, architecture, info_plist(__version__))
    for problem in found:
        print(problem)
    signature = app.code[app.program][0].signature if app.program in app.code else None
    kind = "not signed" if not signature else "signed by a certificate" if signature.has_certificate else "signed ad hoc"
    megabytes = sum(file.stat().st_size for file in app.files) / 1e6
    print(
        f"{path.name}: {architecture}, macOS {app.plist.get('LSMinimumSystemVersion')}, {len(app.code)} Mach-O files,"
        f" {megabytes:.0f} MB, {kind}; {len(found)} problems"
    )
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
