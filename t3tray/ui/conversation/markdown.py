"""Splits Markdown into blocks: prose that is laid out together, and code. Pure; no PySide6 here.

Text that grows changes only its last blocks, so a streamed reply is parsed only at its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# In characters: a block of prose ends at the next paragraph after SOFT, and at the next line or word after HARD.
SOFT, HARD = 1_200, 3_000
_FENCE = re.compile(r"^([ \t]*)(`{3,}|~{3,})[ \t]*([^`\s]*)[^`\n]*$", re.MULTILINE)
# Lines that continue the previous block: a list's next item, and whatever is indented or quoted.
_CONTINUES = re.compile(r"[ \t>]|[-*+][ \t]|\d+[.)][ \t]")


@dataclass(frozen=True)
class Block:
    """A part of the text. `continues`: it was cut from the previous block within a paragraph."""

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
        """Return all blocks of this text; if it only grew since the last call, the earlier blocks are the same objects."""
        if text != self._text:
            if not (self._text and text.startswith(self._text)):
                self._found = []
            # More text may still change the boundary between the last two blocks.
            stable = self._found[:-2]
            begin = self._found[len(stable)][0] if self._found else 0
            continues = bool(self._found) and self._found[len(stable)][1].continues
            self._found = [*stable, *_blocks(text, begin, continues)]
            self._text = text
        return tuple(block for _, block in self._found)


def split(text: str) -> tuple[Block, ...]:
    return Blocks().of(text)


def _blocks(text: str, begin: int, continues: bool) -> Iterator[tuple[int, Block]]:
    """Yield the blocks from `begin` on, each with its offset in the text."""
    while fence := _FENCE.search(text, begin):
        yield from _cut(text, begin, fence.start(), continues)
        block, after = _code(text, fence)
        yield fence.start(), block
        begin, continues = after, False
    yield from _cut(text, begin, len(text), continues)


def _cut(text: str, begin: int, stop: int, continues: bool) -> Iterator[tuple[int, Block]]:
    """Yield prose in blocks that are quick to lay out: cut before a paragraph, else before a line, else before a word."""
    at, after_blank = begin, False
    while stop - begin > SOFT and at < stop:
        end = min(_end_of_line(text, at), stop)
        starts_paragraph = after_blank and not _CONTINUES.match(text, at, end)
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
    prose = text[begin:end].strip("\n")
    if prose.strip():
        yield begin, Block(prose, continues=continues)


def _code(text: str, fence: re.Match[str]) -> tuple[Block, int]:
    """Return the code after an opening fence, and the offset after it; without a closing fence it extends to the end."""
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
