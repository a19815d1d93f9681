"""Ids for threads and intents. An intent's id names its process and machine, so that recovery skips intents whose process may be
alive. The state of another machine's processes cannot be read here."""

from __future__ import annotations

import uuid

import psutil

from t3tray.errors import WorldError
from t3tray.system.machine import is_this_machine, this_machine
from t3tray.system.process_identity import is_running, start_id


class IntentIds:
    """Makes ids for this process. `started` is in seconds since the epoch, `start` as in `process_identity.start_id`."""

    def __init__(self, pid: int, started: float, start: str = "") -> None:
        self.pid = pid
        self.started = started
        self.start = start
        self._open: set[str] = set()
        # Whether an intent of ours may be unsettled without running work; reset by recovery.
        self.left_open = True

    @classmethod
    def this_process(cls) -> IntentIds:
        """Raises WorldError where the system's list of processes is unavailable, because intents could not be judged then."""
        try:
            me = psutil.Process()
            return cls(me.pid, me.create_time(), start_id(me.pid))
        except (psutil.NoSuchProcess, OSError) as error:
            raise WorldError(
                "This system does not list its processes, so t3tray cannot tell which changes are still in progress.",
                "Mount /proc here: mount -t proc proc /proc",
            ) from error

    def new_id(self) -> str:
        return str(uuid.uuid4())

    def open_intent(self) -> str:
        """Return a new intent's id. It counts as in progress until `close_intent` or `leave_intent`."""
        intent = f"{uuid.uuid4()}@{self.pid}:{self.start or self.started}/{this_machine().partition(' ')[0]}"
        self._open.add(intent)
        return intent

    def close_intent(self, intent: str) -> None:
        """Mark an intent as settled."""
        self._open.discard(intent)

    def leave_intent(self, intent: str) -> None:
        """Mark an intent as no longer in progress; recovery settles it if necessary."""
        if intent in self._open:
            self._open.discard(intent)
            self.left_open = True

    def is_at_work(self, intent: str) -> bool:
        """Return whether the intent's process may still be working on it."""
        if is_elsewhere(intent):
            return True
        pid, _, start = intent.rpartition("@")[2].partition("/")[0].partition(":")
        if not pid.isdecimal():
            return False
        if int(pid) == self.pid:
            return intent in self._open
        try:
            return _is_running(int(pid), start)
        except (psutil.Error, OSError):
            # The process exists but may not be inspected: assume that it is working.
            return True


def is_elsewhere(intent: str) -> bool:
    """Return whether another machine or container with the same data folder wrote it. Ids of older versions name none."""
    return not is_this_machine(intent.rpartition("@")[2].partition("/")[2])


def _is_running(pid: int, start: str) -> bool:
    try:
        # Written by an older version: a wall-clock time.
        return is_running(pid, float(start))
    except ValueError:
        return is_running(pid, 0.0, start)
