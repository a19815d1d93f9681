"""Opens a terminal window that runs a command. No secrets are passed: the command reads what it needs itself."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from secrets import token_hex

from t3tray.errors import WorldError

# Arguments of each terminal before the command, in order of preference.
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
# On macOS, where `open` starts apps: arguments before the command, for terminals that take one. All others, like Terminal and
# iTerm, get a script to run.
_MAC_FLAGS: dict[str, tuple[str, ...]] = {"ghostty": ("-e",), "kitty": (), "alacritty": ("-e",), "wezterm": ("start", "--")}
_MAC_NAMES = {"iterm2": "iTerm"}
# Apps by what they write into TERM_PROGRAM, or into TERM where they set only that.
_MAC_SHELLS = {
    "Apple_Terminal": "Terminal",
    "iTerm.app": "iTerm",
    "ghostty": "Ghostty",
    "WezTerm": "WezTerm",
    "xterm-kitty": "kitty",
    "alacritty": "Alacritty",
}
# In seconds: `open` ends when the app has been started; it waits longer where macOS asks whether the app may be opened.
_OPEN_LIMIT = 10.0
_SCRIPT = "attach-{}.command"
# In seconds: a script removes itself when it runs; older ones that never ran are removed.
_LEFT_OVER = 24 * 60 * 60


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
    """Return the command that opens a terminal running `argv`. `script` is the path of the script for macOS's Terminal."""
    if platform == "darwin":
        return _mac_command(argv, setting or _mac_terminal(environment), script)
    if platform == "win32":
        # `start` takes the first quoted argument as the window's title.
        return ["wt.exe", *argv] if which("wt.exe") else ["cmd", "/c", "start", "", *argv]
    for name in (setting, environment.get("TERMINAL", ""), *_FLAGS):
        found = which(name) if name else None
        if found:
            return [found, *_FLAGS.get(Path(name).name, ("-e",)), *argv]
    raise NoTerminal(
        "No supported terminal is installed.",
        f"Set yours in the settings, or run this in a terminal: {shlex.join(argv)}",
    )


def _mac_terminal(environment: Mapping[str, str]) -> str:
    """Return the app in whose shell t3tray was started, if it is known, otherwise Terminal."""
    named = (_MAC_SHELLS.get(environment.get(name, "")) for name in ("TERM_PROGRAM", "TERM"))
    return next(filter(None, named), "Terminal")


def _mac_command(argv: Sequence[str], app: str, script: Path) -> list[str]:
    name = Path(app).name.removesuffix(".app").casefold()
    if name in _MAC_FLAGS:
        return ["open", "-n", "-a", app, "--args", *_MAC_FLAGS[name], *argv]
    return ["open", "-a", _MAC_NAMES.get(name, app), str(script)]


def console_program(program: Path, platform: str) -> Path:
    """Return the variant of this program for a terminal: on Windows the windowed one has no output."""
    if platform != "win32":
        return program
    consoles = {"pythonw.exe": "python.exe", "t3tray.exe": "t3trayc.exe"}
    console = program.with_name(consoles.get(program.name.lower(), program.name))
    return console if console.is_file() else program


def open_terminal(argv: Sequence[str], *, platform: str, setting: str, environment: dict[str, str], folder: Path) -> None:
    """Open a terminal window, which stays open when t3tray ends. `folder` is ours, for the script of macOS's Terminal.

    Raises NoTerminal, and WorldError when it fails to start.
    """
    # A unique name: a second script must not replace the first one before it runs.
    script = folder / _SCRIPT.format(token_hex(4))
    command = terminal_command(argv, platform=platform, setting=setting, environment=environment, script=script)
    if platform == "darwin" and str(script) in command:
        _write_script(script, argv)
    opening = start(command, environment)
    if platform == "darwin" and _has_failed(opening):
        script.unlink(missing_ok=True)
        app = command[command.index("-a") + 1]
        raise NoTerminal(
            f"macOS could not open {app}.", f"Set your terminal in the settings, or run this in one: {shlex.join(argv)}"
        )


def _has_failed(opening: subprocess.Popen[bytes]) -> bool:
    try:
        return opening.wait(_OPEN_LIMIT) != 0
    except subprocess.TimeoutExpired:
        return False


def _write_script(script: Path, argv: Sequence[str]) -> None:
    text = f'#!/bin/sh\nrm -f -- "$0"\nexec {shlex.join(argv)}\n'
    try:
        for old in script.parent.glob(_SCRIPT.format("*")):
            if time.time() - old.stat().st_mtime > _LEFT_OVER:
                old.unlink(missing_ok=True)
        with os.fdopen(os.open(script, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o700), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise WorldError(f"A terminal could not be opened: {script} cannot be written ({error.strerror}).") from error


def start(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a program for the user; it keeps running when t3tray ends. Raises WorldError when it cannot be started."""
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
    # Wait for its end, or it would stay in the process table as a zombie.
    threading.Thread(target=opened.wait, name="terminal", daemon=True).start()
    return opened
