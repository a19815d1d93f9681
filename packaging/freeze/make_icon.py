"""Draws the program's icon for macOS (.icns) or Windows (.ico): `make_icon.py SVG TARGET`. Needs PySide6, and no display."""

from __future__ import annotations

import struct
import sys
from collections.abc import Mapping
from pathlib import Path

# Types of pictures in an .icns with their sizes in pixels; where one size has two types, the second is for a sharp screen.
_ICNS = {
    "icp4": 16,
    "ic11": 32,
    "icp5": 32,
    "ic12": 64,
    "ic07": 128,
    "ic13": 256,
    "ic08": 256,
    "ic14": 512,
    "ic09": 512,
    "ic10": 1024,
}
_ICO = (16, 24, 32, 48, 64, 128, 256)


def icns(pictures: Mapping[int, bytes]) -> bytes:
    """Return an .icns of these PNGs, by their size in pixels."""
    parts = b"".join(kind.encode() + struct.pack(">I", len(pictures[size]) + 8) + pictures[size] for kind, size in _ICNS.items())
    return b"icns" + struct.pack(">I", len(parts) + 8) + parts


def ico(pictures: Mapping[int, bytes]) -> bytes:
    """Return an .ico of these PNGs, by their size in pixels; a size of 256 is written as 0."""
    offset = 6 + 16 * len(_ICO)
    entries, images = b"", b""
    for size in _ICO:
        picture = pictures[size]
        entries += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(picture), offset + len(images))
        images += picture
    return struct.pack("<HHH", 0, 1, len(_ICO)) + entries + images


def draw(svg: Path) -> dict[int, bytes]:
    """Return the picture as a PNG in each size."""
    from PySide6.QtCore import QBuffer, QIODevice, Qt
    from PySide6.QtGui import QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    renderer, pictures = QSvgRenderer(str(svg)), {}
    if not renderer.isValid():
        raise SystemExit(f"{svg} is no picture that Qt can draw.")
    for size in {*_ICNS.values(), *_ICO}:
        image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        renderer.render(painter)
        painter.end()
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        image.save(buffer, "PNG")  # type: ignore[call-overload]
        pictures[size] = bytes(buffer.data().data())
    return pictures


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes({".icns": icns, ".ico": ico}[target.suffix](draw(source)))
