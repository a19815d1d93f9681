"""The kinds of value that a setting may have: which values are valid, and how a person writes and reads them.

Pure. Rules that check files are in `checks`: a program that is missing now is no reason to discard a stored path.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import time
from typing import ClassVar
from urllib.parse import urlsplit

from t3tray.domain.controls import has_controls

LOWEST_PORT, HIGHEST_PORT = 1024, 65_535
# Shown in the place of a secret that is stored.
DOTS = "\N{BULLET}" * 8


class SettingKind(ABC):
    """`json_type` is the type of the value in JSON; `noun` completes "It is …" where a text cannot be converted."""

    json_type: ClassVar[str] = "string"
    noun: ClassVar[str] = "text"

    @property
    @abstractmethod
    def allowed(self) -> str:
        """The valid values, as a phrase."""

    @abstractmethod
    def trouble(self, value: object) -> str:
        """Why the value is invalid, as a sentence; empty where it is valid."""

    def parts(self, text: str) -> object:
        """The text of a command line, split where the value is a list."""
        return text

    def text(self, value: object) -> str:
        """The value as a person would type it."""
        return str(value)


@dataclass(frozen=True)
class Switch(SettingKind):
    """True or false."""

    json_type: ClassVar[str] = "boolean"
    noun: ClassVar[str] = "true or false"

    @property
    def allowed(self) -> str:
        return self.noun

    def trouble(self, value: object) -> str:
        return "" if isinstance(value, bool) else "Must be true or false."

    def text(self, value: object) -> str:
        return "true" if value else "false"


@dataclass(frozen=True)
class Number(SettingKind):
    """A whole number within bounds. `zero`: 0 is valid too, and this is what it means. `hint` follows a refusal."""

    json_type: ClassVar[str] = "integer"
    noun: ClassVar[str] = "a whole number"
    lowest: int
    highest: int
    unit: str = ""
    zero: str = ""
    hint: str = ""

    @property
    def allowed(self) -> str:
        bounds = f"{self.lowest:,} to {self.highest:,} {self.unit}".strip()
        return f"0, or {bounds}" if self.zero else bounds

    def trouble(self, value: object) -> str:
        return "" if self._fits(value) else " ".join(filter(None, (f"Must be {self.allowed}.", self.hint)))

    def _fits(self, value: object) -> bool:
        if not isinstance(value, int) or isinstance(value, bool):
            return False
        return self.lowest <= value <= self.highest or (value == 0 and bool(self.zero))


@dataclass(frozen=True)
class Port(Number):
    """A TCP port that needs no privileges; 0 for any free one."""

    lowest: int = LOWEST_PORT
    highest: int = HIGHEST_PORT
    zero: str = "Any free"

    @property
    def allowed(self) -> str:
        return f"0, or {self.lowest} to {self.highest}"

    def trouble(self, value: object) -> str:
        return "" if self._fits(value) else f"A port is between {self.lowest} and {self.highest}; 0 means any free one."


@dataclass(frozen=True)
class OneOf(SettingKind):
    """One of a few words, each with the name that the window shows."""

    options: tuple[tuple[str, str], ...]

    @property
    def allowed(self) -> str:
        values = [value for value, _ in self.options]
        return f"{', '.join(values[:-1])} or {values[-1]}"

    def trouble(self, value: object) -> str:
        return "" if value in [option for option, _ in self.options] else f"Choose {self.allowed}."


@dataclass(frozen=True)
class TimeOfDay(SettingKind):
    """A local time, or empty. `example` is shown in an empty field."""

    example: str

    @property
    def allowed(self) -> str:
        return f"a time as in {self.example}, or empty"

    def trouble(self, value: object) -> str:
        if not value:
            return ""
        try:
            read = time.fromisoformat(str(value))
        except ValueError:
            read = None
        return f"Must be a time as in 22:30, not “{value}”." if read is None or read.tzinfo is not None else ""


@dataclass(frozen=True)
class Text(SettingKind):
    """One line of text. `empty` is the meaning of an empty one."""

    empty: str = ""

    @property
    def allowed(self) -> str:
        return "text, or empty"

    def trouble(self, value: object) -> str:
        return "Contains characters that cannot be shown." if has_controls(str(value)) else ""


@dataclass(frozen=True)
class Program(Text):
    """The path of a program."""

    @property
    def allowed(self) -> str:
        return "the full path of a program, or empty"


@dataclass(frozen=True)
class Address(Text):
    """The URL of a server."""

    @property
    def allowed(self) -> str:
        return f"an address such as {self.empty}, or empty"

    def trouble(self, value: object) -> str:
        if not value:
            return ""
        try:
            parts = urlsplit(str(value))
            port = parts.port
        except ValueError:
            return f"“{value}” is not an address."
        if parts.scheme not in ("http", "https") and "//" not in str(value):
            return "Must begin with http:// or https://."
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return "An address begins with http:// or https://, and names a host."
        if port == 0:
            return "A port is between 1 and 65535."
        if parts.username or parts.password:
            return "Must not contain a user or password: use their own settings."
        return ""


@dataclass(frozen=True)
class SecretPlace(SettingKind):
    """Where a secret is stored."""

    @property
    def allowed(self) -> str:
        return "keyring, file or empty"

    def trouble(self, value: object) -> str:
        return "" if value in ("", "file", "keyring") else f"Choose {self.allowed}."


@dataclass(frozen=True)
class Secret(SecretPlace):
    """A secret that the user sets, under the name `written_as`; `empty` is shown where none is stored."""

    written_as: str
    empty: str


@dataclass(frozen=True)
class Folders(SettingKind):
    """Several folders; on the command line separated as in PATH."""

    json_type: ClassVar[str] = "array"

    @property
    def allowed(self) -> str:
        return "full paths, separated as in PATH"

    def trouble(self, value: object) -> str:
        bad = not isinstance(value, tuple) or any(has_controls(str(path)) for path in value)
        return "Contains characters that cannot be shown." if bad else ""

    def parts(self, text: str) -> object:
        return [part for part in text.split(os.pathsep) if part]

    def text(self, value: object) -> str:
        return os.pathsep.join(str(path) for path in value) if isinstance(value, tuple) else str(value)
