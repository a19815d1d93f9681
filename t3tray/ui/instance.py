"""One t3tray for each data folder: the first holds a lock and listens, a second one asks it to come up and ends."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSocketNotifier, Signal, Slot

from t3tray.errors import Refused
from t3tray.system.instance_lock import InstanceHolder, InstanceLock, runs_already

if TYPE_CHECKING:
    from socket import socket

_RAISE = b"raise\n"
_LIMIT_MS = 2000


class Instance(QObject):
    """Take it first, listen later: the lock costs nothing, all else some of the time to the icon."""

    raise_wanted = Signal()

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory
        self._lock = InstanceLock(directory)
        self._listener: QObject | None = None
        # The one that listens, and the last one that asked.
        self._sockets: list[socket] = []

    def take(self) -> bool:
        """True when we are the first. Raises StoreError when the data folder cannot be used."""
        return self._lock.take()

    def listen(self) -> None:
        """Hear those who start later, who learn where from the lock."""
        address = address_of(self._directory)
        self._lock.name(InstanceHolder(os.getpid(), True, address))
        if sys.platform == "win32":
            from PySide6.QtNetwork import QLocalServer

            server = QLocalServer(self)
            server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
            server.newConnection.connect(self._on_connection)
            server.listen(address)
            self._listener = server
            return
        import socket

        # We hold the lock, so whoever left this socket is gone.
        with suppress(OSError):
            Path(address).unlink()
        ours = socket.socket(socket.AF_UNIX)
        self._sockets = [ours]
        try:
            ours.bind(address)
            Path(address).chmod(0o600)
            ours.listen()
        except OSError:
            return  # a second t3tray says that nobody answers
        ours.setblocking(False)
        self._listener = QSocketNotifier(ours.fileno(), QSocketNotifier.Type.Read, self)
        self._listener.activated.connect(self._on_connection)

    def close(self) -> None:
        """Hear nobody any more. The lock is held on."""
        if isinstance(self._listener, QSocketNotifier):
            self._listener.setEnabled(False)
        for each in self._sockets:
            each.close()
        self._sockets.clear()

    def raise_first(self) -> None:
        """Ask the one that runs to come up. Raises Refused where it has no window, or does not answer."""
        holder = self._lock.holder()
        if holder and not holder.has_window:
            raise runs_already(holder)
        # It may listen elsewhere than we would: another session has another runtime folder.
        if not _told(holder.address if holder and holder.address else address_of(self._directory)):
            raise Refused("t3tray runs already, but does not answer.", "End it, then start it again.")

    @Slot()
    def _on_connection(self) -> None:
        if sys.platform == "win32":
            from PySide6.QtNetwork import QLocalServer

            assert isinstance(self._listener, QLocalServer)
            while connection := self._listener.nextPendingConnection():
                connection.disconnected.connect(connection.deleteLater)
                self.raise_wanted.emit()
            return
        with suppress(OSError):
            asking, _ = self._sockets[0].accept()
            for before in self._sockets[1:]:
                before.close()
            # Open until another comes: who asks is still to write its word.
            self._sockets[1:] = [asking]
            self.raise_wanted.emit()


def _told(address: str) -> bool:
    """Whether the one that listens there was asked to come up."""
    if sys.platform == "win32":
        from PySide6.QtNetwork import QLocalSocket

        pipe = QLocalSocket()
        pipe.connectToServer(address)
        if not pipe.waitForConnected(_LIMIT_MS):
            return False
        pipe.write(_RAISE)
        told = pipe.waitForBytesWritten(_LIMIT_MS)
        pipe.disconnectFromServer()
        return told
    import socket

    with socket.socket(socket.AF_UNIX) as ours:
        ours.settimeout(_LIMIT_MS / 1000)
        try:
            ours.connect(address)
            ours.sendall(_RAISE)
        except OSError:
            return False
    return True


def _identity(directory: Path) -> str:
    """The same for all names of one folder (links, bind mounts, spellings), as the lock in it is one for all of them."""
    try:
        found = directory.stat()
    except OSError:
        return str(directory.resolve())
    return f"{found.st_dev}:{found.st_ino}" if found.st_ino else str(directory.resolve())


def address_of(directory: Path) -> str:
    """A socket in the user's own runtime folder, or a pipe's name on Windows. Short: a path of 107 characters is too long."""
    import hashlib
    import tempfile

    name = f"t3tray-{hashlib.sha256(_identity(directory).encode()).hexdigest()[:16]}"
    if sys.platform == "win32":
        return name
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(runtime) if runtime and Path(runtime).is_dir() else directory
    own = f"{os.getuid()}-{name}.sock"
    paths = (folder / f"{name}.sock", Path(tempfile.gettempdir()) / own, Path("/tmp") / own)  # noqa: S108 (a folder of our own in it)
    return next((str(path) for path in paths if len(str(path)) <= 100), str(paths[-1]))
