"""How often a test that gains from repetition repeats: a few times in `make test`, many in `make soak`."""

from __future__ import annotations

import os


def rounds(usual: int) -> int:
    """`usual`, or what T3TRAY_ROUNDS asks for where that is more."""
    return max(usual, int(os.environ.get("T3TRAY_ROUNDS", "0")))
