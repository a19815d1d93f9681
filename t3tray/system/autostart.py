"""Start of t3tray at login: the command, and each system's place to register it.

The state is always read from the system's own entry, so that changes made there by the user count. Blocking: call it in worker
threads.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from t3tray.system.autostart_entry import Autostart
from t3tray.system.paths import usual_data_directory


def open_autostart(environment: Mapping[str, str], home: Path, words: Sequence[str]) -> Autostart:
    """Return this system's implementation. `words` are the arguments for t3tray at login."""
    frozen = bool(getattr(sys, "frozen", False))
    command = [*own_command(environment, Path(sys.argv[0]), Path(sys.executable), frozen), *words]
    if sys.platform == "darwin":
        from t3tray.system.launch_agent import LaunchAgent
        from t3tray.system.login_service import open_login_service

        # In the packaged app only: for any other program the system would register Python.
        service = open_login_service(home, command) if frozen and not words else None
        return service or LaunchAgent(home, command)
    if sys.platform == "win32":
        from t3tray.system.run_key import RunKey, WindowsRegistry

        return RunKey(WindowsRegistry(), command)
    from t3tray.system.desktop_entry import DesktopEntry

    return DesktopEntry(Path(environment.get("XDG_CONFIG_HOME") or home / ".config"), command)


def words_for(data: Path) -> tuple[str, ...]:
    """Return the arguments with which t3tray uses this data folder."""
    return () if data == usual_data_directory() else ("--data-dir", str(data))


def own_command(environment: Mapping[str, str], called: Path, python: Path, frozen: bool) -> list[str]:
    """Return the command that starts this copy: the AppImage, the packaged program, the installed script, or otherwise Python.

    `called` is the name it was started with, `python` the interpreter or the packaged program itself.
    """
    if frozen:
        # Programs started from an AppImage inherit its variables: they count only for a program inside its folder.
        image, folder = environment.get("APPIMAGE"), environment.get("APPDIR")
        return [image if image and folder and python.is_relative_to(folder) else str(python)]
    scripts = (
        called.absolute(),
        called.absolute().with_suffix(".exe"),
        python.with_name("t3tray"),
        python.with_name("t3tray.exe"),
    )
    for script in scripts:
        if script.stem == "t3tray" and script.is_file():
            return [str(script)]
    windowed = python.with_name("pythonw.exe")
    return [str(windowed if windowed.is_file() else python), "-m", "t3tray"]
