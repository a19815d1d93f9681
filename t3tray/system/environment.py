"""The environment of the programs that t3tray starts.

Pure: our environment and the login shell's are passed in. Only the variables named here are changed; in particular not
OPENCODE_CONFIG_CONTENT, which would replace the user's whole configuration.
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
# The program that a terminal starts as t3tray, where it is not the usual one.
PROGRAM_VARIABLE = "T3TRAY_PROGRAM"

# A frozen app puts its own libraries before the system's; its boot loader saves the original value in `…_ORIG`. On macOS it sets
# none: a value there is the user's own.
_LIBRARY_PATHS = ("LD_LIBRARY_PATH", "LIBPATH", "DYLD_LIBRARY_PATH")
# Set by the boot loader and Qt in a frozen app, for that app only.
_FROZEN_NAMES = frozenset({"QT_PLUGIN_PATH", "QT_QPA_PLATFORM_PLUGIN_PATH", "QML_IMPORT_PATH", "QML2_IMPORT_PATH"})
_FROZEN_BEGINNINGS = ("_PYI_", "_MEIPASS")
_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy"})


def child_environment(base: Mapping[str, str], login: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a child's environment: `base`, missing variables from the login shell's, and the folders of its PATH at the end.

    An app started by the desktop has a short PATH without the tools that OpenCode runs, and lacks the user's keys, proxies and
    certificates.
    """
    login = login or {}
    child = {**{name: value for name, value in login.items() if name != "PATH"}, **base}
    path = joined_path(child.get("PATH"), login.get("PATH"))
    if path:
        child["PATH"] = path
    return child


def without_bundle(environment: Mapping[str, str], bundle: str) -> dict[str, str]:
    """Return the environment in which a packaged app was started, without what its boot loader and Qt have set for it.

    `bundle` is the folder of the app's own files: their paths are removed from all values, and so is a variable of nothing else.
    """
    user = {name: value for name, value in environment.items() if not _is_the_apps(name)}
    for name in _LIBRARY_PATHS:
        original = user.pop(f"{name}_ORIG", None)
        if original is not None:
            user[name] = original
    return {name: rest for name, value in user.items() if (rest := _outside(value, bundle)) or not value}


def server_environment(child: Mapping[str, str], password: str, instance: str) -> dict[str, str]:
    """Return a child's environment for `opencode serve`.

    The password is passed in the environment, because all users can read the arguments of a process. `instance` is the random
    token that identifies a server of ours. The user name is set because the user's environment may have another one.
    """
    return {
        **child,
        USER_VARIABLE: SERVER_USER,
        PASSWORD_VARIABLE: password,
        INSTANCE_VARIABLE: instance,
    }


def without_proxies(child: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without proxies, for a program that connects only to this machine."""
    return {name: value for name, value in child.items() if name.lower() not in _PROXIES}


def is_loopback(url: str) -> bool:
    """Return whether the URL's host is this machine's loopback."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _is_the_apps(name: str) -> bool:
    return name in _FROZEN_NAMES or name.startswith(_FROZEN_BEGINNINGS)


def _outside(value: str, bundle: str) -> str:
    """Return the value without paths inside the bundle; empty where none is left."""
    if bundle not in value:
        return value
    parts = (part for part in value.split(os.pathsep) if part != bundle and not part.startswith(f"{bundle}{os.sep}"))
    return os.pathsep.join(parts)


def joined_path(*paths: str | None) -> str:
    """Join several PATHs in order, without duplicates and empty entries (which mean the current folder)."""
    folders = (folder for path in paths if path for folder in path.split(os.pathsep) if folder)
    return os.pathsep.join(dict.fromkeys(folders))
