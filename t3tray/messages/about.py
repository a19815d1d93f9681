"""Sentences of the About window: what t3tray is, its licence, and the licences of the libraries in it."""

from __future__ import annotations

ABOUT = "About t3tray"
SENTENCE = (
    "The companion of T3 Code and OpenCode in the menu bar: it says whether a thread's next message carries its conversation, "
    "and lets no thread switch to an empty session in silence."
)
LICENCE = "Free software under the MIT licence."
# Libraries that t3tray needs on any system, by their names in a package index, with their licences' SPDX names.
LIBRARIES = {
    "PySide6-Essentials": "LGPL-3.0",
    "SQLAlchemy": "MIT",
    "alembic": "MIT",
    "desktop-notifier": "MIT",
    "h11": "MIT",
    "httpx": "BSD-3-Clause",
    "httpx-sse": "MIT",
    "jeepney": "MIT",
    "keyring": "MIT",
    "msgspec": "BSD-3-Clause",
    "platformdirs": "MIT",
    "psutil": "BSD-3-Clause",
    "Pygments": "BSD-2-Clause",
    "rubicon-objc": "BSD-3-Clause",
    "sniffio": "MIT",
}
_NAMES = {"PySide6-Essentials": "Qt and PySide6", "alembic": "Alembic"}


def version_line(version: str, qt: str) -> str:
    return f"Version {version}, with Qt {qt}"


def libraries_line() -> str:
    """Return the libraries in one line, grouped by their licences."""
    groups: dict[str, list[str]] = {}
    for name, licence in LIBRARIES.items():
        groups.setdefault(licence, []).append(_NAMES.get(name, name))
    parts = (f"{', '.join(names)} ({licence})" for licence, names in groups.items())
    return f"Made with {'; '.join(parts)}."
