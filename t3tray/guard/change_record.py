"""Our record of a change of T3 Code's settings, from which it is undone. Contains the user's passwords, so it is private."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import msgspec

from t3tray.errors import StoreError
from t3tray.t3code.settings_file import write_new


@dataclass(frozen=True)
class ProgramChange:
    """Values of one `binaryPath`: `before` is empty where there was none, `ours` are all values written."""

    before: dict[str, object]
    ours: tuple[str, ...]


@dataclass(frozen=True)
class SettingsChange:
    """A change to undo: the copy's name (None where there was no file), what was written, and the old values.

    `mode` is the file's former mode; None where it is not known and stays. `programs` are the former and the written values of
    `binaryPath`, by place.
    """

    copy: str | None
    url: str
    written: str
    before: dict[str, dict[str, object]] = field(repr=False)
    made: tuple[str, ...] = ()
    mode: int | None = None
    programs: dict[str, ProgramChange] = field(default_factory=dict)


class ChangeRecord:
    """The file with the change of one home's settings; there is none where nothing is to undo."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> SettingsChange | None:
        """Raises StoreError."""
        try:
            # Not with msgspec's decoder: the user's text may contain half of a surrogate pair, which must be restored unchanged.
            return msgspec.convert(json.loads(self.path.read_bytes()), SettingsChange)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, msgspec.ValidationError):
            raise StoreError(f"The record of t3tray's changes to T3 Code's settings cannot be read: {self.path}.") from None

    def write(self, change: SettingsChange) -> None:
        """Replace the file, readable by the user only. Raises StoreError."""
        part = self.path.with_suffix(".part")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.unlink(missing_ok=True)
            write_new(part, json.dumps(asdict(change)))
            part.replace(self.path)
        except OSError as error:
            raise StoreError(f"The change could not be recorded in {self.path}: {error.strerror}.") from None

    def remove(self) -> None:
        """Remove the file: the change was undone."""
        self.path.unlink(missing_ok=True)
