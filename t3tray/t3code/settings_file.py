"""T3 Code's settings file as a JSON object: read whole, written whole or not at all, in the form that it had.

It may hold passwords in plain text: no error and no log of ours holds any of its words. What the settings mean is `protection`.
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
    """What was in the file at one moment; `text` is None where there was none. Neither is ever shown."""

    text: str | None = field(repr=False)
    settings: Settings = field(repr=False)


class SettingsFile:
    """One file; a link to it stays a link."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Content:
        """Raises Refused for what cannot be read, or is no JSON object."""
        try:
            text = read_regular(self.path).decode()
        except FileNotFoundError:
            return Content(None, {})
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"T3 Code's settings in {self.path} cannot be read ({type(error).__name__}).") from None
        try:
            settings = read_object(text)
        except (ValueError, RecursionError):
            # The decoder's own words may hold a piece of the file.
            settings = None
        if settings is None:
            raise Refused(f"T3 Code's settings in {self.path} are not the JSON that T3 Code writes.", _UNCHANGED)
        return Content(text, settings)

    @property
    def mode(self) -> int | None:
        """Who may read the file; None where there is none, or the system knows no such thing."""
        if sys.platform == "win32":
            return None
        try:
            return stat.S_IMODE(self.path.stat().st_mode)
        except OSError:
            return None

    def write(self, before: Content, settings: Settings, mode: int | None = None) -> Content:
        """Put these in place of what was read, with this mode, and read them back.

        What stays the same keeps every byte. Raises Refused when the file is another one meanwhile, or would not come back equal.
        """
        try:
            text = edited("{\n}\n" if before.text is None else before.text, settings)
        except (ValueError, RecursionError):
            raise Refused(
                f"T3 Code's settings in {self.path} cannot be changed so that all the rest stays.", _UNCHANGED
            ) from None
        self._replace(before, text, mode)
        after = self.read()
        if after.settings != settings:
            raise Refused(f"{self.path} does not hold what was written: another program writes it too.", "Look at it in T3 Code.")
        return after

    def restore(self, before: Content, text: str | None, mode: int | None = None) -> None:
        """Put this text in place of what was read, with this mode, or no file at all."""
        self._replace(before, text, mode)

    def keep_private(self) -> None:
        """Let nobody but the user read it: another program may have opened it again."""
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
                raise Refused(f"{self.path} was changed by another program just now, so it was left as it is.", "Try again.")
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
    """A new file with exactly this mode, whatever the user's mask is, on the disk when this returns. Raises OSError."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE), "w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(mode)
