"""Noticing that files changed, the same way on every system: their times, sizes and inodes are compared once a second.

What the systems themselves offer tells too little: FSEvents nothing of writes to a `-wal` that stays open, inotify nothing of
what another machine writes, and neither follows a link. It says only that something happened; what happened is read again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable
from itertools import groupby
from pathlib import Path
from threading import Event, Thread

from t3tray.core.system.file_stamp import Stamp, stamp_of

# In s.
PERIOD = 1.0
_FIRST_LOOK = 2.0

_State = tuple[Stamp | None, ...]


class FileWatch:
    """Calls `on_change`, from a thread of its own, after one of these files has changed; they need not exist yet.

    Each folder has a thread, so that a disk that does not answer hides no change on another one. What changes after this was made
    is noticed.
    """

    def __init__(self, files: Collection[Path], on_change: Callable[[], None], period: float = PERIOD) -> None:
        self._on_change = on_change
        self._period = period
        self._ended = Event()
        began = [self._begin(tuple(there)) for _, there in groupby(sorted(files, key=_folder), key=_folder)]
        for looked in began:
            looked.wait(_FIRST_LOOK)

    def stop(self) -> None:
        """From now on nothing is told, but for a call that has begun. It waits for no disk."""
        self._ended.set()

    def _begin(self, files: tuple[Path, ...]) -> Event:
        looked = Event()
        Thread(target=self._watch, args=(tuple(map(str, files)), looked), name=f"watch {files[0].parent}", daemon=True).start()
        return looked

    def _watch(self, files: tuple[str, ...], looked: Event) -> None:
        before = _state(files)
        looked.set()
        while not self._ended.wait(self._period):
            now = _state(files)
            if now != before and not self._ended.is_set():
                before = now
                self._on_change()


def database_files(path: Path) -> tuple[Path, Path]:
    """The two files whose change means that an SQLite database changed."""
    return path, path.with_name(f"{path.name}-wal")


def _folder(file: Path) -> Path:
    return file.parent


def _state(files: Iterable[str]) -> _State:
    """What changes with each file; None where it is not there, or may not be looked at."""
    return tuple(map(_stamp, files))


def _stamp(file: str) -> Stamp | None:
    try:
        found = os.stat(file)
    except (OSError, ValueError):
        return None
    return stamp_of(found, file)
