"""The environment of the programs that we start, built in one place.

Pure: the own environment and the login shell's are passed in. Nothing that is not named here is changed, above all not
OPENCODE_CONFIG_CONTENT, which replaces the user's configuration as a whole.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

SERVER_USER = "opencode"
PASSWORD_VARIABLE = "OPENCODE_SERVER_PASSWORD"
USER_VARIABLE = "OPENCODE_SERVER_USERNAME"
INSTANCE_VARIABLE = "T3TRAY_INSTANCE"
SERVER_URL_VARIABLE = "T3TRAY_SERVER_URL"
# The program that a terminal is to start as t3tray, where that is not the usual one.
PROGRAM_VARIABLE = "T3TRAY_PROGRAM"

# A frozen app's own libraries are put before the system's for itself only; its boot loader keeps the old value in `…_ORIG`.
_LIBRARY_PATHS = ("LD_LIBRARY_PATH", "LIBPATH", "DYLD_LIBRARY_PATH")
# What the boot loader and Qt's start in a frozen app set for it alone.
_FROZEN_NAMES = frozenset({"QT_PLUGIN_PATH", "QT_QPA_PLATFORM_PLUGIN_PATH", "QML_IMPORT_PATH", "QML2_IMPORT_PATH"})
_FROZEN_BEGINNINGS = ("_PYI_", "_MEIPASS")
_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy"})


def child_environment(base: Mapping[str, str], login: Mapping[str, str] | None = None, bundle: str = "") -> dict[str, str]:
    """What a child gets: `base`, with what it lacks of the login shell's environment, and the folders of that PATH at the end.

    An app that the desktop started has a short PATH, and the tools that OpenCode runs are not in it; nor are the user's keys,
    proxies and certificates. `bundle` is the folder of a packaged app's own files, which no child gets; empty otherwise.
    """
    frozen = bool(bundle)
    child = {name: value for name, value in base.items() if not (frozen and _is_the_apps(name))}
    for name in _LIBRARY_PATHS:
        original = child.pop(f"{name}_ORIG", None)
        if original is not None:
            child[name] = original
        elif frozen:
            child.pop(name, None)
    if frozen:
        child = {name: kept for name, value in child.items() if (kept := _outside(value, bundle)) or not value}
    login = login or {}
    child |= {name: value for name, value in login.items() if name not in child and name != "PATH"}
    path = joined_path(child.get("PATH"), login.get("PATH"))
    if path:
        child["PATH"] = path
    return child


def server_environment(child: Mapping[str, str], password: str, instance: str) -> dict[str, str]:
    """A child's environment as `opencode serve` needs it.

    The password goes by environment, because everybody can read the arguments of a process. `instance` is the random
    token by which a server of ours is known again. The user's name is set because the user may have set another one.
    """
    return {
        **child,
        USER_VARIABLE: SERVER_USER,
        PASSWORD_VARIABLE: password,
        INSTANCE_VARIABLE: instance,
    }


def without_proxies(child: Mapping[str, str]) -> dict[str, str]:
    """For a program that has to reach this machine alone."""
    return {name: value for name, value in child.items() if name.lower() not in _PROXIES}


def is_loopback(url: str) -> bool:
    """Whether the address is this machine's own."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _is_the_apps(name: str) -> bool:
    return name in _FROZEN_NAMES or name.startswith(_FROZEN_BEGINNINGS)


def _outside(value: str, bundle: str) -> str:
    """The value without the paths that lie in the bundle; empty where nothing is left of it."""
    if bundle not in value:
        return value
    parts = (part for part in value.split(os.pathsep) if part != bundle and not part.startswith(f"{bundle}{os.sep}"))
    return os.pathsep.join(parts)


def joined_path(*paths: str | None) -> str:
    """Several PATHs as one: the order is kept, a folder stands once, empty ones (the current folder) are left out."""
    folders = (folder for path in paths if path for folder in path.split(os.pathsep) if folder)
    return os.pathsep.join(dict.fromkeys(folders))
