"""Checks what the spec packs for Windows, on another system: `check_parts.py FOLDER PYTHON_VERSION`. Exit code 1 at a problem.

Real are the spec, the wheels for Windows and PyInstaller's boot loaders; stand-ins are the analysis (the libraries' own imports
take its place) and Python itself. Needs build/t3tray.ico.
"""

from __future__ import annotations

import contextlib
import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "freeze"))
import foreign
import pefile
import PyInstaller.utils.hooks
from PIL import Image
from PyInstaller import compat

ICON_SIZES = {(size, size) for size in (16, 24, 32, 48, 64, 128, 256)}
_X64, _GUI, _CONSOLE = 0x8664, 2, 3
# Of Windows 10 1809 itself, or of Python.
_GIVEN = re.compile(
    r"(api-ms-win-.*|python3\d*|advapi32|authz|bcrypt|comdlg32|crypt32|d2d1|d3d9|d3d11|d3d12|d3dcompiler_47|dnsapi|dwmapi|dwrite|dxgi"
    r"|gdi32|icuuc|imm32|iphlpapi|kernel32|mpr|mscms|ncrypt|netapi32|ntdll|ole32|oleaut32|pdh|powrprof|psapi|secur32|setupapi|shell32"
    r"|shlwapi|uiautomationcore|user32|userenv|uxtheme|version|winhttp|winmm|ws2_32|wtsapi32)\.dll"
)
Entry = tuple[str, str, str]


class SmallLongs:
    """Stand-in for `struct` in PyInstaller's code: there a long has four bytes, here eight."""

    @staticmethod
    def pack(form: str, *values: object) -> bytes:
        return struct.pack("<" + form, *values)

    @staticmethod
    def unpack(form: str, data: bytes) -> tuple[Any, ...]:
        return struct.unpack("<" + form, data)

    @staticmethod
    def calcsize(form: str) -> int:
        return struct.calcsize("<" + form)


class Library:
    """What the head of a .dll, .pyd or .exe says. `imports` are in lower case."""

    def __init__(self, file: Path) -> None:
        read = pefile.PE(str(file), fast_load=True)
        kinds = ("IMAGE_DIRECTORY_ENTRY_IMPORT", "IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT")
        read.parse_data_directories([pefile.DIRECTORY_ENTRY[kind] for kind in kinds])
        self.machine = int(read.FILE_HEADER.Machine)
        self.subsystem = int(read.OPTIONAL_HEADER.Subsystem)
        self.oldest = (int(read.OPTIONAL_HEADER.MajorSubsystemVersion), int(read.OPTIONAL_HEADER.MinorSubsystemVersion))
        entries = [*getattr(read, "DIRECTORY_ENTRY_IMPORT", []), *getattr(read, "DIRECTORY_ENTRY_DELAY_IMPORT", [])]
        self.imports = {entry.dll.decode().lower() for entry in entries}


class Packed:
    """Runs the spec as on Windows, and has what it packs: `programs` as name to (console, version), `libraries` by path."""

    def __init__(self, folder: Path) -> None:
        self._site = folder / "site"
        self.programs: dict[str, tuple[bool, Any]] = {}
        self.libraries: dict[str, Library] = {}
        PyInstaller.utils.hooks.collect_submodules = lambda _: []
        # PyInstaller's own stand-in where it writes no resources.
        compat.win32api = None
        sys.path.insert(0, str(self._site))
        parts = {"Analysis": self._analysis, "PYZ": lambda _: None, "EXE": self._program, "COLLECT": self._collect}
        system, sys.platform = sys.platform, "win32"
        try:
            with contextlib.redirect_stdout(sys.stderr):
                exec(
                    compile(foreign.SPEC.read_text("utf-8"), foreign.SPEC, "exec"), parts | {"SPECPATH": str(foreign.SPEC.parent)}
                )
        finally:
            sys.platform = system

    def _analysis(self, *_: object, **named: object) -> Any:
        by_name = {file.name.lower(): file for file in self._site.rglob("*") if file.suffix in (".dll", ".pyd")}
        queue = [*foreign.roots(self._site)]
        found = dict.fromkeys(queue)
        while queue:
            file = queue.pop()
            needed = {name: by_name.get(name) for name in Library(file).imports if not _GIVEN.fullmatch(name)}
            if None in needed.values() and "plugins" in file.parts:
                # As PyInstaller does with a plug-in for a part of Qt that is not installed.
                del found[file]
                continue
            new = [each for each in needed.values() if each and each not in found]
            found.update(dict.fromkeys(new))
            queue += new
        self.binaries: list[Entry] = [(str(file.relative_to(self._site)), str(file), "BINARY") for file in found]
        self.datas: list[Entry] = []
        self.pure = self.scripts = ()
        return self

    def _program(self, *_: object, name: str, console: bool, version: object, **named: object) -> str:
        self.programs[name] = console, version
        return name

    def _collect(self, *parts: object, **named: object) -> None:
        self.libraries = {name: Library(Path(file)) for name, file, _ in self.binaries}


def program_problems(packed: Packed, folder: Path) -> Iterator[str]:
    """Check the two programs, their boot loaders, their properties and their icon."""
    from PyInstaller.utils.win32 import versioninfo

    versioninfo.struct = SmallLongs
    consoles = {name: console for name, (console, _) in packed.programs.items()}
    if consoles != {"t3tray": False, "t3trayc": True}:
        yield f"the programs are {consoles}"
    for name, (console, version) in packed.programs.items():
        loader = Library(foreign.bootloader(folder, "run.exe" if console else "runw.exe"))
        if (loader.machine, loader.subsystem) != (_X64, _CONSOLE if console else _GUI):
            yield f"{name}: the boot loader is for machine {loader.machine:#x}, subsystem {loader.subsystem}"
        read = versioninfo.VSVersionInfo()
        read.fromRaw(version.toRaw())
        if str(read) != str(version) or f"{name}.exe" not in str(read):
            yield f"{name}: its properties are read back as {read}"
    with Image.open(foreign.ROOT / "build" / "t3tray.ico") as icon:
        if icon.info["sizes"] != ICON_SIZES:
            yield f"the icon has the sizes {sorted(icon.info['sizes'])}"


def library_problems(packed: Packed) -> Iterator[str]:
    """Check that each library is for this processor and system, and finds what it needs."""
    there = {Path(name).name.lower() for name in packed.libraries}
    for name, library in packed.libraries.items():
        if library.machine != _X64:
            yield f"{name} is for machine {library.machine:#x}"
        if library.oldest > (10, 0):
            yield f"{name} needs Windows {library.oldest}"
        if missing := sorted(each for each in library.imports - there if not _GIVEN.fullmatch(each)):
            yield f"{name} needs {', '.join(missing)}, which the spec drops or no wheel has"
    # The platform, and the picture formats of the icons.
    for needed in ("qwindows.dll", "qsvg.dll", "qsvgicon.dll", "qmodernwindowsstyle.dll"):
        if needed not in there:
            yield f"{needed} is not packed"


if __name__ == "__main__":
    target = Path(sys.argv[1]).resolve()
    foreign.fetch("x86_64-pc-windows-msvc", sys.argv[2], target)
    spec = Packed(target)
    found = [*program_problems(spec, target), *library_problems(spec)]
    for problem in found:
        print(problem)
    print(f"Windows, Python {sys.argv[2]}: {len(spec.programs)} programs, {len(spec.libraries)} libraries; {len(found)} problems")
    sys.exit(bool(found))
