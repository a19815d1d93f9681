"""Opening a terminal window that runs a command. No secret goes through it: the command fetches what it needs by itself."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from t3tray.core.errors import WorldError

# How each terminal is told which command to run; the order is the order of preference where nothing is set.
_FLAGS: dict[str, tuple[str, ...]] = {
    "x-terminal-emulator": ("-e",),
    "kitty": (),
    "ghostty": ("-e",),
    "alacritty": ("-e",),
    "wezterm": ("start", "--"),
    "foot": (),
    "gnome-terminal": ("--",),
    "ptyxis": ("--",),
    "konsole": ("-e",),
    "xfce4-terminal": ("-x",),
    "tilix": ("-e",),
    "xterm": ("-e",),
}


class NoTerminal(WorldError):
    title = "No terminal was found"


def terminal_command(
    argv: Sequence[str],
    *,
    platform: str,
    setting: str,
    environment: Mapping[str, str],
    script: Path,
    which: Callable[[str], str | None] = shutil.which,
) -> list[str]:
    """The command that opens a terminal running `argv`. `script` is where macOS's Terminal finds it; only its path is used."""
    if platform == "darwin":
        return ["open", "-a", setting or "Terminal", str(script)]
    if platform == "win32":
        return ["wt.exe", *argv] if which("wt.exe") else ["cmd", "/c", "start", "t3tray", *argv]
    for name in (setting, environment.get("TERMINAL", ""), *_FLAGS):
        found = which(name) if name else None
        if found:
            return [found, *_FLAGS.get(Path(name).name, ("-e",)), *argv]
    raise NoTerminal(
        "None of the terminals that t3tray knows is installed.",
        f"Name yours in the settings, or run this in one: {shlex.join(argv)}",
    )


def open_terminal(argv: Sequence[str], *, platform: str, setting: str, environment: dict[str, str], script: Path) -> None:
    """Open it and leave it alone: the window lives on when t3tray ends. Raises NoTerminal, WorldError when it fails to start."""
    command = terminal_command(argv, platform=platform, setting=setting, environment=environment, script=script)
    if platform == "darwin":
        script.write_text(f"#!/bin/sh\nexec {shlex.join(argv)}\n", encoding="utf-8")
        script.chmod(0o700)
    start(command, environment)


def start(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Start a program for the user and leave it alone. Raises WorldError when it cannot be started."""
    try:
        opened = subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise WorldError(f"{command[0]} could not be started: {error.strerror}.") from error
    # Somebody has to take note of its end, or it stays in the table of processes for as long as we live.
    threading.Thread(target=opened.wait, name="terminal", daemon=True).start()
