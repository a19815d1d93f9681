"""Start at login on Linux and similar desktops: a desktop entry in the user's autostart folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from configparser import Error, RawConfigParser
from pathlib import Path

from t3tray.domain.controls import has_controls
from t3tray.domain.inventory import AutostartState
from t3tray.errors import WorldError
from t3tray.messages.desktop import COMMENT, DESKTOP_LIST
from t3tray.messages.inventory import autostart_blocked, starts_another, unreadable
from t3tray.system.autostart_entry import remove_entry, write_entry

_GROUP = "Desktop Entry"
_PLAIN = re.compile(r"[\w./:=@,+-]+", re.ASCII)


class DesktopEntry:
    """Implements `Autostart`. `config` is the user's configuration folder."""

    def __init__(self, config: Path, command: Sequence[str]) -> None:
        self._path = config / "autostart" / "t3tray.desktop"
        self._command = command

    def state(self) -> AutostartState:
        parser = RawConfigParser(delimiters=("=",), comment_prefixes=("#",), strict=False)
        try:
            parser.read_string(self._path.read_text("utf-8"))
            entry = {key.casefold(): value for key, value in parser.items(_GROUP)}
        except FileNotFoundError:
            return AutostartState(False)
        except (OSError, UnicodeDecodeError, Error) as error:
            return unreadable(error)
        if entry.get("hidden") == "true" or entry.get("x-gnome-autostart-enabled") == "false":
            return autostart_blocked(DESKTOP_LIST)
        found = entry.get("exec", "")
        return AutostartState(True) if found == exec_line(self._command) else starts_another(found)

    def turn_on(self) -> None:
        lines = (
            f"[{_GROUP}]",
            "Type=Application",
            "Name=t3tray",
            f"Comment={COMMENT}",
            f"Exec={exec_line(self._command)}",
            "Icon=t3tray",
            "Terminal=false",
            "X-GNOME-Autostart-enabled=true",
        )
        write_entry(self._path, "\n".join((*lines, "")).encode())

    def turn_off(self) -> None:
        remove_entry(self._path)


def exec_line(command: Sequence[str]) -> str:
    """Return a command as the value of `Exec`. Raises WorldError for control characters."""
    return " ".join(map(_quoted, command))


def _quoted(word: str) -> str:
    """Quote an argument for the command and escape it for a desktop entry, by the specification."""
    if has_controls(word):
        raise WorldError(f"A desktop entry cannot contain the path “{word!r}”.")
    if _PLAIN.fullmatch(word):
        return word
    quoted = re.sub(r'(["`$\\])', r"\\\1", word)
    return f'"{quoted}"'.replace("%", "%%").replace("\\", "\\\\")
