"""One t3tray for each data folder, with or without a window: whoever holds the lock has written down who it is.

The lock is the system's own on an open file: it ends with the process that holds it, however that ends, and means the same to all
names of one folder. The file stays.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from t3tray.errors import Refused, StoreError, folder_unusable

_FILE = "tray.lock"
# On Windows a locked byte cannot be read: the one that is locked lies behind all that is written.
_LOCKED_BYTE = 2**20
_LONGEST = 4096


class InstanceHolder(NamedTuple):
    """The t3tray that runs. `address` is where it hears those who start later; empty where it does not."""

    pid: int
    has_window: bool
    address: str = ""


class InstanceLock:
    """Held from `take` until `release`, or the end of the process, which a frozen one has not reached."""

    def __init__(self, directory: Path, file: str = _FILE) -> None:
        self.path = directory / file
        self._file: int | None = None

    def take(self, holder: InstanceHolder | None = None) -> bool:
        """True when we are the first, who is `holder` from now on, or nobody until `name` is called.

        Raises StoreError when the data folder cannot be used.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            opened = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        except OSError as error:
            raise folder_unusable(error) from error
        try:
            _lock(opened)
        except BlockingIOError:
            os.close(opened)
            return False
        except OSError as error:
            os.close(opened)
            said = f"t3tray's data folder cannot be used: {self.path} cannot be locked ({error.strerror or error})."
            raise StoreError(said) from error
        self._file = opened
        with suppress(OSError):
            if sys.platform != "win32":
                os.fchmod(opened, 0o600)
            # Whoever held it before is gone.
            os.ftruncate(opened, 0)
        if holder:
            self.name(holder)
        return True

    def name(self, holder: InstanceHolder) -> None:
        """Write down who holds it; it only helps to tell who it is. Nothing happens where it is not held."""
        import json

        if self._file is not None:
            with suppress(OSError):
                os.ftruncate(self._file, 0)
                os.write(self._file, json.dumps(holder._asdict()).encode())

    def release(self) -> None:
        """Nothing happens where it is not held."""
        held, self._file = self._file, None
        if held is not None:
            os.close(held)

    def holder(self) -> InstanceHolder | None:
        """Who holds it, as it wrote down; None where that cannot be read."""
        import json

        try:
            with self.path.open("rb") as file:
                told = json.loads(file.read(_LONGEST))
            return InstanceHolder(int(told["pid"]), bool(told["has_window"]), str(told["address"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None


def runs_already(holder: InstanceHolder | None) -> Refused:
    """What a second start is told that cannot bring the first one up."""
    if holder is None:
        return Refused("t3tray runs already.", "`t3tray status` and `t3tray threads` show what it knows.")
    face = "" if holder.has_window else " without a window"
    return Refused(
        f"t3tray runs already{face} (process {holder.pid}).",
        f"`t3tray status` and `t3tray threads` show what it knows; `kill {holder.pid}` ends it in order.",
    )


def _lock(file: int) -> None:
    """Raises BlockingIOError when another holds it."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(file, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(*error.args) from error
        finally:
            os.lseek(file, 0, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
