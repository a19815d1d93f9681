"""Texts are plain: replaced phrases do not come back, in the program, in its documents or in the modules' docstrings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
# Each was in the program once; the word that is used now stands beside it.
BANNED = {
    "how it is asked": "Invalid command",
    "another language": "Unsupported OpenCode server",
    "Nobody answers": "No response from …",
    "fails in words": "fails with a clear message",
    "less than nothing": "Must be 0 or more",
    "Found by itself": "Detected automatically",
    "kept yet": "The archive is empty",
    "when is not known": "date unknown",
    "Let Go of the Session": "Unbind the Session",
    "Go On in a Fork": "Continue in a Fork",
    "Find the Folder": "Choose Another Folder",
    "Join Them": "Merge",
    "Said in it": "Found in messages",
    "annot tell now": "Unknown",
    "said there why": "t3tray says why",
    "newer dialect": "newer API",
    "nobody has seen": "unseen",
    "to let go of it": "to close it",
}
PATTERN = re.compile("|".join(BANNED))
# Not in a module's docstring, where a standard word is read once; in quotes they may stand.
PRIVATE = re.compile(r"(?<![\"`])\b(told|tells|heard|hears|nobody|somebody|whoever|goes by)\b", re.IGNORECASE)
DOCSTRING = re.compile(r'"""(.*?)"""', re.DOTALL)


def sentences_of(file: Path) -> Iterator[tuple[int, str]]:
    """Yield line and text of the strings in a module that may be shown: all but docstrings."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    documents = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.lineno, node.value


def test_no_phrase_that_was_replaced_comes_back() -> None:
    code = [
        f"{file.relative_to(ROOT)}:{line}: {text}"
        for file in (ROOT / "t3tray").rglob("*.py")
        for line, text in sentences_of(file)
        if PATTERN.search(text)
    ]
    documents = [
        f"{file.relative_to(ROOT)}:{number}: {line}"
        for file in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if PATTERN.search(line)
    ]
    assert code + documents == []


def test_the_docstring_of_a_module_is_plain_english() -> None:
    found = [
        f"{file.relative_to(ROOT)}: {match[1]}"
        for folder in ("t3tray", "tests")
        for file in (ROOT / folder).rglob("*.py")
        if (docstring := DOCSTRING.match(file.read_text(encoding="utf-8"))) and (match := PRIVATE.search(docstring[1]))
    ]
    assert found == []
