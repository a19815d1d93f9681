"""Draws the program's icon as an .icns, for t3tray.app: `python -m t3tray.ui.app_icon TARGET`. Needs no display."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from t3tray.resources import resource

# Types of pictures in an .icns with their sizes in pixels, as Apple's iconutil writes them; where one size has two types, one is
# for a sharp screen.
_ICNS = {
    "ic04": 16,
    "ic11": 32,
    "ic05": 32,
    "ic12": 64,
    "ic07": 128,
    "ic13": 256,
    "ic08": 256,
    "ic14": 512,
    "ic09": 512,
    "ic10": 1024,
}


# The Finder shows an app's PNGs of these sizes as noise; "ARGB" is read by macOS 11 and later.
_UNCOMPRESSED = ("ic04", "ic05")


def icns(pictures: Mapping[int, bytes]) -> bytes:
    """Return an .icns of these PNGs, by their size in pixels."""
    parts = b""
    for kind, size in _ICNS.items():
        part = _argb(pictures[size]) if kind in _UNCOMPRESSED else pictures[size]
        parts += kind.encode() + struct.pack(">I", len(part) + 8) + part
    return b"icns" + struct.pack(">I", len(parts) + 8) + parts


def _argb(picture: bytes) -> bytes:
    """Return a PNG as one run after another of alpha, red, green and blue: each a count less one (0 to 127), then the bytes."""
    image = QImage.fromData(picture).convertToFormat(QImage.Format.Format_RGBA8888)
    pixels = bytes(image.constBits())
    runs = b"ARGB"
    for channel in (pixels[3::4], pixels[0::4], pixels[1::4], pixels[2::4]):
        for at in range(0, len(channel), 128):
            run = channel[at : at + 128]
            runs += bytes([len(run) - 1]) + run
    return runs


def draw(svg: Path, sizes: Iterable[int] = frozenset(_ICNS.values())) -> dict[int, bytes]:
    """Return the picture as a PNG in each size."""
    renderer, pictures = QSvgRenderer(str(svg)), {}
    if not renderer.isValid():
        raise SystemExit(f"{svg} is no picture that Qt can draw.")
    for size in sizes:
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
    Path(sys.argv[1]).write_bytes(icns(draw(resource("icons/t3tray.svg"))))
