"""Detects changes of files in the same way on every system: one thread compares times, sizes and inodes once a second.

The systems' notifications are insufficient: FSEvents does not report writes to a `-wal` that stays open, inotify does not report
writes by another machine, and neither follows a link. Only the fact of a change is reported; callers read the files again.
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

# In seconds. A `stat` that takes longer than `BLOCKED_AFTER` may never return: its disk or mount does not respond.
PERIOD = 1.0
BLOCKED_AFTER = 2.0
_log = logging.getLogger(__name__)


class FileWatch:
    """Calls `on_change`, from its thread, after one of these files has changed; they need not exist yet.

    All changes after the constructor has returned are detected. One thread checks all files. Call `relieve` every few seconds, so
    that a folder whose `stat` blocks does not hide changes in the others.
    """

    def __init__(self, files: Collection[Path], on_change: Callable[[], None], period: float = PERIOD) -> None:
        self._on_change = on_change
        self._period = period
        self._folders = {str(folder): tuple(map(str, there)) for folder, there in groupby(sorted(files, key=_folder), _folder)}
        self._stamps: dict[str, tuple[Stamp | None, ...]] = {}
        self._blocked: set[str] = set()
        self._lock = Lock()
        self._ended = Event()
        self._has_begun = Event()
        self._begin()
        while not self._has_begun.wait(BLOCKED_AFTER):
            self.relieve()

    def stop(self) -> None:
        """Stop. A call of `on_change` that has begun still finishes. Does not wait for disks."""
        self._ended.set()

    def relieve(self) -> None:
        """Leave a blocked `stat` to its thread, and start another thread for all other folders. Does not block.

        The first thread ends when its `stat` returns; its folder is then checked with the others again.
        """
        with self._lock:
            blocked = self._current
            if self._ended.is_set() or not blocked.folder or time.monotonic() - blocked.since < BLOCKED_AFTER:
                return
            self._blocked.add(blocked.folder)
            self._begin()
        _log.warning("%s does not respond: changes of the files there are not detected until it does.", blocked.folder)

    def _begin(self) -> None:
        self._current = _WatchThread()
        Thread(target=self._watch, args=(self._current,), name="watch", daemon=True).start()

    def _watch(self, current: _WatchThread) -> None:
        while not self._ended.is_set():
            for folder, files in self._folders.items():
                if self._has_changed(current, folder, files):
                    self._report()
            if current is not self._current:
                return
            self._has_begun.set()
            self._ended.wait(self._period)

    def _has_changed(self, current: _WatchThread, folder: str, files: tuple[str, ...]) -> bool:
        """Return whether anything in the folder changed since the last check; False while another thread is blocked in it."""
        with self._lock:
            if current is not self._current or folder in self._blocked:
                return False
            current.since, current.folder = time.monotonic(), folder
        now = tuple(map(_stamp, files))
        with self._lock:
            current.folder = ""
            before = self._stamps.get(folder, now)
            self._stamps[folder] = now
            if current is not self._current:
                # While the folder was blocked its files could not be read either.
                self._blocked.discard(folder)
                return True
        return now != before

    def _report(self) -> None:
        if self._ended.is_set():
            return
        try:
            self._on_change()
        except Exception:
            _log.exception("A change of a file could not be handled.")


class _WatchThread:
    """State of one thread: the folder that its `stat` is in, empty in between, and since when (monotonic, in seconds)."""

    def __init__(self) -> None:
        self.folder = ""
        self.since = 0.0


def database_files(path: Path) -> tuple[Path, Path]:
    """Return the two files of which one changes with every change of an SQLite database."""
    return path, path.with_name(f"{path.name}-wal")


def _folder(file: Path) -> Path:
    return file.parent


def _stamp(file: str) -> Stamp | None:
    """Return a stamp that changes with the file; None where it is missing or inaccessible."""
    try:
        found = os.stat(file)
    except (OSError, ValueError):
        return None
    return stamp_of(found, file)
