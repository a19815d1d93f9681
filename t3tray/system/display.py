"""Checks for a usable display before Qt is started: Qt ends the process where it finds none.

Without a named display (a server, a container, plain ssh) there is none, which is no error. When one is named but cannot be used,
the user gets the reason. Imports no Qt, and nothing slow.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from t3tray.errors import NoScreen
from t3tray.messages.desktop import (
    NO_DISPLAY_NAMED,
    RUN_WITHOUT_DISPLAY,
    library_missing,
    qt_not_loaded,
    wayland_silent,
    x_server_silent,
)

if TYPE_CHECKING:
    from ctypes import CDLL

# In seconds: how long a display server may take to answer.
LIMIT = 3.0
# Of a checkout; an installed t3tray has none.
_SET_UP = Path(__file__).parents[2] / "packaging" / "setup.sh"
# Debian and Ubuntu packages of libraries that Qt does not include.
_PACKAGES = {"libxcb-cursor.so.0": "libxcb-cursor0", "libEGL.so.1": "libegl1", "libGL.so.1": "libgl1"}


def has_screen(environment: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Return whether a window can be shown. Raises NoScreen when a display is named but unusable."""
    if platform in ("darwin", "win32"):
        return True
    wanted = [name for name in environment.get("QT_QPA_PLATFORM", "").split(";") if name]
    names = [name.partition(":")[0] for name in wanted] or _named_by_displays(environment)
    if not names:
        return False
    troubles = []
    for name in names:
        check = _CHECKS.get(name.partition("-")[0])
        if check is None:
            return True  # another Qt platform, for example one that draws into memory: named deliberately
        if not (trouble := check(environment)):
            return True
        troubles.append(trouble)
    raise NoScreen(
        " ".join(sentence for sentence, _ in troubles), " ".join([*(do for _, do in troubles if do), RUN_WITHOUT_DISPLAY])
    )


def qt_is_broken(error: ImportError) -> NoScreen:
    """Return the error for a Qt that cannot be loaded."""
    sentence, advice = _missing(str(error))
    return NoScreen(sentence, f"{advice} {RUN_WITHOUT_DISPLAY}")


def _named_by_displays(environment: Mapping[str, str]) -> list[str]:
    is_wayland = environment.get("WAYLAND_DISPLAY") or environment.get("WAYLAND_SOCKET")
    return [*(["wayland"] if is_wayland else []), *(["xcb"] if environment.get("DISPLAY") else [])]


def _check_x(environment: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the problem with the X server and a hint; None when it is usable."""
    display = environment.get("DISPLAY", "")
    if not display:
        return NO_DISPLAY_NAMED, ""
    import ctypes

    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError as error:
        return _missing(str(error))
    if not _in_time(lambda: x_answers(xcb, display)):
        return x_server_silent(display), ""
    return check_plugin("xcb")


def _check_wayland(environment: Mapping[str, str]) -> tuple[str, str] | None:
    if environment.get("WAYLAND_SOCKET"):
        return check_plugin("wayland")
    socket = Path(environment.get("XDG_RUNTIME_DIR", "/")) / (environment.get("WAYLAND_DISPLAY") or "wayland-0")
    if not _in_time(lambda: _listens(socket)):
        return wayland_silent(socket), ""
    return check_plugin("wayland")


_CHECKS: dict[str, Callable[[Mapping[str, str]], tuple[str, str] | None]] = {"xcb": _check_x, "wayland": _check_wayland}


def check_plugin(name: str) -> tuple[str, str] | None:
    """Return why Qt's platform plugin cannot be loaded; None when it can. Qt loads the same files later, so this is cheap."""
    import ctypes
    from importlib.util import find_spec

    found = find_spec("PySide6")
    folders = [Path(folder, "Qt", "plugins", "platforms") for folder in (found and found.submodule_search_locations) or ()]
    plugin = next((file for folder in folders if (file := folder / f"libq{name}.so").is_file()), None)
    if plugin is None:
        return None  # the system's own Qt has its plugins elsewhere
    try:
        ctypes.CDLL(str(plugin))
    except OSError as error:
        return _missing(str(error))
    return None


def _missing(message: str) -> tuple[str, str]:
    """Return sentence and hint for the loader's message `libxcb-cursor.so.0: cannot open shared object file: …`."""
    library = message.partition(":")[0].strip()
    if ".so" not in library or "/" in library:
        return qt_not_loaded(message)
    return library_missing(library, _PACKAGES.get(library, ""), _SET_UP.is_file())


def x_answers(xcb: CDLL, display: str) -> bool:
    """Connect to the X server like Qt, with this user's authorization."""
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
        probe.settimeout(LIMIT)
        probe.connect(os.fsencode(address))
        return True


def _in_time(ask: Callable[[], bool]) -> bool:
    """Return the result of `ask`; False when it fails or takes too long."""
    import threading

    answers: list[bool] = []

    def work() -> None:
        try:
            answers.append(ask())
        except (OSError, ValueError):
            answers.append(False)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(LIMIT)
    return bool(answers and answers[0])
