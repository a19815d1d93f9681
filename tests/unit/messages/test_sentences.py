"""Sentences are made in `messages`: domain and remedies return what is so, and have no text but the few named here."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator

import pytest

from t3tray import errors
from tests.unit.messages.test_phrases import ROOT, sentences_of

# Two words in one constant: names of fields, events and values are one word.
SEVERAL_WORDS = re.compile(r"\w[,;:.]? \w")
# Why the text of these modules of the domain is not in `messages`.
TEXT_IN_DOMAIN = {
    "guard": "the guard's actions are stored by these words",
    "guard_rules": "what T3 Code's own titles begin with",
    "handoff": "the frame of a hand-over, by which it is recognised again in a session",
    "handoff_prompt": "the hand-over itself, which the model reads",
    "journal": "stored as the reason of an entry, and recognised by it",
    "reaper": "why the server was not stopped is stored by these words",
    "redaction": "patterns of secrets",
    "transcript": "names of the sources, as a hand-over gives them to the model",
    "verdict": "the clauses of a verdict's detail: receipts store it as text, joined with texts that cursors store",
}


# Its refusals are in `messages.remedy_refusals`, all of them.
TEXT_IN_REMEDIES = {"recovery": "the log", "restoring": "the log"}


@pytest.mark.parametrize(("package", "exceptions"), [("domain", TEXT_IN_DOMAIN), ("remedies", TEXT_IN_REMEDIES)])
def test_a_package_has_no_text(package: str, exceptions: dict[str, str]) -> None:
    with_text = {
        file.stem: text
        for file in (ROOT / "t3tray" / package).glob("*.py")
        for _, text in sentences_of(file)
        if SEVERAL_WORDS.search(text)
    }
    assert {name: text for name, text in with_text.items() if name not in exceptions} == {}
    assert set(exceptions) <= set(with_text), "an exception that is needed no more"


# Words in a row: fewer are a label, or a name in a log.
SENTENCE = 4
SQL = re.compile(r"\b(SELECT|FROM|WHERE|PRAGMA|COLLATE|INSERT|UPDATE|DELETE|ORDER BY|IS NULL|IS NOT NULL|CASE)\b")
LOG_CALLS = {"debug", "info", "warning", "error", "exception"}
# Packages without a sentence but those of the log, and of their errors, which stand where they are raised;
# and why the text of a module is not in `messages`.
TEXT_IN_PACKAGES: dict[str, dict[str, str]] = {
    "remedies": {},
    "threads": {"candidates": "the names of the places where a session was found, which scripts read"},
    "alerts": {},
    "conversation": {},
    "backend": {},
    "guard": {"proof": "what a guard signs to prove itself"},
    "store": {"errors": "by what Python's own error on a damaged text is recognised"},
    "server": {},
    "settings": {
        "definitions": "the one table of the settings, in which each has its label and its help",
        "kinds": "a kind's rule, and the same rule in words, are one value of that table",
    },
    "t3code": {},
    "opencode": {
        "failures": "OpenCode's texts, by which an error is recognised",
    },
    "system": {
        "git": "git's texts, by which an error is recognised",
        "installation": "the names of what the diagnostics count",
        "read_only_sqlite": "by what Python's own error on a damaged text is recognised",
    },
}
ERRORS = {name for name, value in vars(errors).items() if inspect.isclass(value)}


def _text(node: ast.expr) -> str:
    """Return a constant's text, or that of an f-string with one word for each value."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "X" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _is_of_an_error_or_log(node: ast.AST) -> bool:
    match node:
        case ast.Raise():
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in ERRORS
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in LOG_CALLS
        case ast.ClassDef(bases=bases):
            return any(isinstance(base, ast.Name) and base.id in ERRORS for base in bases)
    return False


def sentences(tree: ast.AST) -> Iterator[str]:
    """Yield the sentences of a module, without those of docstrings, errors and the log."""
    if _is_of_an_error_or_log(tree):
        return
    if isinstance(tree, ast.JoinedStr | ast.Constant):
        text = _text(tree)
        if len(re.findall(r"[\w']+", text)) >= SENTENCE and re.search(r"[a-z] [a-z]", text) and not SQL.search(text):
            yield text
        return
    body = getattr(tree, "body", None)
    documents = {id(body[0].value)} if isinstance(body, list) and body and isinstance(body[0], ast.Expr) else set()
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.Expr) and id(child.value) in documents:
            continue
        yield from sentences(child)


@pytest.mark.parametrize("package", TEXT_IN_PACKAGES)
def test_a_package_makes_its_sentences_in_messages(package: str) -> None:
    exceptions = TEXT_IN_PACKAGES[package]
    with_text = {
        file.stem: found
        for file in (ROOT / "t3tray" / package).glob("*.py")
        if (found := list(sentences(ast.parse(file.read_text(encoding="utf-8")))))
    }
    assert {name: found for name, found in with_text.items() if name not in exceptions} == {}
    assert set(exceptions) <= set(with_text), "an exception that is needed no more"
