"""Checks whether the desktop has a program for a URL scheme, such as `t3code:`. Opens nothing.

Blocks: call it in worker threads.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

_LIMIT = 5.0


def has_handler(scheme: str, platform: str, environment: Mapping[str, str]) -> bool | None:
    """Return whether a program handles the scheme; None where that cannot be queried. `platform` as `sys.platform`."""
    if platform == "win32":
        # T3 Code registers its scheme on macOS and Linux only, and Windows shows a dialog for an unknown one.
        return False
    if platform == "darwin":
        # Only `open` itself tells, by its exit status.
        return None
    try:
        asked = subprocess.run(
            ["xdg-mime", "query", "default", f"x-scheme-handler/{scheme}"],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        # Without `xdg-mime` there is no `xdg-open` either: both are in xdg-utils.
        return False
    return bool(asked.stdout.strip())
