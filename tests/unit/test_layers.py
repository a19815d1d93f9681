"""Imports point down only, files stay small, and the command line stays free of Qt."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "t3tray"

# Each layer and what it may import of ours, besides itself and the error tree.
ALLOWED: dict[str, set[str]] = {
    "core.errors": set(),
    "core.domain": set(),
    "core.opencode": {"core.domain", "core.system", "core.store"},
    "core.store": {"core.domain"},
    "core.system": {"core.domain"},
    "core.t3code": {"core.domain", "core.system"},
    "core.services": {"core.domain", "core.opencode", "core.store", "core.system", "core.t3code"},
    "core.guard": {"core.domain", "core.opencode", "core.system"},
    "qt": {"core.domain", "core.services", "resources"},
    "resources": set(),
}


def layer_of(module: str) -> str:
    parts = module.removeprefix("t3tray").strip(".").split(".")
    return ".".join(parts[:2]) if parts[0] == "core" else parts[0]


def imports_of(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: write imports in full"
            names |= (
                {f"{node.module}.{alias.name}" for alias in node.names} if node.module == "t3tray.core" else {str(node.module)}
            )
    return names


def test_imports_point_down_only() -> None:
    for file in PACKAGE.rglob("*.py"):
        module = "t3tray." + ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
        layer = layer_of(module)
        if layer not in ALLOWED:
            continue
        for name in imports_of(file):
            if name.startswith("t3tray.") and layer_of(name) != layer:
                assert layer_of(name) in ALLOWED[layer] | {"core.errors"}, f"{module} must not import {name}"


def test_only_the_qt_layer_and_the_app_import_qt() -> None:
    for file in PACKAGE.rglob("*.py"):
        if file.parent.name != "qt" and file.name != "app.py":
            assert not any(name.startswith("PySide6") for name in imports_of(file)), file


def test_no_file_is_longer_than_500_lines() -> None:
    for folder in (PACKAGE, Path(__file__).parents[1]):
        for file in folder.rglob("*.py"):
            assert len(file.read_text(encoding="utf-8").splitlines()) <= 500, file


def test_the_command_line_never_imports_qt_and_its_words_nothing_heavy() -> None:
    heavy = ("PySide6", "sqlalchemy", "alembic", "httpx", "keyring")
    words = f"import sys, t3tray.cli; t3tray.cli.build_parser(); print([m for m in {heavy!r} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    commands = "import sys, t3tray.commands; print([m for m in ('PySide6', 'alembic') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", commands], capture_output=True, text=True, check=True).stdout.strip() == "[]"
