"""What PyInstaller collects and t3tray does not need, each with its reason. `make freeze` prints what was dropped.

Without PyInstaller: the spec calls it, and tests do.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase

# Modules that are never imported. `click` and `sqlalchemy.dialects` are not among them: alembic imports PostgreSQL's.
MODULES: Mapping[str, str] = {
    "PySide6.QtOpenGL": "widgets are drawn without OpenGL",
    "PySide6.QtOpenGLWidgets": "widgets are drawn without OpenGL",
    "PySide6.QtQml": "no QML",
    "PySide6.QtQuick": "no QML",
    "PySide6.QtQuickWidgets": "no QML",
    "_tkinter": "Pygments can show its tokens in a window",
    "alembic.testing": "for tests of alembic",
    "httpx._main": "httpx's own command; `t3tray.__main__` keeps it out of every start",
    "mako.testing": "for tests of Mako",
    "psutil.tests": "for tests of psutil",
    "pytest": "for tests of alembic and SQLAlchemy",
    "readline": "brings a library under the GPL, and no line is edited in a terminal",
    "rich": "for httpx's own command",
    "setuptools": "cffi's builds",
    "sqlalchemy.testing": "for tests of SQLAlchemy",
    "test": "for tests of Python",
    "tkinter": "Pygments can show its tokens in a window",
}

# Files, by patterns of their path in the bundle (`*` also matches `/`).
FILES: Mapping[str, str] = {
    "PySide6/*translations/*": "t3tray speaks English",
    "PySide6/*qml/*": "no QML",
    "*/plugins/platformthemes/*gtk3*": "brings GTK; the desktop's colours come through its portal",
    "*/plugins/platforms/*eglfs*": "a screen without a desktop",
    "*/plugins/platforms/*linuxfb*": "a screen without a desktop",
    "*/plugins/platforms/*minimalegl*": "a screen without a desktop",
    "*/plugins/platforms/*vnc*": "a screen without a desktop",
    "*/plugins/egldeviceintegrations/*": "a screen without a desktop",
    "*/plugins/platforms/*vkkhrdisplay*": "a screen without a desktop",
    "*/plugins/generic/*": "input on a screen without a desktop",
    "*/plugins/wayland-graphics-integration-client/*": "needs QtOpenGL; windows are drawn in shared memory",
    "*/plugins/xcbglintegrations/*": "needs OpenGL, which is not drawn with",
    "*/plugins/networkinformation/*": "Qt's network access is not used",
    "*/plugins/tls/*": "Qt's network access is not used",
    "*Qt6EglF[sS]*": "a screen without a desktop",
    "*Qt6OpenGL*": "widgets are drawn without OpenGL",
    "*Qt6Qml*": "no QML",
    "*Qt6Quick*": "no QML",
    "*Qt6VirtualKeyboard*": "a keyboard on the screen",
    "*/plugins/platforminputcontexts/*virtualkeyboard*": "a keyboard on the screen",
    "*Qt6Pdf*": "no PDF",
    "*/plugins/imageformats/*pdf*": "no PDF",
    "*opengl32sw.dll": "OpenGL by software on Windows; 20 MB",
}

# Linux: libraries of the system. A second version of one beside the desktop's own breaks input, fonts, D-Bus or the C++ library.
# The .deb depends on them. Not here: the small ones of X that Qt needs and many systems lack (libxcb-cursor, libxcb-icccm, …).
SYSTEM_LIBRARIES = (
    "libEGL",
    "libGL",
    "libICE",
    "libSM",
    "libX11",
    "libX11-xcb",
    "libXau",
    "libXdmcp",
    "libblkid",
    "libcap",
    "libcom_err",
    "libdbus-1",
    "libdrm",
    "libfontconfig",
    "libfreetype",
    "libgbm",
    "libgcc_s",
    "libgcrypt",
    "libgio-2.0",
    "libglib-2.0",
    "libgmodule-2.0",
    "libgobject-2.0",
    "libgthread-2.0",
    "libgpg-error",
    "libgssapi_krb5",
    "libk5crypto",
    "libkeyutils",
    "libkrb5",
    "libkrb5support",
    "libmount",
    "libresolv",
    "libselinux",
    "libstdc++",
    "libsystemd",
    "libudev",
    "libwayland-client",
    "libwayland-cursor",
    "libwayland-egl",
    "libxcb",
)


def why_dropped(path: str, platform: str) -> str:
    """Return why a file is left out of the bundle; empty if it is kept. `path` is in the bundle, `platform` as `sys.platform`."""
    path = path.replace("\\", "/")
    for pattern, reason in FILES.items():
        if fnmatchcase(path, pattern):
            return reason
    name = path.rpartition("/")[2]
    if platform == "linux" and ".so" in name and name.partition(".so")[0] in SYSTEM_LIBRARIES:
        return "a library of the system"
    return ""


def orphans(paths: Iterable[str], needed_by: Callable[[str], Iterable[str]]) -> set[str]:
    """Return the libraries among `paths` that no other file needs any more, once others were dropped.

    `needed_by` returns the names of the libraries that a file links to itself. Only those at the top of the bundle and in Qt's
    folder are there for others. One that only a library of the system needs must not stay: the user's system has its own version.
    """
    names: dict[str, list[str]] = {}
    for path in paths:
        names.setdefault(path.rpartition("/")[2], []).append(path)
    shared = {path for group in names.values() for path in group if _is_shared(path)}
    found = [path for group in names.values() for path in group if path not in shared]
    left = set(shared)
    while found:
        reached = {path for name in needed_by(found.pop()) for path in names.get(name, ())} & left
        left -= reached
        found += reached
    return left


def linked_libraries(file: str) -> list[str]:
    """Return the names of the libraries that an ELF file links to, without those that these need. Runs `objdump`."""
    described = subprocess.run(["objdump", "-p", file], capture_output=True, text=True, check=True)
    return re.findall(r"^\s+NEEDED\s+(\S+)$", described.stdout, re.MULTILINE)


def _is_shared(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    # Python's own is loaded by the boot loader.
    return name.startswith("lib") and not name.startswith("libpython") and ".so" in name and folder in ("", "PySide6/Qt/lib")
