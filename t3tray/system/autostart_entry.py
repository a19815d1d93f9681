"""The protocol of all implementations of start at login, and writing and removing an entry's file."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from t3tray.domain.inventory import AutostartState
from t3tray.errors import WorldError


class Autostart(Protocol):
    """Start at login on one system. Turning it on again registers the copy that runs now."""

    def state(self) -> AutostartState:
        """Return the current state. Raises nothing."""
        ...

    def turn_on(self) -> None:
        """Raises WorldError."""
        ...

    def turn_off(self) -> None:
        """Does nothing when it is off already. Raises WorldError."""
        ...


def write_entry(path: Path, content: bytes) -> None:
    """Write the file atomically. Raises WorldError."""
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
