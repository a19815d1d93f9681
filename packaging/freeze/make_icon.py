"""Draws the program's icon for macOS (.icns) or Windows (.ico): `make_icon.py SVG TARGET`. Needs PySide6, and no display."""

from __future__ import annotations

import struct
import sys
from collections.abc import Mapping
from pathlib import Path

from t3tray.ui.app_icon import draw, icns

SIZES = (16, 24, 32, 48, 64, 128, 256)


def ico(pictures: Mapping[int, bytes]) -> bytes:
    """Return an .ico of these PNGs, by their size in pixels; a size of 256 is written as 0."""
    offset = 6 + 16 * len(SIZES)
    entries, images = b"", b""
    for size in SIZES:
        picture = pictures[size]
        entries += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(picture), offset + len(images))
        images += picture
    return struct.pack("<HHH", 0, 1, len(SIZES)) + entries + images


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    target.parent.mkdir(parents=True, exist_ok=True)
    icon = icns(draw(source)) if target.suffix == ".icns" else ico(draw(source, SIZES))
    target.write_bytes(icon)
