"""Builds t3tray.app on Linux from the real spec and the real libraries: `bundle_on_linux.py arm64|x86_64 FOLDER PYTHON_VERSION`.

Afterwards FOLDER has `ad-hoc/t3tray.app`, signed as the app is without a certificate, and `certificate/t3tray.app`, signed by one
of our own making as a release is.

Real are PyInstaller's BUNDLE, which lays the app out, its boot loader, every library and data file, and Info.plist. Stand-ins:
the analysis, as no Python of macOS runs here (PyInstaller's table of Qt's plug-ins and the libraries' own links take its place);
the archive of modules and Python itself, which are missing; lipo (in Python) and install_name_tool (left out: paths stay as in
the wheels). So the app does not start, but `check_app.py` and signing see what they would see on a Mac.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "freeze"))
import apple_platform
import foreign
import macho
import PyInstaller
from foreign import ROOT, SPEC
from PyInstaller import compat

# Before PyInstaller's other modules take it over.
compat.is_darwin, compat.is_linux = True, False

from PyInstaller.building import api, osx  # noqa: E402
from PyInstaller.building.utils import format_binaries_and_datas  # noqa: E402
from PyInstaller.config import CONF  # noqa: E402
from PyInstaller.utils import osx as tools  # noqa: E402

PLATFORMS = {"arm64": "aarch64-apple-darwin", "x86_64": "x86_64-apple-darwin"}
IDENTIFIER = "org.t3tray.t3tray"
Entry = tuple[str, str, str]


class Analysis:
    """Stand-in for PyInstaller's: the libraries that t3tray's imports bring, and what these link to."""

    pure, scripts = (), ()

    def __init__(self, *_: object, datas: list[tuple[str, str]], **named: object) -> None:
        self._site, self._architecture = CONF["site"], CONF["architecture"]
        self.datas: list[Entry] = [(name, file, "DATA") for name, file in format_binaries_and_datas(datas, workingdir=str(ROOT))]
        found: list[Entry] = []
        queue = [*foreign.roots(self._site)]
        files = set(queue)
        while queue:
            file = queue.pop()
            links = list(self._links(file))
            if None in links and "/plugins/" in file.as_posix():
                # PyInstaller leaves a plug-in out that lacks a library: of a part of Qt that is not installed.
                continue
            name = file.relative_to(self._site).as_posix()
            found.append((name, str(file), "EXTENSION" if file.suffix == ".so" else "BINARY"))
            for link in links:
                if link and link not in files:
                    files.add(link)
                    queue.append(link)
                    found.append((link.name, link.relative_to(self._site).as_posix(), "SYMLINK"))
        self.binaries: list[Entry] = sorted(tools.collect_files_from_framework_bundles(found))

    def _links(self, file: Path) -> Iterator[Path | None]:
        """Return the libraries in the wheels that one links to; None for one that is not there."""
        (each,) = [each for each in macho.slices(file) if each.architecture == self._architecture]
        for library in each.libraries:
            if not library.startswith(("/usr/lib/", "/System/")):
                yield macho.resolve(library, file, each.rpaths, file)


class Program(api.EXE):  # type: ignore[misc]
    """Stand-in for EXE: the boot loader without the archive of modules."""

    def __init__(self, *_: object, name: str, console: bool, **named: Any) -> None:
        self.name, self.console, self.exclude_binaries = str(Path(CONF["workpath"]) / name), console, True
        shutil.copyfile(foreign.bootloader(CONF["fetched"], "run" if console else "runw"), self.name)
        thin(self.name, CONF["architecture"])


class Folder(api.COLLECT):  # type: ignore[misc]
    """Stand-in for COLLECT: the list of what it would copy."""

    def __init__(self, *parts: Any, **named: Any) -> None:
        self.toc: list[Entry] = []
        for part in parts:
            self.toc += [(Path(part.name).name, part.name, "EXECUTABLE")] if isinstance(part, Program) else part
            self.console = getattr(part, "console", False) or getattr(self, "console", False)
        self.strip_binaries = self.upx_binaries = False
        self.upx_exclude: list[str] = []
        self.codesign_identity = self.entitlements_file = None
        self.target_arch = CONF["architecture"]


def thin(filename: str, architecture: str, display_name: str | None = None) -> None:
    """Stand-in for `lipo -thin`."""
    file = Path(filename)
    (content,) = [each.content for each in macho.slices(file) if each.architecture == architecture]
    file.write_bytes(content)


def build(architecture: str, folder: Path) -> Path:
    """Run the spec as on macOS, with what `fetch` has installed. Return the app."""
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    CONF.update(fetched=folder, site=folder / "site", architecture=architecture, spec=str(SPEC), specpath=str(SPEC.parent))
    CONF.update(workpath=str(work), distpath=str(folder), cachedir=str(work), noconfirm=True)
    tools.binary_to_target_arch = thin
    # Paths stay; signing comes after, by another tool.
    tools.set_dylib_dependency_paths = tools.sign_binary = lambda *_, **__: None
    PyInstaller.utils.hooks.collect_submodules = lambda _: []
    sys.path.insert(0, str(folder / "site"))
    scope = {"Analysis": Analysis, "PYZ": lambda _: None, "EXE": Program, "COLLECT": Folder, "BUNDLE": osx.BUNDLE}
    sys.platform = "darwin"
    try:
        exec(compile(SPEC.read_text("utf-8"), SPEC, "exec"), scope | {"SPECPATH": str(SPEC.parent)})
    finally:
        sys.platform = "linux"
    return folder / "t3tray.app"


def sign(app: Path, folder: Path) -> None:
    """Copy the app into folder/ad-hoc and folder/certificate, and sign both; without a network, so without Apple's time stamp."""
    for kind in ("ad-hoc", "certificate"):
        shutil.rmtree(folder / kind, ignore_errors=True)
        (folder / kind).mkdir()
    apple_platform.sign(app, folder / "ad-hoc" / app.name, binary_identifier=IDENTIFIER)
    key = apple_platform.certificates.generate_self_signed("t3tray").write_pem_bundle(folder / "work" / "key.pem")
    apple_platform.sign(
        app,
        folder / "certificate" / app.name,
        signer=apple_platform.Signer(pem=apple_platform.PemKey(files=[key])),
        binary_identifier=IDENTIFIER,
        code_signature_flags=["runtime"],
        entitlements_xml_file=ROOT / "packaging" / "macos" / "entitlements.plist",
        timestamp_url="none",
    )


if __name__ == "__main__":
    target = Path(sys.argv[2]).resolve()
    foreign.fetch(PLATFORMS[sys.argv[1]], sys.argv[3], target)
    sign(build(sys.argv[1], target), target)
