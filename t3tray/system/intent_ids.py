"""Who writes: ids for threads and intents. An intent's id names the process that wrote it, and its machine: recovery leaves alone
what is not surely dead. Of another machine's processes nothing is known here."""

from __future__ import annotations

import uuid

import psutil

from t3tray.errors import WorldError
from t3tray.system.machine import is_this_machine, this_machine
from t3tray.system.process_identity import is_running, start_id


class IntentIds:
    """This process as a writer of intents. `started` is in s since the epoch, `start` as in `process_identity.start_id`."""

    def __init__(self, pid: int, started: float, start: str = "") -> None:
        self.pid = pid
        self.started = started
        self.start = start
        self._open: set[str] = set()
        # Whether an intent of ours may stand open with nobody at work on it: recovery looks, and takes this back.
        self.left_open = True

    @classmethod
    def this_process(cls) -> IntentIds:
        """Raises WorldError where the system tells of no process: nobody would know then who is still at work."""
        try:
            me = psutil.Process()
            return cls(me.pid, me.create_time(), start_id(me.pid))
        except (psutil.NoSuchProcess, OSError) as error:
            raise WorldError(
                "This system does not tell which programs run, so t3tray cannot know whose work is still under way.",
                "Mount /proc here: mount -t proc proc /proc",
            ) from error

    def new_id(self) -> str:
        return str(uuid.uuid4())

    def open_intent(self) -> str:
        """A new intent's id; it counts as being worked on until `close_intent` or `leave_intent`."""
        intent = f"{uuid.uuid4()}@{self.pid}:{self.start or self.started}/{this_machine().partition(' ')[0]}"
        self._open.add(intent)
        return intent

    def close_intent(self, intent: str) -> None:
        """It is settled."""
        self._open.discard(intent)

    def leave_intent(self, intent: str) -> None:
        """Nobody is at work on it any more, whatever came of it: what is not settled is left to recovery."""
        if intent in self._open:
            self._open.discard(intent)
            self.left_open = True

    def is_at_work(self, intent: str) -> bool:
        """Whether the process that wrote this intent is still busy with it, as far as anybody can tell."""
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
            # It is there and may not be looked at: not dead, as far as anybody can tell.
            return True


def is_elsewhere(intent: str) -> bool:
    """Whether another machine, or container, that uses the same data folder wrote it. An older version's names none."""
    return not is_this_machine(intent.rpartition("@")[2].partition("/")[2])


def _is_running(pid: int, start: str) -> bool:
    try:
        # An older version's: a wall-clock time.
        return is_running(pid, float(start))
    except ValueError:
        return is_running(pid, 0.0, start)
