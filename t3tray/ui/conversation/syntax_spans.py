"""Which letters of a code stand for what: spans in a line, found by Pygments. Pure; no PySide6 here.

Pygments is imported with the first code whose language is told. A language needs up to a tenth of a second the first time, so
this is asked off the GUI thread.
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

# In characters: a code with a longer line stays plain, as some languages read one in the square of its time.
LONGEST = 1_000
# In s of the processor's time: what is not read by then stays plain too, and how long it is read without a rest.
_PATIENCE, _SLICE = 0.5, 0.001
# In s: how long another thread waits at most for its turn while a language is loaded. Usually that is 5 ms, a third of a picture.
_TURN = 0.0005
_LANGUAGE = re.compile(r"[{.]*([\w+#./-]+)")
_log = logging.getLogger(__name__)


class Ink(StrEnum):
    """What a span is."""

    KEYWORD = "keyword"
    DEFINITION = "definition"
    BUILTIN = "builtin"
    STRING = "string"
    NUMBER = "number"
    COMMENT = "comment"
    ADDED = "added"
    REMOVED = "removed"


class SyntaxSpan(NamedTuple):
    """Counted as Qt does, in UTF-16. One that is ADDED or REMOVED is the sign of its line, and the whole line is meant."""

    begin: int
    length: int
    ink: Ink


Line = tuple[SyntaxSpan, ...]

# By the name of Pygments's token, or of one above it.
_INKS = {
    "Keyword": Ink.KEYWORD,
    "Keyword.Constant": Ink.NUMBER,
    "Keyword.Type": Ink.BUILTIN,
    "Operator.Word": Ink.KEYWORD,
    "Name.Attribute": Ink.BUILTIN,
    "Name.Builtin": Ink.BUILTIN,
    "Name.Class": Ink.DEFINITION,
    "Name.Constant": Ink.NUMBER,
    "Name.Decorator": Ink.DEFINITION,
    "Name.Entity": Ink.NUMBER,
    "Name.Exception": Ink.BUILTIN,
    "Name.Function": Ink.DEFINITION,
    "Name.Tag": Ink.DEFINITION,
    "Name.Variable": Ink.BUILTIN,
    "Literal.Number": Ink.NUMBER,
    "Literal.String": Ink.STRING,
    "Literal.String.Doc": Ink.COMMENT,
    "Literal.String.Escape": Ink.NUMBER,
    "Literal.String.Interpol": Ink.NUMBER,
    "Comment": Ink.COMMENT,
    "Comment.Preproc": Ink.KEYWORD,
    "Comment.PreprocFile": Ink.STRING,
    "Generic.Deleted": Ink.REMOVED,
    "Generic.Heading": Ink.DEFINITION,
    "Generic.Inserted": Ink.ADDED,
    "Generic.Output": Ink.COMMENT,
    "Generic.Prompt": Ink.COMMENT,
    "Generic.Subheading": Ink.COMMENT,
}


def spans(text: str, language: str, rest: Callable[[], bool] = lambda: False) -> tuple[Line, ...]:
    """The spans of each line; none at all where the language is not known, or a line is too long.

    `language` is the word behind a fence, or a file's name. `rest` is called now and then, and tells whether to stop.
    """
    lines = text.split("\n")
    if max(map(len, lines)) > LONGEST:
        return ()
    found: list[list[SyntaxSpan]] = [[] for _ in lines]
    starts = [*accumulate((len(line) + 1 for line in lines), initial=0)]
    try:
        lexer = _lexer(language)
        for begin, end, ink in _tokens(lexer, f"{text}\n", rest) if lexer else ():
            for number in range(bisect_right(starts, begin) - 1, len(lines)):
                if starts[number] >= end:
                    break
                span = _span(lines[number], begin - starts[number], end - starts[number], ink)
                if span.length:
                    found[number].append(span)
    except Exception:
        # Somebody else's rules met a text that nobody foresaw: what was found by then is shown, the rest is plain.
        _log.exception("A code in %s could not be read to its end.", language)
    return tuple(tuple(each) for each in found)


def _tokens(lexer: Lexer, text: str, rest: Callable[[], bool]) -> Iterator[tuple[int, int, Ink]]:
    """What has a colour of its own, as places in the text."""
    began = rested = time.thread_time()
    for begin, token, piece in lexer.get_tokens_unprocessed(text):
        ink = _ink(str(token))
        if ink and piece and not piece.isspace():
            yield begin, begin + len(piece), ink
        now = time.thread_time()
        if now - rested > _SLICE:
            if now - began > _PATIENCE or rest():
                return
            rested = now


def _span(line: str, begin: int, end: int, ink: Ink) -> SyntaxSpan:
    begin, end = max(begin, 0), min(end, len(line))
    if ink in (Ink.ADDED, Ink.REMOVED):
        end = min(begin + 1, end)
    if line.isascii():
        return SyntaxSpan(begin, end - begin, ink)
    return SyntaxSpan(_units(line[:begin]), _units(line[begin:end]), ink)


def _units(text: str) -> int:
    return len(text) + sum(letter > "\uffff" for letter in text)


@lru_cache(maxsize=1024)
def _ink(token: str) -> Ink | None:
    name = token.removeprefix("Token.")
    while name and name not in _INKS:
        name = name.rpartition(".")[0]
    return _INKS.get(name)


def _lexer(language: str) -> Lexer | None:
    found = _LANGUAGE.match(language)
    return _named(found[1].casefold()) if found else None


@lru_cache(maxsize=128)
def _named(name: str) -> Lexer | None:
    """By one of its names, the name of a file, or the end of such a name."""
    with _in_short_turns():
        from pygments.lexers import find_lexer_class_by_name, find_lexer_class_for_filename
        from pygments.util import ClassNotFound

        kind: type[Lexer] | None
        try:
            kind = find_lexer_class_by_name(name)
        except ClassNotFound:
            kind = find_lexer_class_for_filename(name.rpartition("/")[2]) or find_lexer_class_for_filename(f".{name}")
        # A piece of PHP is shown without the sign that it begins with in a file.
        return kind(startinline=True) if kind else None


@contextmanager
def _in_short_turns() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)
