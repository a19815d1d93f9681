"""No test uses private names: a name with one underscore is used only where it is defined."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
# What other programs keep private and the tests need all the same.
EXCEPTIONS = {
    "os._exit": "ends a process at once, and is public but by its name",
    "atexit._run_exitfuncs": "the end of a forked interpreter, which `os._exit` leaves out",
    "threading._shutdown": "the same for its threads",
    "session.config._tmp_path_factory": "pytest tells the folder of a whole run nowhere else",
    "_pytest.faulthandler.fault_handler_stderr_fd_key": "pytest's own stderr, which it captures otherwise",
    "psutil._psplatform": "psutil reads the time of the boot there, and has no clock that a test could set",
}
# An argument of theirs names an attribute, alone or at the end of a path.
_BY_NAME = frozenset({"setattr", "getattr", "delattr", "hasattr"})
_PROGRAM = re.compile(r"\bimport ")
_IN_A_PROGRAM = re.compile(r"(?<![\w.])(?!self\.|cls\.)[\w.]*[\w)\]]\._[a-zA-Z]\w*")


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def reached_in(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of each use of another's private name: an attribute, an import, a name in a string, or in a program."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=value, attr=attr) if is_private(attr) and not _is_own(value):
                yield node.lineno, ast.unparse(node)
            case ast.ImportFrom(module=module, names=names):
                imported = (f"{module}.{alias.name}" for alias in names)
                yield from ((node.lineno, name) for name in imported if any(map(is_private, name.split("."))))
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names if any(map(is_private, alias.name.split("."))))
            case ast.Call(args=[first, *others]) if _name_of(node.func) in _BY_NAME and not _is_own(first):
                named = [each.value for each in (first, *others[:1]) if isinstance(each, ast.Constant)]
                ends = [str(value).rpartition(".")[2] for value in named]
                yield from ((node.lineno, end) for end in ends if is_private(end))
            case ast.JoinedStr() | ast.Constant(value=str()) if _PROGRAM.search(text := _text_of(node)):
                yield from ((node.lineno, each) for each in _IN_A_PROGRAM.findall(text))


def _text_of(node: ast.JoinedStr | ast.Constant) -> str:
    """Return the text of a string, that of an f-string without its values."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))


def _is_own(value: ast.expr) -> bool:
    match value:
        case ast.Name(id="self" | "cls") | ast.Call(func=ast.Name(id="super")):
            return True
    return False


def _name_of(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def test_no_test_reaches_into_what_is_private() -> None:
    reached = [
        (f"{file.relative_to(TESTS.parent).as_posix()}:{line}", what)
        for file in sorted(TESTS.rglob("*.py"))
        if file != Path(__file__)
        for line, what in reached_in(file.read_text(encoding="utf-8"))
    ]
    assert [f"{place} {what}" for place, what in reached if what not in EXCEPTIONS] == []
    assert {what for _, what in reached} == set(EXCEPTIONS), "an exception that nothing needs"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("runner._host.store", ["runner._host"]),
        ("made()._bus", ["made()._bus"]),
        ("self._own; cls._own; super()._own; self.__dict__; _own", []),
        ("self.app._window", ["self.app._window"]),
        ("from t3tray.guard.service import _unfit", ["t3tray.guard.service._unfit"]),
        ("import anyio._core", ["anyio._core"]),
        ("from t3tray.guard import service", []),
        ("monkeypatch.setattr(screen, '_limit', 0.2)", ["_limit"]),
        ("monkeypatch.setattr('t3tray.guard.upstream._LIMIT', 0.2)", ["_LIMIT"]),
        ("monkeypatch.setattr('t3tray.guard.service.TRAY_LIMIT', 0.2); setattr(self, '_own', 1)", []),
        ("getattr(bridge, '_thread')", ["_thread"]),
        ("run('import t3tray; app._bridge.close()')", ["app._bridge"]),
        ("run(f'import {name}; made()._bridge.close()')", [")._bridge"]),
        ("run('import os; self._own = os.fork()')", []),
        ('"""Why app._bridge is not used."""', []),
    ],
)
def test_every_way_to_reach_in_is_seen(source: str, found: list[str]) -> None:
    assert [what for _, what in reached_in(source)] == found
