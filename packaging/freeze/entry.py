"""The first module of the packaged program: gives the process back the user's environment, then runs t3tray."""

from __future__ import annotations

import os
import sys

from t3tray.__main__ import main
from t3tray.system.environment import without_bundle


def coerce_locale() -> None:
    """Replace the locale C by C.UTF-8, as Python does (PEP 538) and the boot loader does not: Qt would complain on stderr."""
    is_named = os.environ.get("LC_ALL")
    if (
        sys.platform == "linux"
        and not is_named
        and (os.environ.get("LC_CTYPE") or os.environ.get("LANG") or "C") in ("C", "POSIX")
    ):
        os.environ["LC_CTYPE"] = "C.UTF-8"


def restore_environment(bundle: str) -> None:
    """Remove what the boot loader and Qt's start-up hook have set, so that no child inherits it (a server, git, xdg-open).

    This process needs none of it any more: its libraries are found by their rpath, Qt's plugins by PySide6's built-in qt.conf.
    """
    user = without_bundle(os.environ, bundle)
    for name in [name for name in os.environ if name not in user]:
        del os.environ[name]
    for name, value in user.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


if __name__ == "__main__":
    # PyInstaller's own attribute: the folder of the bundle's files.
    restore_environment(str(sys._MEIPASS))  # type: ignore[attr-defined]
    coerce_locale()
    sys.exit(main())
