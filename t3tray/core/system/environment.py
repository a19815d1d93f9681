"""The environment of the programs that we start, built in one place.

Pure: the own environment and the login shell's PATH are passed in. Nothing that is not named here is changed, above all
not OPENCODE_CONFIG_CONTENT, which replaces the user's configuration as a whole.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

SERVER_USER = "opencode"
PASSWORD_VARIABLE = "OPENCODE_SERVER_PASSWORD"
USER_VARIABLE = "OPENCODE_SERVER_USERNAME"
INSTANCE_VARIABLE = "T3TRAY_INSTANCE"
SERVER_URL_VARIABLE = "T3TRAY_SERVER_URL"
# The program that a terminal is to start as t3tray, where that is not the usual one.
PROGRAM_VARIABLE = "T3TRAY_PROGRAM"

# A frozen app's own libraries are put before the system's for itself only; its boot loader keeps the old value in `…_ORIG`.
_LIBRARY_PATHS = ("LD_LIBRARY_PATH", "LIBPATH", "DYLD_LIBRARY_PATH")


def child_environment(base: Mapping[str, str], login_path: str | None = None, frozen: bool = False) -> dict[str, str]:
    """What a child gets: `base`, with the folders of the login shell's PATH added at the end of PATH.

    An app that the desktop started has a short PATH, and the tools that OpenCode runs are not in it. `frozen` is true in
    a packaged app.
    """
    child = dict(base)
    for name in _LIBRARY_PATHS:
        original = child.pop(f"{name}_ORIG", None)
        if original is not None:
            child[name] = original
        elif frozen:
            child.pop(name, None)
    path = joined_path(child.get("PATH"), login_path)
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


def joined_path(*paths: str | None) -> str:
    """Several PATHs as one: the order is kept, a folder stands once, empty ones (the current folder) are left out."""
    folders = (folder for path in paths if path for folder in path.split(os.pathsep) if folder)
    return os.pathsep.join(dict.fromkeys(folders))
