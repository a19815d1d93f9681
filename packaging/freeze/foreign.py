"""The wheels of another system, for checks that lay out a package without it: fetched by uv, as they would be installed there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SPEC = Path(__file__).with_name("t3tray.spec")
_LIBRARIES = (".so", ".dylib", ".pyd", ".dll")


def fetch(platform: str, python: str, folder: Path) -> None:
    """Install t3tray with all it needs for a platform of uv's into folder/site, and PyInstaller into folder/tool."""
    install = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--python-platform", platform]
    install += ["--python-version", python, "--constraint", str(ROOT / "packaging" / "constraints.txt"), "--target"]
    only = ["--only-binary", ":all:"]
    # Wheels for any macOS: which is the oldest that the app runs on is read from the files.
    environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": "99.0"}
    for arguments in (
        [str(folder / "site"), *only, "--requirement", str(ROOT / "pyproject.toml")],
        [str(folder / "site"), "--no-deps", str(ROOT)],
        [str(folder / "tool"), *only, "--no-deps", "pyinstaller"],
    ):
        subprocess.run([*install, *arguments], check=True, env=environment)


def bootloader(folder: Path, name: str) -> Path:
    """Return the boot loader of that name that `fetch` has brought."""
    (found,) = (folder / "tool" / "PyInstaller" / "bootloader").glob(f"*/{name}")
    return found


def roots(site: Path) -> Iterator[Path]:
    """Return the libraries that PyInstaller packs for their own sake: extension modules, and the plug-ins of Qt's modules."""
    from PyInstaller.utils.hooks.qt._modules_info import QT_MODULES_INFO

    for file in site.rglob("*"):
        if file.suffix in _LIBRARIES and file.relative_to(site).parts[0] not in ("PySide6", "bin"):
            yield file
    sources = "\n".join(file.read_text("utf-8") for file in (site / "t3tray").rglob("*.py"))
    modules = set(re.findall(r"\bPySide6\.(Qt\w+)", sources))
    for module in QT_MODULES_INFO:
        if module.module in modules:
            yield from (site / "PySide6").glob(f"{module.module}.*[do]")
            for plugin in module.plugins:
                for file in site.glob(f"PySide6/**/plugins/{plugin}/*"):
                    if file.suffix in _LIBRARIES:
                        yield file
