"""Imports point down only, no module imports itself by a detour, names are unique, files are small, and Qt stays in `ui`."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "t3tray"

# A module may import from the lines above its own, and from its own package.
LAYERS = """
    errors
    domain resources
    messages
    system
    opencode t3code store
    settings
    server
    threads
    remedies alerts conversation guard
    backend
    cli ui demo
    app headless
    __main__
"""
RANK = {package: rank for rank, line in enumerate(LAYERS.split("\n")) for package in line.split()}
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
LONGEST, SHORTEST = 400, 25
# Shorter ones, and why they are no part of another module.
SHORT = {
    "t3tray/resources.py": "below all packages: every one of them may need a data file",
    "t3tray/ui/loading.py": "acts by being imported before anything else of Qt",
}
# Who may make a task: it awaits or ends the task itself. Everyone else uses `OwnTasks`, or `WatchedTasks` for what runs for good.
MAKERS_OF_TASKS = {
    "t3tray.backend.parts": "its own end, which all callers of `close` share",
    "t3tray.backend.running": "two of which the first to end ends the other",
    "t3tray.backend.watched_tasks": "WatchedTasks",
    "t3tray.cli.run": "the command, so that a signal ends it and not what closes after it",
    "t3tray.demo.backend": "the demo's story, ended with the loop",
    "t3tray.guard.connections": "one for the request of a connection, ended when that is lost",
    "t3tray.opencode.events": "the next event, which is waited for in slices",
    "t3tray.remedies.recovery": "the round under way, and its threads, which it gathers",
    "t3tray.system.bus_notifications": "a connection's two readers, ended when it is left",
    "t3tray.system.tasks": "OwnTasks",
    "t3tray.ui.async_thread": "on a loop that does not run yet when the first is asked for",
}


def module_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PYTHON_FILES = [file for folder in (PACKAGE, Path(__file__).parents[1]) for file in folder.rglob("*.py")]
MODULES = {module_of(file): file for file in PACKAGE.rglob("*.py")}


def lines_of(files: list[Path]) -> dict[str, int]:
    return {file.relative_to(PACKAGE.parent).as_posix(): len(file.read_text(encoding="utf-8").splitlines()) for file in files}


def package_of(module: str) -> str:
    """Return the package that a module is in: `cli` for `t3tray.cli.parser`; empty for `t3tray` itself, which has the version."""
    return module.partition(".")[2].partition(".")[0]


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def origin_of(module: str, name: str) -> str:
    """Return the module that defines a name which can be imported from `module`: re-exports are followed."""
    if f"{module}.{name}" in MODULES:
        return f"{module}.{name}"
    for node in tree_of(module).body if module in MODULES else ():
        if isinstance(node, ast.ImportFrom) and node.module in MODULES:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return origin_of(node.module, alias.name)
    return module


@cache
def imports_of(module: str) -> tuple[str, ...]:
    """Return the modules that a module imports, anywhere in it: at its top, in functions, for types only."""
    return tuple(_imports_in(module))


def _imports_in(module: str) -> Iterator[str]:
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: write imports in full"
            yield from (origin_of(str(node.module), alias.name) for alias in node.names)


def ours_in(module: str) -> set[str]:
    return {name for name in imports_of(module) if name in MODULES and package_of(name)}


def test_every_package_has_its_place() -> None:
    assert {package_of(module) for module in MODULES} - {""} == set(RANK)


def test_imports_point_down_only() -> None:
    wrong = [
        f"{module} must not import {name}"
        for module in MODULES
        for name in ours_in(module)
        if package_of(module) and package_of(name) != package_of(module) and RANK[package_of(name)] >= RANK[package_of(module)]
    ]
    assert wrong == []


def test_no_module_imports_itself_by_a_detour() -> None:
    imported = {module: ours_in(module) - {module} for module in MODULES}
    # A module that imports none of those left is in no cycle.
    while free := [module for module, names in imported.items() if not names]:
        for module in free:
            del imported[module]
        imported = {module: names - set(free) for module, names in imported.items()}
    # Those left import a cycle or are in one.
    while ends := set(imported) - set().union(*imported.values()):
        imported = {module: names for module, names in imported.items() if module not in ends}
    assert imported == {}


def test_no_two_public_classes_have_one_name() -> None:
    homes = defaultdict(list)
    for module in MODULES:
        for node in tree_of(module).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(module)
    assert {name: modules for name, modules in homes.items() if len(modules) > 1} == {}


def test_the_domain_has_no_input_no_output_and_no_clock_of_its_own() -> None:
    for module in MODULES:
        if package_of(module) != "domain":
            continue
        foreign = {name.split(".")[0] for name in imports_of(module)} - {"t3tray"}
        assert foreign <= PURE, f"{module} imports {foreign - PURE}"
        for node in ast.walk(tree_of(module)):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                forbidden = CLOCKS if isinstance(node.func, ast.Attribute) else DOORS
                assert called not in forbidden, f"{module}:{node.lineno} calls {called}"


def test_only_the_window_and_the_app_import_qt() -> None:
    for module in MODULES:
        if package_of(module) not in ("ui", "app"):
            assert not any(name.startswith("PySide6") for name in imports_of(module)), module


def test_no_file_is_too_long() -> None:
    assert {name for name, count in lines_of(PYTHON_FILES).items() if count > LONGEST} == set()


def test_no_module_is_so_short_that_its_neighbour_is_its_home() -> None:
    own = [file for file in MODULES.values() if file.name != "__init__.py" and "migrations" not in file.parts]
    assert {name for name, count in lines_of(own).items() if count < SHORTEST} == set(SHORT)


def test_every_task_has_an_owner() -> None:
    """A task without a reference may be collected while it runs, and its error is lost."""
    makers = {
        module
        for module in MODULES
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Attribute) and node.attr in ("create_task", "ensure_future")
    }
    assert makers == set(MAKERS_OF_TASKS)


def test_a_name_is_imported_from_the_module_that_defines_it() -> None:
    wrong = []
    for file in PYTHON_FILES:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module in MODULES:
                origins = {alias.name: origin_of(node.module, alias.name) for alias in node.names}
                wrong += [
                    f"{file.relative_to(PACKAGE.parent)}:{node.lineno}: import {name} from {origin}"
                    for name, origin in origins.items()
                    if origin not in (node.module, f"{node.module}.{name}")
                ]
        if PACKAGE in file.parents:
            assert not any(isinstance(node, ast.Name) and node.id == "__all__" for node in ast.walk(tree)), f"{file}: __all__"
    assert wrong == []


@pytest.mark.process
def test_the_command_line_never_imports_qt_and_its_words_nothing_heavy() -> None:
    heavy = ("PySide6", "sqlalchemy", "alembic", "httpx", "keyring")
    words = f"import sys, t3tray.cli.parser; t3tray.cli.parser.build_parser(); print([m for m in {heavy!r} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    faces = "t3tray.cli.run, t3tray.system.display, t3tray.headless, t3tray.demo.backend"
    commands = f"import sys, {faces}; print([m for m in ('PySide6', 'alembic') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", commands], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.process
def test_nothing_that_takes_time_is_imported_before_the_icon_or_in_the_gui_thread(tmp_path: Path) -> None:
    """And `import` stays Python's own: PySide6's reads the source of every module that comes after it."""
    late = ("asyncio", "hashlib", "json", "msgspec", "platformdirs", "psutil", "t3tray.domain")
    heavy = ("PySide6.QtNetwork", "alembic", "html.entities", "httpx", "keyring", "sqlalchemy")
    script = (
        "import builtins, sys; own = builtins.__import__; import t3tray.app\n"
        "from pathlib import Path; from t3tray.ui.instance import Instance; assert Instance(Path(sys.argv[1])).take()\n"
        f"print([m for m in {late + heavy!r} if m in sys.modules], builtins.__import__ is own)\n"
        "import t3tray.ui.bridge, t3tray.ui.tray.menu_drawing, t3tray.ui.report\n"
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert told.stdout.split("\n")[:2] == ["[] True", "[]"]
