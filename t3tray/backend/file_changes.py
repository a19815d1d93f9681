"""Calls back on the event loop when watched files change."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from t3tray.system.file_watch import FileWatch

# In s: how often it is made sure that no disk blocks the watch.
RELIEVE_EVERY = 5.0


class FileChanges:
    """Lives on the event loop; `changed` is called there."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._watch: FileWatch | None = None
        self._files: frozenset[Path] = frozenset()
        self._timer: asyncio.TimerHandle | None = None

    async def follow(self, files: tuple[Path, ...]) -> None:
        """Watch these files from now on, also ones that appear later; costs nothing while they are the same."""
        if self._files == frozenset(files):
            return
        loop = asyncio.get_running_loop()

        def tell() -> None:
            with contextlib.suppress(RuntimeError):  # the loop may have ended while the watch's thread still reports a change
                loop.call_soon_threadsafe(self._changed)

        self.stop()
        self._files = frozenset()
        self._watch = await asyncio.to_thread(FileWatch, files, tell)
        self._files = frozenset(files)
        self._relieve(self._watch)

    def stop(self) -> None:
        watch, self._watch = self._watch, None
        if self._timer:
            self._timer.cancel()
        if watch:
            watch.stop()

    def _relieve(self, watch: FileWatch) -> None:
        watch.relieve()
        self._timer = asyncio.get_running_loop().call_later(RELIEVE_EVERY, self._relieve, watch)
