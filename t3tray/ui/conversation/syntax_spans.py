"""Syntax highlighting as spans in each line, computed by Pygments. Pure; no PySide6 here.

Pygments is imported with the first text whose language is known. A language takes up to 0.1 s to load the first time, so this
runs off the GUI thread.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pygments.lexer import Lexer

# In characters: text with a longer line is not highlighted, because some lexers need quadratic time for a line.
LONGEST = 1_000
# In s of CPU time: the limit after which the rest of a text stays plain, and how long it is lexed without a pause.
_PATIENCE, _SLICE = 0.5, 0.001
# In s: the interpreter's switch interval while a language is loaded. The default of 5 ms is a third of a frame.
_TURN = 0.0005
_LANGUAGE = re.compile(r"[{.]*([\w+#./-]+)")
_log = logging.getLogger(__name__)


class SpanKind(StrEnum):
    """The kind of a span."""

    KEYWORD = "keyword"
    DEFINITION = "definition"
    BUILTIN = "builtin"
    STRING = "string"
    NUMBER = "number"
    COMMENT = "comment"
    ADDED = "added"
    REMOVED = "removed"


class SyntaxSpan(NamedTuple):
    """A span in UTF-16 units, as Qt counts. One of kind ADDED or REMOVED covers only the line's sign and stands for the whole
    line."""

    begin: int
    length: int
    kind: SpanKind


Line = tuple[SyntaxSpan, ...]

# By the name of a Pygments token type, or of one of its parents.
_KINDS = {
    "Keyword": SpanKind.KEYWORD,
    "Keyword.Constant": SpanKind.NUMBER,
    "Keyword.Type": SpanKind.BUILTIN,
    "Operator.Word": SpanKind.KEYWORD,
    "Name.Attribute": SpanKind.BUILTIN,
    "Name.Builtin": SpanKind.BUILTIN,
    "Name.Class": SpanKind.DEFINITION,
    "Name.Constant": SpanKind.NUMBER,
    "Name.Decorator": SpanKind.DEFINITION,
    "Name.Entity": SpanKind.NUMBER,
    "Name.Exception": SpanKind.BUILTIN,
    "Name.Function": SpanKind.DEFINITION,
    "Name.Tag": SpanKind.DEFINITION,
    "Name.Variable": SpanKind.BUILTIN,
    "Literal.Number": SpanKind.NUMBER,
    "Literal.String": SpanKind.STRING,
    "Literal.String.Doc": SpanKind.COMMENT,
    "Literal.String.Escape": SpanKind.NUMBER,
    "Literal.String.Interpol": SpanKind.NUMBER,
    "Comment": SpanKind.COMMENT,
    "Comment.Preproc": SpanKind.KEYWORD,
    "Comment.PreprocFile": SpanKind.STRING,
    "Generic.Deleted": SpanKind.REMOVED,
    "Generic.Heading": SpanKind.DEFINITION,
    "Generic.Inserted": SpanKind.ADDED,
    "Generic.Output": SpanKind.COMMENT,
    "Generic.Prompt": SpanKind.COMMENT,
    "Generic.Subheading": SpanKind.COMMENT,
}


def spans(text: str, language: str, rest: Callable[[], bool] = lambda: False) -> tuple[Line, ...]:
    """Return the spans of each line; an empty tuple if the language is unknown or a line is too long.

    `language` is the info string of a code fence, or a file's name. `rest` is called regularly and returns whether to stop.
    """
    lines = text.split("\n")
    if max(map(len, lines)) > LONGEST:
        return ()
    found: list[list[SyntaxSpan]] = [[] for _ in lines]
    starts = [*accumulate((len(line) + 1 for line in lines), initial=0)]
    try:
        lexer = _lexer(language)
        for begin, end, kind in _tokens(lexer, f"{text}\n", rest) if lexer else ():
            for number in range(bisect_right(starts, begin) - 1, len(lines)):
                if starts[number] >= end:
                    break
                span = _span(lines[number], begin - starts[number], end - starts[number], kind)
                if span.length:
                    found[number].append(span)
    except Exception:
        # A bug in a lexer of Pygments: keep the spans found so far; the rest stays plain.
        _log.exception("Text in the language %s could not be highlighted to its end.", language)
    return tuple(tuple(each) for each in found)


def _tokens(lexer: Lexer, text: str, rest: Callable[[], bool]) -> Iterator[tuple[int, int, SpanKind]]:
    """Yield begin, end and kind of each coloured token, as offsets in the text."""
    began = rested = time.thread_time()
    for begin, token, piece in lexer.get_tokens_unprocessed(text):
        kind = _kind_of(str(token))
        if kind and piece and not piece.isspace():
            yield begin, begin + len(piece), kind
        now = time.thread_time()
        if now - rested > _SLICE:
            if now - began > _PATIENCE or rest():
                return
            rested = now


def _span(line: str, begin: int, end: int, kind: SpanKind) -> SyntaxSpan:
    begin, end = max(begin, 0), min(end, len(line))
    if kind in (SpanKind.ADDED, SpanKind.REMOVED):
        end = min(begin + 1, end)
    if line.isascii():
        return SyntaxSpan(begin, end - begin, kind)
    return SyntaxSpan(_units(line[:begin]), _units(line[begin:end]), kind)


def _units(text: str) -> int:
    return len(text) + sum(letter > "\uffff" for letter in text)


@lru_cache(maxsize=1024)
def _kind_of(token: str) -> SpanKind | None:
    name = token.removeprefix("Token.")
    while name and name not in _KINDS:
        name = name.rpartition(".")[0]
    return _KINDS.get(name)


def _lexer(language: str) -> Lexer | None:
    found = _LANGUAGE.match(language)
    return _named(found[1].casefold()) if found else None


@lru_cache(maxsize=128)
def _named(name: str) -> Lexer | None:
    """Return the lexer for a language's name or alias, a file's name, or a file's suffix."""
    with _in_short_turns():
        from pygments.lexers import find_lexer_class_by_name, find_lexer_class_for_filename
        from pygments.util import ClassNotFound

        kind: type[Lexer] | None
        try:
            kind = find_lexer_class_by_name(name)
        except ClassNotFound:
            kind = find_lexer_class_for_filename(name.rpartition("/")[2]) or find_lexer_class_for_filename(f".{name}")
        # PHP snippets lack the opening tag that a file begins with.
        return kind(startinline=True) if kind else None


@contextmanager
def _in_short_turns() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)
