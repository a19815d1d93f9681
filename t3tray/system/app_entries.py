"""What makes this installation an app of the desktop and a command of the shell.

On macOS `~/Applications/t3tray.app`, which starts this installation's Python; on Linux a desktop entry, which also opens t3tray's
links. On both `~/.local/bin/t3tray`, for a packaged program that the shell does not find. Blocking: call it in worker threads.
"""

from __future__ import annotations

import os
import platform
import plistlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from t3tray import __version__
from t3tray.domain.own_item import ItemOutcome, OwnItem
from t3tray.errors import T3TrayError, WorldError
from t3tray.messages.own_items import (
    MARK,
    OTHER_DATA,
    icon_not_drawn,
    is_app_already,
    is_command_already,
    not_on_path,
    other_command_first,
)
from t3tray.resources import resource
from t3tray.system.autostart import own_command, words_for
from t3tray.system.desktop_entry import exec_line
from t3tray.system.info_plist import info_plist
from t3tray.system.own_files import Owner, OwnFiles
from t3tray.system.paths import real_path
from t3tray.system.regular_file import read_regular

_PLIST, _PROGRAM, _ICON = "Contents/Info.plist", "Contents/MacOS/t3tray", "Contents/Resources/t3tray.icns"
_ALONE = "."
# In seconds: for the program that draws the icon, and the system's list of apps.
_LIMIT = 60.0
_REGISTER = "/System/Library/Frameworks/CoreServices.framework/Frameworks/LaunchServices.framework/Support/lsregister"


class AppEntry:
    """An entry for this installation in one of the user's folders.

    `contents` returns the files; `existing` returns a sentence where another entry makes this one needless; `advice` what is left
    to do; `announce` makes the desktop read its folder again. `program` is the file with the command, `words` are in it the
    arguments that name the data folder: none for the usual one.
    """

    def __init__(
        self,
        name: str,
        files: OwnFiles,
        program: Path,
        words: Callable[[], str],
        contents: Callable[[], Mapping[str, bytes]],
        existing: Callable[[], str] = str,
        advice: Callable[[], str] = str,
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.files = files
        self._program = program
        self._words = words
        self._contents = contents
        self._existing = existing
        self._advice = advice
        self._announce = announce

    def install(self) -> OwnItem:
        """Write the entry. Raises Refused where another program's file is in its place, WorldError."""
        if self.files.owner() is not Owner.OURS and (sentence := self._existing()):
            return self._item(ItemOutcome.UNCHANGED, f"{sentence} {self._advice()}".strip())
        is_changed = self.files.write(self._contents())
        if is_changed:
            self._announce()
        return self._item(ItemOutcome.WRITTEN if is_changed else ItemOutcome.UNCHANGED, self._advice())

    def planned(self) -> OwnItem:
        """Return what is to be removed with this data folder: not an entry that starts t3tray with another one."""
        if self.files.owner() is not Owner.OURS:
            return self._item(ItemOutcome.NOTHING)
        try:
            found = read_regular(self._program).decode("utf-8", "replace")
            words = self._words()
            is_others = f" {words} " not in found if words else " --data-dir " in found
        except (OSError, T3TrayError):
            is_others = False
        return self._item(ItemOutcome.NOTHING, OTHER_DATA) if is_others else self._item(ItemOutcome.PLANNED)

    def remove(self) -> OwnItem:
        """Remove the entry if it is ours. Raises nothing."""
        try:
            is_removed = self.files.remove()
        except T3TrayError as error:
            return self._item(ItemOutcome.FAILED, error.message)
        if is_removed:
            self._announce()
        return self._item(ItemOutcome.REMOVED if is_removed else ItemOutcome.NOTHING)

    def _item(self, outcome: ItemOutcome, sentence: str = "") -> OwnItem:
        return OwnItem(self.name, str(self.files.root), outcome, sentence)


def own_entries(data: Path) -> tuple[AppEntry, ...]:
    """Return the entries that this installation may have on this system, for a data folder: none on Windows."""
    if sys.platform == "win32":
        return ()
    environment, home, python = os.environ, Path.home(), Path(sys.executable)
    is_frozen = bool(getattr(sys, "frozen", False))
    command = (*own_command(environment, Path(sys.argv[0]), python, is_frozen), *words_for(data))
    if sys.platform == "darwin":
        packaged = next((folder for folder in python.parents if folder.suffix == ".app"), None) if is_frozen else None
        return mac_app(home, command, packaged), shell_link(environment, home, command)
    return linux_app(environment, home, command), shell_link(environment, home, command)


def shell_link(environment: Mapping[str, str], home: Path, command: Sequence[str]) -> AppEntry:
    """Return the command of the shell that runs `command`."""
    link = home / ".local" / "bin" / "t3tray"
    script = f'#!/bin/sh\n# {MARK} link\nexec {shlex.join(command)} "$@"\n'

    def found() -> Path | None:
        """What the shell finds by this name."""
        path = shutil.which("t3tray", path=environment.get("PATH", ""))
        return Path(path) if path else None

    def existing() -> str:
        same = [path for path in (found(), link) if path and path.exists() and real_path(path) == real_path(command[0])]
        return is_command_already(same[0]) if same else ""

    def advice() -> str:
        first = found()
        if first is None:
            return not_on_path(link.parent, "~/.zprofile" if environment.get("SHELL", "").endswith("zsh") else "~/.profile")
        is_ours = first == link or real_path(first) == real_path(command[0])
        return "" if is_ours else other_command_first(first)

    return AppEntry(
        "link",
        OwnFiles(link, _ALONE),
        link,
        lambda: shlex.join(command[1:]),
        lambda: {_ALONE: script.encode()},
        existing,
        advice,
    )


def mac_app(home: Path, command: Sequence[str], packaged: Path | None) -> AppEntry:
    """Return the app in the user's folder that starts `command`. `packaged` is the app that this program is in, if any."""
    root = home / "Applications" / "t3tray.app"
    # A script as an app's program runs under Rosetta, unless the app names the processor.
    values = info_plist(__version__) | {"LSArchitecturePriority": [platform.machine()], "T3trayOrigin": f"{MARK} install"}
    script = f'#!/bin/sh\n# {MARK} install\nexec {shlex.join(command)} "$@"\n'

    def contents() -> Mapping[str, bytes]:
        return {_PLIST: plistlib.dumps(values), _PROGRAM: script.encode(), _ICON: draw_icon()}

    return AppEntry(
        "app",
        OwnFiles(root, _PLIST, _PROGRAM, _ICON),
        root / _PROGRAM,
        lambda: shlex.join(command[1:]),
        contents,
        existing=lambda: is_app_already(packaged) if packaged else "",
        # Without it Finder learns of the app, and of its links, some time later.
        announce=lambda: _run_if_there([_REGISTER, "-f", str(root)]) if root.exists() else None,
    )


def draw_icon() -> bytes:
    """Return the icon. Qt draws it in a process of its own: the command line never loads Qt. Raises WorldError."""
    with TemporaryDirectory(prefix="t3tray-") as folder:
        target = Path(folder) / "t3tray.icns"
        try:
            subprocess.run(
                [sys.executable, "-m", "t3tray.ui.app_icon", str(target)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_LIMIT,
                check=True,
            )
            return target.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise WorldError(icon_not_drawn(str(error)), "Install t3tray's packages again.") from error


def linux_app(environment: Mapping[str, str], home: Path, command: Sequence[str]) -> AppEntry:
    """Return the desktop entry that starts `command`."""
    named = Path(environment.get("XDG_DATA_HOME", ""))
    folder = (named if named.is_absolute() else home / ".local" / "share") / "applications"
    shared = environment.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"

    def existing() -> str:
        """A package of the system has an entry that starts this installation."""
        for base in filter(None, shared.split(":")):
            entry = Path(base, "applications", "t3tray.desktop")
            with suppress(OSError, ValueError):
                found = re.search(r"^Exec=(\S+)", entry.read_text("utf-8"), re.MULTILINE)
                program = found and shutil.which(found[1], path=environment.get("PATH"))
                if program and real_path(program) == real_path(command[0]):
                    return is_app_already(entry)
        return ""

    def contents() -> Mapping[str, bytes]:
        ours = {
            "Exec": f"{exec_line(command)} %u",
            "Icon": str(resource("icons/t3tray.svg").absolute()),
            "MimeType": "x-scheme-handler/t3tray;",
            "X-T3tray-Origin": f"{MARK} install",
        }
        lines = resource("t3tray.desktop").read_text("utf-8").splitlines()
        kept = [line for line in lines if line.partition("=")[0] not in ours]
        return {_ALONE: "\n".join([*kept, *(f"{key}={value}" for key, value in ours.items()), ""]).encode()}

    return AppEntry(
        "app",
        OwnFiles(folder / "t3tray.desktop", _ALONE),
        folder / "t3tray.desktop",
        lambda: exec_line(command[1:]),
        contents,
        existing,
        # Writes the list by which the desktop finds the program for a link.
        announce=lambda: _run_if_there(["update-desktop-database", "-q", str(folder)]),
    )


def _run_if_there(command: list[str]) -> None:
    """Run a program of the desktop that may be missing, and ignore its result: the desktop finds the entry without it, later."""
    with suppress(OSError, subprocess.SubprocessError):
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_LIMIT, check=False)
