"""Records which programs this process starts, so that a test of `make quick` that starts one fails."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_STARTS = frozenset({"subprocess.Popen", "os.posix_spawn", "os.fork", "os.forkpty", "os.exec", "os.system"})
_started: list[str] = []


@contextmanager
def starts_recorded() -> Iterator[list[str]]:
    """Yield the list of programs that were started since, one text each. Programs that Qt starts are not in it."""
    _started.clear()
    yield _started


def _record(event: str, arguments: tuple[object, ...]) -> None:
    if event in _STARTS:
        _started.append(f"{event} {arguments}")


# It starts `uname -p` once in a process, for a bug report: that would be blamed on the first test that makes one.
platform.platform()
# It cannot be taken away again.
sys.addaudithook(_record)
