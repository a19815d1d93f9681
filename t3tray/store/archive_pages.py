"""Reads messages directly from the leaf pages of an archive's file, for a file whose B-trees are damaged above the leaves.

SQLite's format is fixed and documented (https://www.sqlite.org/fileformat2.html): leaf pages of tables, their cells and overflow
pages. A free page may contain rows that were replaced later: callers must use only messages that they find nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

PAGE = 4096
_LEAF = 0x0D
_MOST_LOCAL = PAGE - 35
_LEAST_LOCAL = (PAGE - 12) * 32 // 255 - 23
_ON_OVERFLOW = PAGE - 4
# Sizes of an integer column in bytes, by serial type.
_SIZES = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 7: 8, 8: 0, 9: 0}
_COLUMNS = 6


def rows_on_pages(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield hash and body of each row that has the columns of a message. Raises OSError."""
    with path.open("rb") as file:
        pages = path.stat().st_size // PAGE
        for number in range(1, pages):
            page = _page(file, number)
            if page[:1] != bytes([_LEAF]):
                continue
            for cell in range(int.from_bytes(page[3:5])):
                with suppress(IndexError, ValueError):
                    at = int.from_bytes(page[8 + 2 * cell : 10 + 2 * cell])
                    yield _row(_payload(file, page, at, pages))


def _page(file: BinaryIO, number: int) -> bytes:
    file.seek(number * PAGE)
    return file.read(PAGE)


def _payload(file: BinaryIO, page: bytes, at: int, pages: int) -> bytes:
    size, at = _number(page, at)
    _, at = _number(page, at)
    if size <= _MOST_LOCAL:
        return page[at : at + size]
    local = _LEAST_LOCAL + (size - _LEAST_LOCAL) % _ON_OVERFLOW
    local = local if local <= _MOST_LOCAL else _LEAST_LOCAL
    found, next_page = [page[at : at + local]], int.from_bytes(page[at + local : at + local + 4])
    for _ in range(pages):
        size -= len(found[-1])
        if size <= 0 or not 0 < next_page <= pages:
            break
        overflow = _page(file, next_page - 1)
        found.append(overflow[4 : 4 + min(size, _ON_OVERFLOW)])
        next_page = int.from_bytes(overflow[:4])
    return b"".join(found)


def _row(payload: bytes) -> tuple[bytes, bytes]:
    """Return the last two columns, hash and body. Raises ValueError or IndexError for another table's row."""
    head, at = _number(payload, 0)
    sizes = []
    while at < head:
        kind, at = _number(payload, at)
        sizes.append(_SIZES[kind] if kind in _SIZES else (kind - 12) // 2)
    if len(sizes) != _COLUMNS:
        raise ValueError
    end = head + sum(sizes)
    return payload[end - sizes[5] - sizes[4] : end - sizes[5]], payload[end - sizes[5] : end]


def _number(content: bytes, at: int) -> tuple[int, int]:
    """Decode a SQLite varint of one to nine bytes. Return it and the offset after it."""
    value = 0
    for length in range(8):
        byte = content[at + length]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + length + 1
    return value << 8 | content[at + 8], at + 9
