"""Lock that allows one t3tray for each data folder, with or without a window. The file names the process that holds the lock.

It is the system's lock of an open file: it ends with its process, however that ends, and is the same for all paths of one folder.
The file stays.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from t3tray.errors import Refused, StoreError, folder_unusable

# The installer of Windows looks for it (AppMutex in packaging/windows/t3tray.iss) and asks the user to quit t3tray first.
MUTEX = "org.t3tray.t3tray"
_FILE = "tray.lock"
# On Windows a locked byte cannot be read: lock one beyond the contents.
_LOCKED_BYTE = 2**20
_LONGEST = 4096


class InstanceHolder(NamedTuple):
    """The running t3tray. `address` is where it listens for later starts; empty where it does not, or not yet. `start` is the
    process's `process_identity.start_id`; empty where it is not known, as in a file of an older version."""

    pid: int
    has_window: bool
    address: str = ""
    start: str = ""

    @classmethod
    def this_process(cls, has_window: bool, address: str = "") -> InstanceHolder:
        """Return this process with its start, if the system reports it."""
        # Imported here: the tray app takes the lock before its icon is drawn, and imports what is slow after that.
        import psutil

        from t3tray.system.process_identity import start_id

        start = ""
        with suppress(psutil.Error, OSError):
            start = start_id(os.getpid())
        return cls(os.getpid(), has_window, address, start)

    @property
    def is_running(self) -> bool:
        """Whether this process certainly still runs: the file outlives it, and its pid may be another process's by now."""
        import psutil

        from t3tray.system.process_identity import is_running

        with suppress(psutil.Error, OSError):
            return bool(self.start) and is_running(self.pid, 0.0, self.start)
        return False


class InstanceLock:
    """Held from `take` until `release` or the end of the process; a suspended process keeps it."""

    def __init__(self, directory: Path, file: str = _FILE) -> None:
        self.path = directory / file
        self._file: int | None = None

    def take(self, holder: InstanceHolder | None = None) -> bool:
        """Try to take the lock and write `holder`, if given, into the file. Return False when another process holds it.

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
            raise StoreError(
                f"t3tray's data folder cannot be used: {self.path} cannot be locked ({error.strerror or error})."
            ) from error
        self._file = opened
        with suppress(OSError):
            if sys.platform != "win32":
                os.fchmod(opened, 0o600)
            # The former holder has ended.
            os.ftruncate(opened, 0)
        if holder:
            self.name(holder)
        if sys.platform == "win32":
            _create_mutex()
        return True

    def name(self, holder: InstanceHolder) -> None:
        """Write the holder into the file, in place of what it names. Does nothing when the lock is not held.

        Other processes read it for their messages, and to judge whether a t3tray runs that will start the guard.
        """
        if self._file is not None:
            content = _as_json(holder)
            with suppress(OSError):
                os.lseek(self._file, 0, os.SEEK_SET)
                os.write(self._file, content)
                os.ftruncate(self._file, len(content))

    def release(self) -> None:
        """Release the lock, and empty the file first: there is no holder any more. Does nothing when it is not held."""
        held, self._file = self._file, None
        if held is not None:
            with suppress(OSError):
                os.ftruncate(held, 0)
            os.close(held)

    def holder(self) -> InstanceHolder | None:
        """Return the holder that the file names; None where it cannot be read."""
        import json

        try:
            with self.path.open("rb") as file:
                values = json.loads(file.read(_LONGEST))
            texts = (str(values.get(name, "")) for name in ("address", "start"))
            return InstanceHolder(int(values["pid"]), bool(values["has_window"]), *texts)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None


def _as_json(holder: InstanceHolder) -> bytes:
    # The tray app names itself before its icon is drawn, without an address and a start: importing json would delay the icon.
    if not (holder.address or holder.start):
        return b'{"pid": %d, "has_window": %s}' % (holder.pid, b"true" if holder.has_window else b"false")
    import json

    return json.dumps(holder._asdict()).encode()


def already_running(holder: InstanceHolder | None) -> Refused:
    """Return the error of a second start that cannot bring the first one to the front."""
    if holder is None:
        return Refused("t3tray is already running.", "`t3tray status` and `t3tray threads` show its state.")
    face = "" if holder.has_window else " without a window"
    return Refused(
        f"t3tray is already running{face} (process {holder.pid}).",
        f"`t3tray status` and `t3tray threads` show its state; `kill {holder.pid}` stops it.",
    )


def _create_mutex() -> None:
    """Create the mutex of this user's session; the system removes it at the end of the process. It locks nothing."""
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.kernel32.CreateMutexW(None, False, MUTEX)


def _lock(file: int) -> None:
    """Lock the file. Raises BlockingIOError when another process holds the lock."""
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
