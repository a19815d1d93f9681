"""Changes of files, found the same way on every system: one thread compares their times, sizes and inodes once a second.

The notifications of the systems say too little: FSEvents nothing of writes to a `-wal` that stays open, inotify nothing of what
another machine writes, and neither follows a link. A change is all that is told; what changed has to be read again.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Collection
from itertools import groupby
from pathlib import Path
from threading import Event, Lock, Thread

from t3tray.system.file_stamp import Stamp, stamp_of

# In s. A `stat` that takes longer than `BLOCKED_AFTER` is one that may never return: its disk or mount does not answer.
PERIOD = 1.0
BLOCKED_AFTER = 2.0
_log = logging.getLogger(__name__)


class FileWatch:
    """Calls `on_change`, from its thread, after one of these files has changed; they need not exist yet.

    What changes after the constructor has returned is noticed. One thread looks at all files. `relieve` has to be called every
    few seconds: then a folder whose `stat` blocks hides no change in the others.
    """

    def __init__(self, files: Collection[Path], on_change: Callable[[], None], period: float = PERIOD) -> None:
        self._on_change = on_change
        self._period = period
        self._folders = {str(folder): tuple(map(str, there)) for folder, there in groupby(sorted(files, key=_folder), _folder)}
        self._stamps: dict[str, tuple[Stamp | None, ...]] = {}
        self._blocked: set[str] = set()
        self._lock = Lock()
        self._ended = Event()
        self._has_looked = Event()
        self._begin()
        while not self._has_looked.wait(BLOCKED_AFTER):
            self.relieve()

    def stop(self) -> None:
        """No change is told from now on, except by a call of `on_change` that has begun. It waits for no disk."""
        self._ended.set()

    def relieve(self) -> None:
        """Leave a `stat` that blocks to its thread, and have another one look at the files in all other folders. Does not block.

        The first thread ends when its `stat` returns; that folder is looked at with the others again from then on.
        """
        with self._lock:
            shift = self._shift
            if self._ended.is_set() or not shift.folder or time.monotonic() - shift.since < BLOCKED_AFTER:
                return
            self._blocked.add(shift.folder)
            self._begin()
        _log.warning("%s does not answer: changes of the files there are not noticed until it does.", shift.folder)

    def _begin(self) -> None:
        self._shift = _Shift()
        Thread(target=self._watch, args=(self._shift,), name="watch", daemon=True).start()

    def _watch(self, shift: _Shift) -> None:
        while not self._ended.is_set():
            for folder, files in self._folders.items():
                if self._look(shift, folder, files):
                    self._tell()
            if shift is not self._shift:
                return
            self._has_looked.set()
            self._ended.wait(self._period)

    def _look(self, shift: _Shift, folder: str, files: tuple[str, ...]) -> bool:
        """Whether anything changed in the folder since the last look. False for one that another thread is blocked in."""
        with self._lock:
            if shift is not self._shift or folder in self._blocked:
                return False
            shift.since, shift.folder = time.monotonic(), folder
        now = tuple(map(_stamp, files))
        with self._lock:
            shift.folder = ""
            before = self._stamps.get(folder, now)
            self._stamps[folder] = now
            if shift is not self._shift:
                # While it was blocked its files could not even be read.
                self._blocked.discard(folder)
                return True
        return now != before

    def _tell(self) -> None:
        if self._ended.is_set():
            return
        try:
            self._on_change()
        except Exception:
            _log.exception("A change of a file could not be told.")


class _Shift:
    """One thread's time on duty: the folder in which its `stat` is now, and since when (monotonic, in s); empty between two."""

    def __init__(self) -> None:
        self.folder = ""
        self.since = 0.0


def database_files(path: Path) -> tuple[Path, Path]:
    """The two files whose change means that an SQLite database changed."""
    return path, path.with_name(f"{path.name}-wal")


def _folder(file: Path) -> Path:
    return file.parent


def _stamp(file: str) -> Stamp | None:
    """What changes with the file; None where it is not there, or may not be looked at."""
    try:
        found = os.stat(file)
    except (OSError, ValueError):
        return None
    return stamp_of(found, file)
