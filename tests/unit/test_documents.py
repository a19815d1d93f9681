"""The documents agree with the program that they come with."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_line_of_what_never_happens_names_a_test_that_exists() -> None:
    lines = [line for line in (ROOT / "docs" / "never.md").read_text(encoding="utf-8").splitlines() if line.startswith("- ")]
    named = [re.search(r"`(tests/[\w/]+\.py)::(\w+)`$", line) for line in lines]
    assert lines and all(named)
    for match in named:
        assert match
        tree = ast.parse((ROOT / match[1]).read_text(encoding="utf-8"))
        assert match[2] in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}, match[0]


def test_every_path_in_the_documents_exists() -> None:
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    for document in documents:
        for path in re.findall(r"`((?:t3tray|tests|docs|packaging|resources)/[\w./-]+)`", document.read_text(encoding="utf-8")):
            assert (ROOT / path.removesuffix("/")).exists(), f"{document.name} names {path}"


def test_every_module_that_architecture_and_glossary_name_exists() -> None:
    for name, least in (("architecture.md", 30), ("glossary.md", 10)):
        text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        modules = re.findall(r"`((?!t3tray/|tests/|packaging/)\w+/[\w/]+\.py)`", text)
        assert len(modules) > least
        assert [module for module in modules if not (ROOT / "t3tray" / module).is_file()] == [], name
