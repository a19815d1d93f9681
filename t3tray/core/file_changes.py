"""Being told when files of others change, in folders that may appear later. What no watcher tells is left to the slow refresh."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from t3tray.core.system.watch import FileWatch, existing_folders

_UNWATCHED = "What other programs change is noticed once a minute only, because their files cannot be watched"
_log = logging.getLogger(__name__)


class FileChanges:
    """Lives on the event loop; `changed` is called there. `trouble` is why nothing is told, in a sentence to be shown."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.trouble: tuple[str, ...] = ()
        self._changed = changed
        self._watch: FileWatch | None = None
        self._folders: frozenset[Path] = frozenset()

    async def follow(self, files: tuple[Path, ...]) -> None:
        """Be told of these from now on; costs next to nothing while their folders are the same."""
        folders = await asyncio.to_thread(existing_folders, files)
        if folders == self._folders:
            return
        self._folders = folders
        loop = asyncio.get_running_loop()

        def tell() -> None:
            with contextlib.suppress(RuntimeError):  # the loop may have ended while the watcher's thread still tells of a change
                loop.call_soon_threadsafe(self._changed)

        await self.stop()
        try:
            self._watch = await asyncio.to_thread(FileWatch, files, tell)
            self.trouble = ()
        except OSError as error:
            _log.warning("The files cannot be watched: %s", error)
            self.trouble = (f"{_UNWATCHED} ({error.strerror or error}).",)

    async def stop(self) -> None:
        watch, self._watch = self._watch, None
        if watch:
            await asyncio.to_thread(watch.stop)
