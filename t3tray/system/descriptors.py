"""How many files and connections this process may have open at once."""

from __future__ import annotations

import sys
from contextlib import suppress

# macOS gives an app 256, which a guard's connections and the tray's files share; more than this nothing here needs.
_WANTED = 4096


def raise_descriptor_limit() -> None:
    """Allow as many as are wanted, as far as the system lets us. Programs that are started later inherit that."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED if hard == resource.RLIM_INFINITY else min(_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
