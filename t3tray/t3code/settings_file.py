"""T3 Code's settings file as a JSON object: written atomically, with the layout that it had.

It may contain passwords in plain text: no error or log of ours contains any of its text. `guard.t3_settings` defines the meaning
of the settings.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

from t3tray.errors import Refused
from t3tray.system.regular_file import read_regular
from t3tray.t3code.json_edit import Settings, edited, read_object

PRIVATE = 0o600
_UNCHANGED = "Nothing was changed."


@dataclass(frozen=True)
class Content:
    """The file's contents at one moment; `text` is None where there was no file. Neither field is ever shown."""

    text: str | None = field(repr=False)
    settings: Settings = field(repr=False)


class SettingsFile:
    """One file; a link to it stays a link."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Content:
        """Read the file. Raises Refused for one that cannot be read or is no JSON object."""
        try:
            text = read_regular(self.path).decode()
        except FileNotFoundError:
            return Content(None, {})
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"T3 Code's settings in {self.path} cannot be read ({type(error).__name__}).") from None
        try:
            settings = read_object(text)
        except (ValueError, RecursionError):
            # The decoder's message may contain a part of the file.
            settings = None
        if settings is None:
            raise Refused(f"T3 Code's settings in {self.path} are not the JSON that T3 Code writes.", _UNCHANGED)
        return Content(text, settings)

    @property
    def mode(self) -> int | None:
        """The file's permission bits; None where there is no file, and on Windows."""
        if sys.platform == "win32":
            return None
        try:
            return stat.S_IMODE(self.path.stat().st_mode)
        except OSError:
            return None

    def write(self, before: Content, settings: Settings, mode: int | None = None) -> Content:
        """Replace what was read by these settings, with this mode, and read them back.

        Unchanged parts keep every byte. Raises Refused when the file has changed meanwhile, or would not be read back equal.
        """
        try:
            text = edited("{\n}\n" if before.text is None else before.text, settings)
        except (ValueError, RecursionError):
            raise Refused(
                f"T3 Code's settings in {self.path} cannot be changed without changing other parts.", _UNCHANGED
            ) from None
        self._replace(before, text, mode)
        after = self.read()
        if after.settings != settings:
            raise Refused(f"{self.path} differs from what was written: another program writes it too.", "Check it in T3 Code.")
        return after

    def restore(self, before: Content, text: str | None, mode: int | None = None) -> None:
        """Replace what was read by this text, with this mode, or remove the file."""
        self._replace(before, text, mode)

    def make_private(self) -> None:
        """Make the file readable for the user only; another program may have changed its mode."""
        if self.mode not in (None, PRIVATE):
            with suppress(OSError):
                self.path.chmod(PRIVATE)

    def _replace(self, before: Content, text: str | None, mode: int | None) -> None:
        target = Path(os.path.realpath(self.path))
        part = target.with_name(f".{target.name}.{token_hex(4)}.part")
        try:
            if mode is None:
                mode = stat.S_IMODE(target.stat().st_mode) if before.text is not None else PRIVATE
            if text is not None:
                write_new(part, text, mode)
            if self.read().text != before.text:
                raise Refused(f"{self.path} has just been changed by another program, so t3tray did not change it.", "Try again.")
            if text is None:
                target.unlink()
            else:
                part.replace(target)
        except OSError as error:
            raise Refused(f"T3 Code's settings in {self.path} cannot be written: {error.strerror}.") from None
        finally:
            with suppress(FileNotFoundError):
                part.unlink()


def write_new(path: Path, text: str, mode: int = PRIVATE) -> None:
    """Create a file with exactly this mode, whatever the umask, and flush it to the disk. Raises OSError."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE), "w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(mode)
