"""Who writes: ids for threads and intents. An intent's id names the process that wrote it: recovery leaves a live one alone."""

from __future__ import annotations

import uuid

import psutil

# In s: setting the machine's clock moves the times at which its processes started.
_CLOCK_SET = 2.0


class Author:
    """This process as a writer of intents."""

    def __init__(self, pid: int, started: float) -> None:
        self.pid = pid
        self.started = started
        self._open: set[str] = set()

    @classmethod
    def this_process(cls) -> Author:
        me = psutil.Process()
        return cls(me.pid, me.create_time())

    def new_id(self) -> str:
        return str(uuid.uuid4())

    def open_intent(self) -> str:
        """A new intent's id; it counts as being worked on until `close_intent`."""
        intent = f"{uuid.uuid4()}@{self.pid}:{self.started:.2f}"
        self._open.add(intent)
        return intent

    def close_intent(self, intent: str) -> None:
        self._open.discard(intent)

    def is_at_work(self, intent: str) -> bool:
        """Whether the process that wrote this intent is still busy with it."""
        pid, _, started = intent.rpartition("@")[2].partition(":")
        if not pid.isdecimal():
            return False
        if int(pid) == self.pid:
            return intent in self._open
        try:
            return abs(psutil.Process(int(pid)).create_time() - float(started)) < _CLOCK_SET
        except (psutil.Error, ValueError):
            return False
