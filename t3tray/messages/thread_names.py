"""The sentences on a thread that was named by its id or the beginning of it, and could not be found."""

from __future__ import annotations

from collections.abc import Sequence

from t3tray.domain.thread import Thread
from t3tray.errors import T3TrayError, ThreadNotFound, UsageError

# How many threads are listed where several ids begin so.
_SHOWN = 5


def no_such_thread(name: str) -> ThreadNotFound:
    return ThreadNotFound(f"There is no thread “{name}”.", "`t3tray threads` lists them.")


def not_one_thread(prefix: str, found: Sequence[Thread]) -> T3TrayError:
    """Return the error that says why `prefix` names none of the threads, or which ones (`found`) it may mean."""
    if not prefix:
        return UsageError("A thread is named by its id or by the beginning of its id.")
    if not found:
        return no_such_thread(prefix)
    listed = ", ".join(f"{thread.id} ({thread.title})" for thread in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return UsageError(f"“{prefix}” is the beginning of {len(found)} threads: {listed}{more}.", "Give more of the id.")
