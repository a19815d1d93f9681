"""Whether there is a screen for a window, found out before Qt is asked: Qt ends the process where it finds none.

No display is named (a server, a container, a bare ssh): there is none, and nothing is wrong. One is named and cannot be used: the
user wants a window, and is told why there is none. It imports no Qt, and nothing heavy.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from t3tray.errors import NoScreen

if TYPE_CHECKING:
    from ctypes import CDLL

# In seconds: how long a display server may take to answer.
_LIMIT = 3.0
_ADVICE = "`t3tray run` (and `t3tray run --demo`) needs no screen: it tells line by line what the window would show."
_NO_PLUGIN = "Qt has no part for “{}” screens, which QT_QPA_PLATFORM names."
# The Debian and Ubuntu package of a library that Qt does not bring.
_PACKAGES = {"libxcb-cursor.so.0": "libxcb-cursor0", "libEGL.so.1": "libegl1", "libGL.so.1": "libgl1"}


def has_screen(environment: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Whether a window can be shown. Raises NoScreen where one was asked for and cannot be."""
    if platform in ("darwin", "win32"):
        return True
    wanted = [name for name in environment.get("QT_QPA_PLATFORM", "").split(";") if name]
    names = [name.partition(":")[0] for name in wanted] or _named_by_displays(environment)
    if not names:
        return False
    troubles = []
    for name in names:
        look = _LOOKS.get(name.partition("-")[0])
        if look is None:
            return True  # it draws into memory, or onto another kind of screen: whoever names it knows it
        if not (trouble := look(environment)):
            return True
        troubles.append(trouble)
    raise NoScreen(" ".join(sentence for sentence, _ in troubles), " ".join([*(do for _, do in troubles if do), _ADVICE]))


def qt_is_broken(error: ImportError) -> NoScreen:
    """What is told where Qt itself cannot be loaded."""
    sentence, advice = _missing(str(error))
    return NoScreen(sentence, f"{advice} {_ADVICE}")


def _named_by_displays(environment: Mapping[str, str]) -> list[str]:
    is_wayland = environment.get("WAYLAND_DISPLAY") or environment.get("WAYLAND_SOCKET")
    return [*(["wayland"] if is_wayland else []), *(["xcb"] if environment.get("DISPLAY") else [])]


def _look_at_x(environment: Mapping[str, str]) -> tuple[str, str] | None:
    """What is wrong with the X server, and what to do; None where it can be used."""
    display = environment.get("DISPLAY", "")
    if not display:
        return "QT_QPA_PLATFORM asks for an X screen, and DISPLAY names none.", ""
    import ctypes

    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError as error:
        return _missing(str(error))
    if not _in_time(lambda: _x_answers(xcb, display)):
        return f"The X server “{display}”, which DISPLAY names, does not answer or refuses this user.", ""
    return _look_at_plugin("xcb")


def _look_at_wayland(environment: Mapping[str, str]) -> tuple[str, str] | None:
    if environment.get("WAYLAND_SOCKET"):
        return _look_at_plugin("wayland")
    socket = Path(environment.get("XDG_RUNTIME_DIR", "/")) / (environment.get("WAYLAND_DISPLAY") or "wayland-0")
    if not _in_time(lambda: _listens(socket)):
        return f"Nothing answers at {socket}, where WAYLAND_DISPLAY says that the screen is.", ""
    return _look_at_plugin("wayland")


_LOOKS: dict[str, Callable[[Mapping[str, str]], tuple[str, str] | None]] = {"xcb": _look_at_x, "wayland": _look_at_wayland}


def _look_at_plugin(name: str) -> tuple[str, str] | None:
    """What keeps Qt's part for these screens from being loaded. Qt loads the same files afterwards: it costs nothing."""
    import ctypes
    from importlib.util import find_spec

    found = find_spec("PySide6")
    folders = [Path(folder, "Qt", "plugins", "platforms") for folder in (found and found.submodule_search_locations) or ()]
    plugin = next((file for folder in folders if (file := folder / f"libq{name}.so").is_file()), None)
    if plugin is None:
        return None  # a Qt of the system's: it has its own places
    try:
        ctypes.CDLL(str(plugin))
    except OSError as error:
        return _missing(str(error))
    return None


def _missing(said: str) -> tuple[str, str]:
    """In the words of the system's loader: `libxcb-cursor.so.0: cannot open shared object file: …`."""
    library = said.partition(":")[0].strip()
    if ".so" not in library or "/" in library:
        return f"Qt cannot be loaded: {said}.", "Install t3tray's packages again."
    package = _PACKAGES.get(library, "")
    install = f"Install it: sudo apt-get install {package}" if package else "Install the package that has it"
    return f"Qt needs the library {library}, which is not installed.", f"{install}, or run `packaging/setup.sh run`."


def _x_answers(xcb: CDLL, display: str) -> bool:
    """Ask the X server as Qt does, with this user's leave to do so."""
    import ctypes

    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = (ctypes.c_void_p,)
    connection = xcb.xcb_connect(display.encode(errors="surrogateescape"), None)
    try:
        return not xcb.xcb_connection_has_error(connection)
    finally:
        xcb.xcb_disconnect(connection)


def _listens(address: Path) -> bool:
    import socket

    if sys.platform == "win32":
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_LIMIT)
        probe.connect(os.fsencode(address))
        return True


def _in_time(ask: Callable[[], bool]) -> bool:
    """What it answers; False where it fails, or does not answer in time."""
    import threading

    answers: list[bool] = []

    def work() -> None:
        try:
            answers.append(ask())
        except (OSError, ValueError):
            answers.append(False)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(_LIMIT)
    return bool(answers and answers[0])
