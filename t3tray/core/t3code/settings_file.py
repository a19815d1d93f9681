"""T3 Code's settings file as a JSON object: read whole, written whole or not at all, in the form that it had.

It may hold passwords in plain text: no error and no log of ours holds any of its words. What the settings mean is `protection`.
"""

from __future__ import annotations

import json
import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

from t3tray.core.errors import Refused
from t3tray.core.system.regular_file import read_regular

Settings = dict[str, object]

_PRIVATE = 0o600
_INDENT = re.compile(r"\{\r?\n([ \t]+)\"")


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
            text = read_regular(self.path).decode().replace("\r\n", "\n")
        except FileNotFoundError:
            return Content(None, {})
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"T3 Code's settings in {self.path} cannot be read ({type(error).__name__}).") from None
        try:
            settings = json.loads(text, object_pairs_hook=_object)
        except ValueError:
            # The decoder's own words may hold a piece of the file.
            settings = None
        if not isinstance(settings, dict):
            raise Refused(f"T3 Code's settings in {self.path} are not the JSON that T3 Code writes.", "Nothing was changed.")
        return Content(text, settings)

    def write(self, before: Content, settings: Settings) -> Content:
        """Put these in place of what was read, and read them back. Raises Refused when the file is another one meanwhile."""
        text = _formatted(settings, before.text)
        self._replace(before, text)
        after = self.read()
        if after.settings != settings:
            raise Refused(f"{self.path} does not hold what was written: another program writes it too.", "Look at it in T3 Code.")
        return after

    def restore(self, before: Content, text: str | None) -> None:
        """Put this text in place of what was read, or no file at all."""
        self._replace(before, text)

    def _replace(self, before: Content, text: str | None) -> None:
        target = Path(os.path.realpath(self.path))
        part = target.with_name(f".{target.name}.{token_hex(4)}.part")
        try:
            mode = stat.S_IMODE(target.stat().st_mode) if before.text is not None else _PRIVATE
            if text is not None:
                write_new(part, text, mode)
            if self.read().text != before.text:
                raise Refused(f"{self.path} was changed by another program just now, so it was left as it is.", "Try again.")
            if text is None:
                target.unlink()
            else:
                os.replace(part, target)
        except OSError as error:
            raise Refused(f"T3 Code's settings in {self.path} cannot be written: {error.strerror}.") from None
        finally:
            with suppress(FileNotFoundError):
                part.unlink()


def write_new(path: Path, text: str, mode: int = _PRIVATE) -> None:
    """A new file with exactly this mode, whatever the user's mask is, on the disk when this returns. Raises OSError."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _PRIVATE), "w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(mode)


def _object(pairs: list[tuple[str, object]]) -> Settings:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _formatted(settings: Settings, like: str | None) -> str:
    """As JSON, laid out like the text that was there."""
    if like is None:
        return json.dumps(settings, ensure_ascii=False, indent=2) + "\n"
    found = _INDENT.match(like.lstrip())
    if found:
        text = json.dumps(settings, ensure_ascii=False, indent=found[1])
    else:
        text = json.dumps(settings, ensure_ascii=False, separators=(", ", ": ") if '": ' in like else (",", ":"))
    lines = text.replace("\n", "\r\n") if "\r\n" in like else text
    return lines + like[len(like.rstrip()) :]
