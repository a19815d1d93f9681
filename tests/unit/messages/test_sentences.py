"""Sentences are made in `messages`: the domain returns what is so, and has no text of its own but the few named here."""

from __future__ import annotations

import re

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
    "verdict": "the clauses of a verdict's detail, which is stored with its receipt",
}


def test_the_domain_has_no_sentences() -> None:
    with_text = {
        file.stem: text
        for file in (ROOT / "t3tray" / "domain").glob("*.py")
        for _, text in sentences_of(file)
        if SEVERAL_WORDS.search(text)
    }
    assert {name: text for name, text in with_text.items() if name not in TEXT_IN_DOMAIN} == {}
    assert set(TEXT_IN_DOMAIN) <= set(with_text), "an exception that is needed no more"
