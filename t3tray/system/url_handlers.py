"""Whether the desktop knows a program for a kind of address, such as `t3code:`. It asks; it opens nothing.

It blocks: for worker threads.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

_LIMIT = 5.0


def has_handler(scheme: str, platform: str, environment: Mapping[str, str]) -> bool | None:
    """Whether some program opens such addresses; None where the system cannot be asked. `platform` as `sys.platform`."""
    if platform == "win32":
        # T3 Code registers its scheme on macOS and Linux only, and Windows answers an unknown one with a dialog of its own.
        return False
    if platform == "darwin":
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
        # Without it `xdg-open` would find nothing either: they come together.
        return False
    return bool(asked.stdout.strip())
