"""The number of repetitions of a randomised test: a few in `make test`, many in `make soak`."""

from __future__ import annotations

import os


def rounds(usual: int) -> int:
    """Return `usual`, or T3TRAY_ROUNDS if that is more."""
    return max(usual, int(os.environ.get("T3TRAY_ROUNDS", "0")))
