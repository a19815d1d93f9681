"""Starting t3tray when the user logs in: what would be started, and where each system wants that written down.

The system's own entry is the truth, so that what the user changes there counts. It starts nothing by itself. Blocking: for worker
threads.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from t3tray.system.autostart_entry import Autostart


def open_autostart(environment: Mapping[str, str], home: Path, words: Sequence[str]) -> Autostart:
    """The way of this system. `words` are said to t3tray when it is started."""
    frozen = bool(getattr(sys, "frozen", False))
    command = [*own_command(environment, Path(sys.argv[0]), Path(sys.executable), frozen), *words]
    if sys.platform == "darwin":
        from t3tray.system.launch_agent import LaunchAgent

        return LaunchAgent(home, command)
    if sys.platform == "win32":
        from t3tray.system.run_key import RunKey, WindowsRegistry

        return RunKey(WindowsRegistry(), command)
    from t3tray.system.desktop_entry import DesktopEntry

    return DesktopEntry(Path(environment.get("XDG_CONFIG_HOME") or home / ".config"), command)


def own_command(environment: Mapping[str, str], called: Path, python: Path, frozen: bool) -> list[str]:
    """What starts the copy that runs now: the AppImage, the packed program, the installed script, or else Python.

    `called` is the word that started it, `python` the interpreter, or the packed program itself.
    """
    if frozen:
        # Whatever an AppImage starts inherits its name, so it counts only for what lies in it.
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
