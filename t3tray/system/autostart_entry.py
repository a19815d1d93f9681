"""What every way of starting at login shares: its protocol, and how an entry is written and removed."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from t3tray.domain.autostart import AutostartState
from t3tray.errors import WorldError


class Autostart(Protocol):
    """One system's way. Turning it on anew sets it for the copy that runs now."""

    def look(self) -> AutostartState:
        """As it is now. Raises nothing."""
        ...

    def turn_on(self) -> None:
        """Raises WorldError."""
        ...

    def turn_off(self) -> None:
        """Off already is fine too. Raises WorldError."""
        ...


def write_entry(path: Path, content: bytes) -> None:
    """Whole or not at all. Raises WorldError."""
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise WorldError(f"Start at login could not be turned on: {error}.") from error


def remove_entry(path: Path) -> None:
    """Raises WorldError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise WorldError(f"Start at login could not be turned off: {error}.") from error
