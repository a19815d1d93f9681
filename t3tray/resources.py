"""Paths of the program's data files, mainly icons: beside the package in a checkout, otherwise inside it."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def resource(name: str) -> Path:
    """Return the path of a data file; `name` is relative to the resources folder, for example `icons/…`."""
    inside = _PACKAGE / "resources" / name
    return inside if inside.exists() else _PACKAGE.parent / "resources" / name
