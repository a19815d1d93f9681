"""One t3tray for each data folder: the first holds a lock and listens, a second one asks it to come up and ends."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from t3tray.core.errors import Refused
from t3tray.core.system.instance_lock import Holder, InstanceLock, runs_already

_RAISE = b"raise\n"
_LIMIT_MS = 2000


class Instance(QObject):
    """Take it first, listen later: the lock costs nothing, the network module some of the time to the icon."""

    raise_wanted = Signal()

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._lock = InstanceLock(directory)
        self._address = _address(directory)
        self._server: QObject | None = None

    def take(self) -> bool:
        """True when we are the first. Raises StoreError when the data folder cannot be used."""
        return self._lock.take(Holder(os.getpid(), True, self._address))

    def listen(self) -> None:
        """Hear those who start later."""
        from PySide6.QtNetwork import QLocalServer

        # We hold the lock, so whoever left this socket is gone.
        QLocalServer.removeServer(self._address)
        server = QLocalServer(self)
        server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        server.newConnection.connect(self._on_connection)
        server.listen(self._address)
        self._server = server

    def raise_first(self) -> None:
        """Ask the one that runs to come up. Raises Refused where it has no window, or does not answer."""
        from PySide6.QtNetwork import QLocalSocket

        holder = self._lock.holder()
        if holder and not holder.has_window:
            raise runs_already(holder)
        socket = QLocalSocket()
        # It may listen elsewhere than we would: another session has another runtime folder.
        socket.connectToServer(holder.address if holder and holder.address else self._address)
        if socket.waitForConnected(_LIMIT_MS):
            socket.write(_RAISE)
            told = socket.waitForBytesWritten(_LIMIT_MS)
            socket.disconnectFromServer()
            if told:
                return
        raise Refused("t3tray runs already, but does not answer.", "End it, then start it again.")

    @Slot()
    def _on_connection(self) -> None:
        from PySide6.QtNetwork import QLocalServer

        assert isinstance(self._server, QLocalServer)
        while connection := self._server.nextPendingConnection():
            connection.disconnected.connect(connection.deleteLater)
            self.raise_wanted.emit()


def _identity(directory: Path) -> str:
    """The same for all names of one folder (links, bind mounts, spellings), as the lock in it is one for all of them."""
    try:
        found = directory.stat()
    except OSError:
        return str(directory.resolve())
    return f"{found.st_dev}:{found.st_ino}" if found.st_ino else str(directory.resolve())


def _address(directory: Path) -> str:
    """A socket in the user's own runtime folder, or a pipe's name on Windows. Short: a path of 107 characters is too long."""
    name = f"t3tray-{hashlib.sha256(_identity(directory).encode()).hexdigest()[:16]}"
    if sys.platform == "win32":
        return name
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(runtime) if runtime and Path(runtime).is_dir() else directory
    own = f"{os.getuid()}-{name}.sock"
    paths = (folder / f"{name}.sock", Path(tempfile.gettempdir()) / own, Path("/tmp") / own)
    return next((str(path) for path in paths if len(str(path)) <= 100), str(paths[-1]))
