"""What the properties of t3tray.exe and t3trayc.exe say on Windows, in PyInstaller's own form for `EXE(version=…)`."""

from __future__ import annotations

import re
from typing import Any

_LANGUAGE, _CHARACTERS = 0x0409, 1200  # English (United States), UTF-16


def numbers(version: str) -> tuple[int, int, int, int]:
    """Return the four numbers that Windows compares: those at the start of a version, and zeros. `1.2.3b1` is 1.2.3.0."""
    found = re.match(r"\d+(\.\d+)*", version)
    parts = [int(part) for part in found[0].split(".")] if found else []
    first, second, third, fourth = (*parts, 0, 0, 0, 0)[:4]
    return first, second, third, fourth


def strings(name: str, version: str) -> dict[str, str]:
    """Return the texts for the program `name`."""
    return {
        "CompanyName": "The t3tray authors",
        # The Task Manager and the list of start-up programs show it.
        "FileDescription": "t3tray" if name == "t3tray" else "t3tray's commands",
        "FileVersion": version,
        "InternalName": name,
        "LegalCopyright": "The t3tray authors. MIT License.",
        "OriginalFilename": f"{name}.exe",
        "ProductName": "t3tray",
        "ProductVersion": version,
    }


def version_info(name: str, version: str) -> Any:
    """Return PyInstaller's VSVersionInfo for the program `name`. Needs PyInstaller."""
    from PyInstaller.utils.win32 import versioninfo as form

    texts = [form.StringStruct(key, text) for key, text in strings(name, version).items()]
    return form.VSVersionInfo(
        ffi=form.FixedFileInfo(filevers=numbers(version), prodvers=numbers(version), mask=0x3F, OS=0x40004, fileType=1),
        kids=[
            form.StringFileInfo([form.StringTable(f"{_LANGUAGE:04X}{_CHARACTERS:04X}", texts)]),
            form.VarFileInfo([form.VarStruct("Translation", [_LANGUAGE, _CHARACTERS])]),
        ],
    )
