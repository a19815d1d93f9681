"""Syntax highlighting: only by the language, in UTF-16 units, and without slowing down other threads."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t3tray.ui.conversation.syntax_spans import LONGEST, SpanKind, spans

CODE = "def place(at: int) -> str:  # where\n    return f'{at}' if at else None\n"
LANGUAGES = ("python", "tsx", "bash", "json", "yaml", "rust", "css", "sql", "diff", "html", "php", "console", "c++")


def told(text: str, language: str) -> list[tuple[str, SpanKind]]:
    """Return the highlighted words."""
    lines = [line.encode("utf-16-le") for line in text.split("\n")]
    return [
        (line[2 * span.begin : 2 * (span.begin + span.length)].decode("utf-16-le"), span.kind)
        for line, found in zip(lines, spans(text, language), strict=False)
        for span in found
    ]


def test_words_have_the_colour_of_what_they_are() -> None:
    found = dict(told(CODE, "python"))
    assert found["def"] is found["return"] is found["else"] is SpanKind.KEYWORD
    assert found["place"] is SpanKind.DEFINITION and found["int"] is SpanKind.BUILTIN and found["None"] is SpanKind.NUMBER
    assert found["# where"] is SpanKind.COMMENT and found["'"] is SpanKind.STRING
    assert "at" not in found and "=" not in found


@pytest.mark.parametrize("language", ["", "text", "mermaid-2", "…", "{", "12:40"])
def test_without_a_language_that_is_known_nothing_is_guessed(language: str) -> None:
    assert not told("#!/usr/bin/env python\nimport re\n", language)


@pytest.mark.parametrize(
    "language",
    ["python", "Python", "py", "{.python", "python{1,3}", "py,ignore", "src/shop/basket.py", "pyi", "python:basket.py"],
)
def test_what_stands_behind_a_fence_is_taken_as_people_write_it(language: str) -> None:
    assert ("def", SpanKind.KEYWORD) in told(CODE, language)


@pytest.mark.parametrize("language", ["c++", "C#", "objective-c", "mjs", "Dockerfile", "rs", "yml", "jsonc", "zsh", "shell"])
def test_names_of_languages_that_are_easily_missed(language: str) -> None:
    assert spans('FROM "x" # y\n// 1', language)


def test_a_piece_of_php_needs_no_sign_to_begin_with() -> None:
    for text in ("echo 'x';", "<?php\necho 'x';"):
        assert ("echo", SpanKind.KEYWORD) in told(text, "php")


def test_a_change_is_told_by_its_signs() -> None:
    text = "diff --git a/x b/x\n@@ -1,2 +1,2 @@\n same\n-old\n+new"
    assert told(text, "diff") == [
        ("diff --git a/x b/x", SpanKind.DEFINITION),
        ("@@ -1,2 +1,2 @@", SpanKind.COMMENT),
        ("-", SpanKind.REMOVED),
        ("+", SpanKind.ADDED),
    ]


def test_letters_are_counted_as_qt_does() -> None:
    assert told('face = "🙂"; x = 1\nשמש = "👩‍👩‍👧‍👦"', "python") == [
        ('"', SpanKind.STRING),
        ("🙂", SpanKind.STRING),
        ('"', SpanKind.STRING),
        ("1", SpanKind.NUMBER),
        ('"', SpanKind.STRING),
        ("👩‍👩‍👧‍👦", SpanKind.STRING),
        ('"', SpanKind.STRING),
    ]


def test_what_goes_over_lines_has_its_colour_in_each() -> None:
    assert told("/* one\n\n   two */ x", "c") == [("/* one", SpanKind.COMMENT), ("   two */", SpanKind.COMMENT)]


def test_a_very_long_line_leaves_the_code_plain() -> None:
    assert spans("x = 1\n" + "y" * LONGEST, "python")
    assert spans("x = 1\n" + "y" * (LONGEST + 1), "python") == ()


def test_a_reading_can_be_stopped() -> None:
    rests: list[bool] = []

    def rest() -> bool:
        rests.append(True)
        return len(rests) == 2

    found = spans(CODE * 400, "python", rest)
    assert len(rests) == 2 and found[0] and not found[-2]


def test_rules_that_fail_leave_the_rest_plain_and_are_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from pygments.lexers import PythonLexer

    usual = PythonLexer.get_tokens_unprocessed

    def breaks(self: PythonLexer, text: str) -> object:
        for number, token in enumerate(usual(self, text)):
            if number == 5:
                raise IndexError("pop from empty list")
            yield token

    monkeypatch.setattr(PythonLexer, "get_tokens_unprocessed", breaks)
    assert told(CODE, "python") == [("def", SpanKind.KEYWORD), ("place", SpanKind.DEFINITION)]
    assert "Text in the language python could not be highlighted" in caplog.text


@given(st.lists(st.sampled_from([*"({<\"'`/*#=:;$%\\ \n\t-+@x0", "🙂", "א", "/*", "f'", '"""', "<!--"]), max_size=60))
def test_no_span_leaves_its_line_or_lies_over_another(pieces: list[str]) -> None:
    text = "".join(pieces)
    for language in LANGUAGES:
        for line, found in zip(text.split("\n"), spans(text, language), strict=False):
            ends = [0]
            for span in found:
                assert span.begin >= ends[-1] and span.length > 0
                ends.append(span.begin + span.length)
            assert ends[-1] <= len(line.encode("utf-16-le")) // 2


@pytest.mark.process
def test_nothing_is_loaded_before_it_is_needed() -> None:
    """Neither by the app's start, nor by a library that it needs."""
    told = f"""
import sys
from t3tray import __main__, app
app.run = lambda *_: 0
sys.argv[1:] = []
__main__.main()
import t3tray.backend.backend, t3tray.guard.service, t3tray.ui.window, {spans.__module__}
print([name for name in sys.modules if "pygments" in name])
"""
    assert subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout == "[]\n"
