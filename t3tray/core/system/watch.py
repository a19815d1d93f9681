"""Noticing that files changed, without polling. It says only that something happened; what happened is read again."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

_CHANGES = frozenset({"created", "modified", "deleted", "moved"})


class FileWatch:
    """Calls `on_change` from a thread of its own whenever one of these files, which need not exist yet, has changed.

    Folders that appear later are not seen. Raises OSError when the system watches no more.
    """

    def __init__(self, files: Collection[Path], on_change: Callable[[], None]) -> None:
        names = {str(file) for file in files}
        self._observer = Observer()
        handler = _Handler(names, on_change)
        for directory in existing_folders(files):
            self._observer.schedule(handler, str(directory), recursive=False)
        try:
            self._observer.start()
        except OSError:
            # Some of its threads may run already.
            self._observer.stop()
            raise

    def stop(self) -> None:
        self._observer.stop()
        self._observer.join()


class _Handler(FileSystemEventHandler):
    def __init__(self, names: set[str], on_change: Callable[[], None]) -> None:
        self._names = names
        self._on_change = on_change

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in _CHANGES and (str(event.src_path) in self._names or str(event.dest_path) in self._names):
            self._on_change()


def existing_folders(files: Iterable[Path]) -> frozenset[Path]:
    """The folders of these files that there are now, and may be looked into: those that a watch that begins now sees."""
    return frozenset(file.parent for file in files if os.path.isdir(file.parent))


def database_files(path: Path) -> tuple[Path, Path]:
    """The two files whose change means that an SQLite database changed."""
    return path, path.with_name(f"{path.name}-wal")
