"""Markdown in blocks: prose that is laid out together, and code. Pure; no PySide6 here.

A text that grows changes its last blocks only, so that a reply which streams in is parsed at its end and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# In characters: a block of prose ends at the next paragraph after the first, and at the next line or word after the second.
SOFT, HARD = 1_200, 3_000
_FENCE = re.compile(r"^([ \t]*)(`{3,}|~{3,})[ \t]*([^`\s]*)[^`\n]*$", re.MULTILINE)
# What belongs to the block before it: a list's next item, and whatever is indented or quoted.
_GOES_ON = re.compile(r"[ \t>]|[-*+][ \t]|\d+[.)][ \t]")


@dataclass(frozen=True)
class Block:
    """A piece of the text. `continues`: it is cut from the one before in the middle of a paragraph."""

    text: str
    is_code: bool = False
    language: str = ""
    continues: bool = False


class Blocks:
    """The blocks of a text that may grow."""

    def __init__(self) -> None:
        self._text = ""
        self._found: list[tuple[int, Block]] = []

    def of(self, text: str) -> tuple[Block, ...]:
        """All blocks of this text; where it only grew since the last call, the earlier ones are the same objects."""
        if text != self._text:
            if not (self._text and text.startswith(self._text)):
                self._found = []
            # What comes after may still change how the last two are told apart.
            kept = self._found[:-2]
            begin = self._found[len(kept)][0] if self._found else 0
            continues = bool(self._found) and self._found[len(kept)][1].continues
            self._found = [*kept, *_blocks(text, begin, continues)]
            self._text = text
        return tuple(block for _, block in self._found)


def split(text: str) -> tuple[Block, ...]:
    return Blocks().of(text)


def _blocks(text: str, begin: int, continues: bool) -> Iterator[tuple[int, Block]]:
    """The blocks from `begin` on, each with the place where it begins."""
    while fence := _FENCE.search(text, begin):
        yield from _cut(text, begin, fence.start(), continues)
        block, after = _code(text, fence)
        yield fence.start(), block
        begin, continues = after, False
    yield from _cut(text, begin, len(text), continues)


def _cut(text: str, begin: int, stop: int, continues: bool) -> Iterator[tuple[int, Block]]:
    """Prose in pieces that are laid out in a moment: cut before a paragraph, else before a line, else before a word."""
    at, after_blank = begin, False
    while stop - begin > SOFT and at < stop:
        end = min(_end_of_line(text, at), stop)
        starts_paragraph = after_blank and not _GOES_ON.match(text, at, end)
        if at > begin and (at - begin > HARD or (at - begin > SOFT and starts_paragraph)):
            yield from _prose(text, begin, at, continues)
            begin, continues = at, not after_blank
        while end - max(begin, at) > HARD:
            cut = text.rfind(" ", max(begin, at) + SOFT, begin + HARD) + 1 or max(begin, at) + HARD
            yield from _prose(text, begin, cut, continues)
            begin = at = cut
            continues = True
        after_blank = not text[at:end].strip()
        at = end + 1
    yield from _prose(text, begin, stop, continues)


def _prose(text: str, begin: int, end: int, continues: bool) -> Iterator[tuple[int, Block]]:
    words = text[begin:end].strip("\n")
    if words.strip():
        yield begin, Block(words, continues=continues)


def _code(text: str, fence: re.Match[str]) -> tuple[Block, int]:
    """The code after the line of its fence, and where the text goes on; without a closing fence it goes to the end."""
    indent, sign, language = fence.groups()
    lines = []
    at = fence.end() + 1
    while at < len(text):
        end = _end_of_line(text, at)
        line = text[at:end]
        at = end + 1
        closing = line.strip()
        if closing.startswith(sign) and not closing.strip(sign[0]):
            break
        lines.append(line.removeprefix(indent))
    return Block("\n".join(lines), True, language), min(at, len(text))


def _end_of_line(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found
