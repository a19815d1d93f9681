"""Imports point down only, files stay small, and the command line stays free of Qt."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "t3tray"

_VALUES = {"core.domain"}
_ADAPTERS = {"core.opencode", "core.store", "core.system", "core.t3code"}
_BELOW_ENGINE = {*_VALUES, *_ADAPTERS, "core.services", "settings"}
_TEXTS = {"documents", "tables"}

# Each layer and what it may import of ours, besides itself and the error tree. Who stands for all may import all.
ALLOWED: dict[str, set[str]] = {
    "core.errors": set(),
    "core.domain": set(),
    "settings": {*_VALUES, "core.opencode", "core.system"},
    "core.opencode": {*_VALUES, "core.system", "core.store"},
    "core.store": {*_VALUES, "core.system"},
    "core.system": _VALUES,
    "core.t3code": {*_VALUES, "core.system"},
    "core.services": {*_VALUES, *_ADAPTERS, "settings"},
    # Used by the engine, and it knows the process that it runs in by a protocol: `guard.host`.
    "guard": {*_VALUES, *_ADAPTERS, "core.services", "settings"},
    "core.archive": _BELOW_ENGINE,
    "core.conversing": _BELOW_ENGINE,
    "core.launching": _BELOW_ENGINE,
    "core.opening": {*_BELOW_ENGINE, "core.launching"},
    "core.prompting": _BELOW_ENGINE,
    "core.session_source": {*_BELOW_ENGINE, "core.launching"},
    "core.restoring": _BELOW_ENGINE,
    "core.attached": _BELOW_ENGINE,
    "core.engine": {
        *_BELOW_ENGINE,
        "guard",
        "core.attached",
        "core.archive",
        "core.conversing",
        "core.launching",
        "core.opening",
        "core.prompting",
        "core.session_source",
        "core.restoring",
    },
    "core.inventory": {*_BELOW_ENGINE, "core.engine"},
    "core.diagnostics": {*_BELOW_ENGINE, "core.engine", "core.inventory"},
    "core.login": {*_VALUES, "core.system"},
    "core.file_changes": _BELOW_ENGINE,
    "core.watched": {"core.errors"},
    "core.snapshots": _BELOW_ENGINE,
    "core.server_events": {*_BELOW_ENGINE, "core.engine", "core.watched"},
    "core.errands": {*_BELOW_ENGINE, "core.engine"},
    "core.desk_life": {"core.errors", "core.services"},
    "core.desk": {
        "core.file_changes",
        "core.server_events",
        "core.snapshots",
        "core.watched",
        *_BELOW_ENGINE,
        "core.diagnostics",
        "core.engine",
        "core.errands",
        "guard",
        "core.inventory",
        "core.login",
        "resources",
    },
    "resources": set(),
    "qt": {*_VALUES, "guard", "core.services", "core.desk_life", "core.system", "resources", "settings"},
    "documents": {*_VALUES, "core.services", "core.t3code"},
    "tables": {*_VALUES, "core.services", "core.t3code"},
    "printing": _VALUES,
    "interrupts": set(),
    "command": {"core.engine", "documents", "printing"},
    "guard_commands": {*_VALUES, *_TEXTS, "core.login", "core.services", "guard", "command"},
    "remedy_commands": {*_VALUES, *_TEXTS, "command"},
    "settings_command": {"settings", "command", "documents"},
    "vault_commands": {*_VALUES, *_TEXTS, "command", "printing"},
    "commands": {
        *_VALUES,
        *_TEXTS,
        "core.diagnostics",
        "core.engine",
        "core.services",
        "core.system",
        "command",
        "guard",
        "guard_commands",
        "interrupts",
        "remedy_commands",
        "settings_command",
        "vault_commands",
    },
    "cli": {*_VALUES, "command", "commands", "documents", "printing", "run_documents"},
    "demo": {*_BELOW_ENGINE, "core.desk", "core.engine"},
    "app": {"core.desk", "core.system", "demo", "qt"},
    "screen": set(),
    "line_writer": {"printing"},
    "run_documents": {*_VALUES, "core.services", "documents"},
    "run_lines": {*_VALUES, "core.services", "tables"},
    "teller": {*_VALUES, "core.services", "core.system", "documents", "line_writer", "printing", "run_documents", "run_lines"},
    "headless": {
        "core.desk",
        "core.desk_life",
        "core.system",
        "demo",
        "documents",
        "interrupts",
        "printing",
        "run_documents",
        "teller",
    },
    "__main__": {"app", "cli", "headless", "screen"},
}
# What the rules of the domain may be made of: no file, no process, no network, no randomness.
PURE = {
    "__future__",
    "collections",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "itertools",
    "math",
    "re",
    "typing",
    "unicodedata",
    "urllib",
}
# Values are made of it, where many are made.
PURE |= {"msgspec"}
CLOCKS = {"now", "utcnow", "today"}
DOORS = {"open", "print", "input", "__import__", "eval", "exec"}


def layer_of(module: str) -> str:
    parts = module.removeprefix("t3tray").strip(".").split(".")
    return ".".join(parts[:2]) if parts[0] == "core" else parts[0]


@cache
def imports_of(file: Path) -> frozenset[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: write imports in full"
            inner = node.module in ("t3tray", "t3tray.core")
            names |= {f"{node.module}.{alias.name}" for alias in node.names} if inner else {str(node.module)}
    return frozenset(names - {"t3tray.__version__"})


def test_imports_point_down_only() -> None:
    for file in PACKAGE.rglob("*.py"):
        module = "t3tray." + ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
        layer = layer_of(module)
        if file.name == "__init__.py" and layer in ("__init__", "core.__init__"):
            assert not imports_of(file) - {"__future__"}, f"{module} is there for its name only"
            continue
        assert layer in ALLOWED, f"{module} stands in no layer"
        for name in imports_of(file):
            if name.startswith("t3tray.") and layer_of(name) != layer:
                assert layer_of(name) in ALLOWED[layer] | {"core.errors"}, f"{module} must not import {name}"


def test_every_layer_that_is_named_is_there() -> None:
    files = (file.relative_to(PACKAGE).with_suffix("") for file in PACKAGE.rglob("*.py"))
    assert {layer_of("t3tray." + ".".join(file.parts)) for file in files} >= set(ALLOWED)


def test_the_domain_has_no_input_no_output_and_no_clock_of_its_own() -> None:
    for file in (PACKAGE / "core" / "domain").rglob("*.py"):
        foreign = {name.split(".")[0] for name in imports_of(file) if not name.startswith("t3tray.")}
        assert foreign <= PURE, f"{file} imports {foreign - PURE}"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                forbidden = CLOCKS if isinstance(node.func, ast.Attribute) else DOORS
                assert called not in forbidden, f"{file}:{node.lineno} calls {called}"


def test_only_the_qt_layer_and_the_app_import_qt() -> None:
    for file in PACKAGE.rglob("*.py"):
        if "qt" not in file.relative_to(PACKAGE).parts and file.name != "app.py":
            assert not any(name.startswith("PySide6") for name in imports_of(file)), file


def test_no_file_is_longer_than_500_lines() -> None:
    for folder in (PACKAGE, Path(__file__).parents[1]):
        for file in folder.rglob("*.py"):
            assert len(file.read_text(encoding="utf-8").splitlines()) <= 500, file


@pytest.mark.process
def test_the_command_line_never_imports_qt_and_its_words_nothing_heavy() -> None:
    heavy = ("PySide6", "sqlalchemy", "alembic", "httpx", "keyring")
    words = f"import sys, t3tray.cli.parser; t3tray.cli.parser.build_parser(); print([m for m in {heavy!r} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    faces = "t3tray.cli.commands.common, t3tray.system.display, t3tray.headless, t3tray.demo.backend"
    commands = f"import sys, {faces}; print([m for m in ('PySide6', 'alembic') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", commands], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.process
def test_nothing_that_takes_time_is_imported_before_the_icon_or_in_the_gui_thread() -> None:
    """And `import` stays Python's own: PySide6's reads the source of every module that comes after it."""
    late = ("asyncio", "hashlib", "json", "msgspec", "platformdirs", "t3tray.domain")
    heavy = ("PySide6.QtNetwork", "alembic", "html.entities", "httpx", "keyring", "sqlalchemy")
    script = (
        "import builtins, sys; own = builtins.__import__; import t3tray.app\n"
        f"print([m for m in {late + heavy!r} if m in sys.modules], builtins.__import__ is own)\n"
        "import t3tray.ui.bridge, t3tray.ui.tray.menu_drawing, t3tray.ui.report\n"
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.split("\n")[:2] == ["[] True", "[]"]
