"""The documents agree with the program that they come with: files, modules, links, commands, options and targets exist."""

from __future__ import annotations

import ast
import io
import re
import shlex
import tomllib
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from functools import cache
from pathlib import Path

import pytest

from t3tray.cli.parser import parse as parse_command
from t3tray.domain.versions import minimum
from t3tray.messages.inventory import INSTALL_WITH_NPM
from tests.versions.__main__ import VERSIONS

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_each_line_of_what_never_happens_names_a_test_that_exists() -> None:
    lines = [line for line in (ROOT / "docs" / "never.md").read_text(encoding="utf-8").splitlines() if line.startswith("- ")]
    named = [re.search(r"`(tests/[\w/]+\.py)::(\w+)`$", line) for line in lines]
    assert lines and all(named)
    for match in named:
        assert match
        tree = ast.parse((ROOT / match[1]).read_text(encoding="utf-8"))
        assert match[2] in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}, match[0]


def test_every_path_in_the_documents_exists() -> None:
    for document in DOCUMENTS:
        for path in re.findall(r"`((?:t3tray|tests|docs|packaging|resources)/[\w./-]+)`", document.read_text(encoding="utf-8")):
            assert (ROOT / path.removesuffix("/")).exists(), f"{document.name} names {path}"


def test_every_module_that_architecture_and_glossary_name_exists() -> None:
    for name, least in (("architecture.md", 30), ("glossary.md", 10)):
        text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        modules = re.findall(r"`((?!t3tray/|tests/|packaging/)\w+/[\w/]+\.py)`", text)
        assert len(modules) > least
        assert [module for module in modules if not (ROOT / "t3tray" / module).is_file()] == [], name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_link_leads_to_a_file_and_to_a_heading_of_it(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    links += [part.split()[0] for found in re.findall(r'srcset="([^"]+)"', text) for part in found.split(",")]
    for link in links:
        if "://" in link:
            continue
        file, _, heading = link.partition("#")
        target = document.parent / file if file else document
        assert target.exists(), f"{document.name} links to {link}"
        if heading:
            assert heading in _headings(target), f"{document.name} links to {link}"


def _headings(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as the sites make them that show it."""
    plain = _FENCE.sub("", document.read_text(encoding="utf-8"))
    names = re.findall(r"^#+ (.+)$", plain, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", name.lower()).strip().replace(" ", "-") for name in names}


def _typed(document: Path) -> Iterator[str]:
    """Yield the lines to type in a document's blocks, without comments."""
    for language, block in _FENCE.findall(document.read_text(encoding="utf-8")):
        if not language:
            yield from filter(None, (line.partition("  #")[0].strip() for line in block.splitlines()))


def _inline(document: Path) -> list[str]:
    return re.findall(r"`([^`\n]+)`", _FENCE.sub("", document.read_text(encoding="utf-8")))


COMMANDS = [
    (document.name, line) for document in DOCUMENTS for line in _typed(document) if line.startswith(("t3tray", "t3trayc"))
]


@pytest.mark.parametrize(("document", "line"), COMMANDS)
def test_a_command_to_type_is_a_valid_one(document: str, line: str) -> None:
    words = shlex.split(line.split(" > ")[0])[1:]
    errors = io.StringIO()
    try:
        parse_command(words, errors, errors)
    except SystemExit:
        pytest.fail(f"{document}: {line}\n{errors.getvalue()}")


def test_commands_to_type_are_found() -> None:
    assert {"README.md"} <= {document for document, _ in COMMANDS} and len(COMMANDS) > 10


@cache
def _help(*command: str) -> str:
    """Return the help of t3tray, or of one of its commands; empty if there is no such command."""
    out = io.StringIO()
    with redirect_stdout(out), suppress(SystemExit):
        parse_command((*command, "--help"), out, io.StringIO())
    return out.getvalue()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_a_command_within_a_text_names_a_command_and_its_options(document: Path) -> None:
    for code in _inline(document):
        name, *words = code.split()
        if name not in ("t3tray", "t3trayc") or not words or words[0].isupper():
            continue
        explained = _help(*(word for word in words[:1] if not word.startswith("-")))
        assert explained, f"{document.name}: {code}"
        assert [option for option in re.findall(r"--[a-z-]+", code) if option not in explained] == [], f"{document.name}: {code}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_a_target_of_make_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for code in (*_typed(document), *_inline(document)):
        called = re.match(r"(?:[A-Z_0-9]+=\S+ )*make((?: [a-z-]+)+)$", code)
        if called:
            assert set(called[1].split()) <= targets, f"{document.name}: {code}"


def test_a_package_index_shows_no_picture_and_no_link_into_the_repository() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for each in project["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]:
        text = re.sub(each["pattern"], each["replacement"], text)
    assert "The user guide explains every verdict" in text
    assert re.findall(r"<img|<picture|src(?:set)?=|\]\((?!https?:)", text) == []


def test_the_version_of_opencode_and_its_installation_are_those_that_the_program_names() -> None:
    for name in ("README.md", "docs/install.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert minimum() in text and INSTALL_WITH_NPM in text, name
    table = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## Versions\n")[1].split("\n## ")[0]
    assert all(version in table for version in VERSIONS)
