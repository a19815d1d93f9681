"""One t3tray per data folder: the first holds a lock and listens; a second one asks it to show its window, and ends."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSocketNotifier, Signal, Slot

from t3tray.errors import Refused
from t3tray.system.instance_lock import InstanceHolder, InstanceLock, already_running

if TYPE_CHECKING:
    from socket import socket

_RAISE = b"raise\n"
_LIMIT_MS = 2000


class Instance(QObject):
    """The single-instance lock. `take` is cheap and comes first; `listen` comes after the icon is shown."""

    raise_wanted = Signal()

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory
        self._lock = InstanceLock(directory)
        self._listener: QObject | None = None
        # The listening socket, then the last accepted connection.
        self._sockets: list[socket] = []

    def take(self) -> bool:
        """Take the lock. Return False if another process has it. Raises StoreError when the data folder cannot be used."""
        return self._lock.take(InstanceHolder(os.getpid(), has_window=True))

    def listen(self) -> None:
        """Accept requests of processes that start later; they read the address from the lock file."""
        address = address_of(self._directory)
        self._lock.name(InstanceHolder.this_process(True, address))
        if sys.platform == "win32":
            from PySide6.QtNetwork import QLocalServer

            server = QLocalServer(self)
            server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
            server.newConnection.connect(self._on_connection)
            server.listen(address)
            self._listener = server
            return
        import socket

        # We hold the lock, so the process that left this socket file is gone.
        with suppress(OSError):
            Path(address).unlink()
        ours = socket.socket(socket.AF_UNIX)
        self._sockets = [ours]
        try:
            ours.bind(address)
            Path(address).chmod(0o600)
            ours.listen()
        except OSError:
            return  # a second t3tray then reports that this one does not answer
        ours.setblocking(False)
        self._listener = QSocketNotifier(ours.fileno(), QSocketNotifier.Type.Read, self)
        self._listener.activated.connect(self._on_connection)

    def close(self) -> None:
        """Stop listening. The lock stays held until the process ends."""
        if isinstance(self._listener, QSocketNotifier):
            self._listener.setEnabled(False)
        for each in self._sockets:
            each.close()
        self._sockets.clear()

    def raise_first(self) -> None:
        """Ask the running t3tray to show its window. Raises Refused if it has no window or does not answer."""
        holder = self._lock.holder()
        if holder and not holder.has_window:
            raise already_running(holder)
        # Its address may differ from ours: another login session has another runtime folder.
        if not _ask_to_raise(holder.address if holder and holder.address else address_of(self._directory)):
            raise Refused("t3tray is already running, but does not answer.", "End it, then start it again.")

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
            # Keep it open until the next one: the client has yet to write its request.
            self._sockets[1:] = [asking]
            self.raise_wanted.emit()


def _ask_to_raise(address: str) -> bool:
    """Ask the process that listens at `address` to show its window; whether that could be sent."""
    if sys.platform == "win32":
        from PySide6.QtNetwork import QLocalSocket

        pipe = QLocalSocket()
        pipe.connectToServer(address)
        if not pipe.waitForConnected(_LIMIT_MS):
            return False
        pipe.write(_RAISE)
        is_sent = pipe.waitForBytesWritten(_LIMIT_MS)
        pipe.disconnectFromServer()
        return is_sent
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
    """Return a key that is equal for all names of one folder (links, bind mounts, spellings), as its lock file is one for all."""
    try:
        found = directory.stat()
    except OSError:
        return str(directory.resolve())
    return f"{found.st_dev}:{found.st_ino}" if found.st_ino else str(directory.resolve())


def address_of(directory: Path) -> str:
    """Return the path of a socket in the user's runtime folder, or a pipe's name on Windows.

    At most 100 characters where possible: a Unix socket's path is limited to 107.
    """
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
