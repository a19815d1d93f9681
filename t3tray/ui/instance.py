"""One t3tray per data folder: the first holds a lock and listens; a second one asks it to show its window, and ends.

A request is one line: `raise`, or a link that the window is to show. An earlier t3tray shows its window at any request.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QIODevice, QObject, QSocketNotifier, Signal, Slot

from t3tray.errors import Refused
from t3tray.system.instance_lock import InstanceHolder, InstanceLock, already_running

if TYPE_CHECKING:
    from socket import socket

    from t3tray.domain.link import ThreadLink

_RAISE = b"raise\n"
_LIMIT_MS = 2000
# In seconds: how long another process may take from its lock to its address.
_START_LIMIT = 5.0
# Connections that have not sent their request yet; the oldest is closed for a new one.
_MOST_WAITING = 8
# In bytes.
_LONGEST_REQUEST = 256


class Instance(QObject):
    """The single-instance lock. `take` is cheap and comes first; `listen` comes after the icon is shown."""

    raise_wanted = Signal()
    link_wanted = Signal(object)

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory
        self._lock = InstanceLock(directory)
        self._listener: QObject | None = None
        self._socket: socket | None = None
        self._waiting: list[_Connection] = []

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
        self._socket = ours
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
        """Stop listening. The lock stays held until `release` or the end of the process."""
        if isinstance(self._listener, QSocketNotifier):
            self._listener.setEnabled(False)
        if self._socket:
            self._socket.close()
        while self._waiting:
            self._waiting.pop().close()

    def release(self) -> None:
        """Release the lock before the process ends, for another one that is to take its place."""
        self._lock.release()

    def raise_first(self, link: ThreadLink | None = None) -> None:
        """Ask the running t3tray to show its window, with the link's thread. Raises Refused if it has no window or does not
        answer."""
        request = f"{link}\n".encode() if link else _RAISE
        limit = time.monotonic() + _START_LIMIT
        while True:
            holder = self._lock.holder()
            if holder and not holder.has_window:
                raise already_running(holder)
            # Its address may differ from ours: another login session has another runtime folder.
            if _ask(holder.address if holder and holder.address else address_of(self._directory), request):
                return
            if (holder and holder.address) or time.monotonic() > limit:
                raise Refused("t3tray is already running, but does not answer.", "End it, then start it again.")
            # It has just been started, as by a double click on a link, and names its address as soon as its icon is drawn.
            time.sleep(0.05)

    @Slot()
    def _on_connection(self) -> None:
        if sys.platform == "win32":
            from PySide6.QtNetwork import QLocalServer

            assert isinstance(self._listener, QLocalServer)
            while pipe := self._listener.nextPendingConnection():
                pipe.disconnected.connect(pipe.deleteLater)
                pipe.readyRead.connect(self._on_pipe_readable)
            return
        assert self._socket
        with suppress(OSError):
            accepted, _ = self._socket.accept()
            self._waiting.append(_Connection(accepted, self._on_request, self))
            if len(self._waiting) > _MOST_WAITING:
                self._waiting.pop(0).close()

    @Slot()
    def _on_pipe_readable(self) -> None:
        """Read a request on Windows. It comes as a whole: it was written at once, and is shorter than a pipe's buffer."""
        pipe = self.sender()
        assert isinstance(pipe, QIODevice)
        self._follow(bytes(pipe.readAll().data()))

    def _on_request(self, connection: _Connection, request: bytes) -> None:
        self._waiting.remove(connection)
        connection.close()
        self._follow(request)

    def _follow(self, request: bytes) -> None:
        from t3tray.domain.link import parse_link

        link = parse_link(request.decode(errors="replace").removesuffix("\n"))
        if link:
            self.link_wanted.emit(link)
        else:
            self.raise_wanted.emit()


class _Connection:
    """A connection whose request is read when it arrives. Calls `on_request` with it once: at the end of a line or connection."""

    def __init__(self, accepted: socket, on_request: Callable[[_Connection, bytes], None], parent: QObject) -> None:
        self._socket = accepted
        self._on_request = on_request
        self._read = b""
        accepted.setblocking(False)
        self._notifier = QSocketNotifier(accepted.fileno(), QSocketNotifier.Type.Read, parent)
        self._notifier.activated.connect(self._on_readable)

    def close(self) -> None:
        self._notifier.setEnabled(False)
        # It may be in the midst of its own signal.
        self._notifier.deleteLater()
        self._socket.close()

    def _on_readable(self) -> None:
        try:
            arrived = self._socket.recv(_LONGEST_REQUEST - len(self._read))
        except BlockingIOError:
            return
        except OSError:
            arrived = b""
        self._read += arrived
        if not arrived or arrived.endswith(b"\n") or len(self._read) >= _LONGEST_REQUEST:
            self._on_request(self, self._read)


def _ask(address: str, request: bytes) -> bool:
    """Send a request to the process that listens at `address`. Return whether it could be sent."""
    if sys.platform == "win32":
        from PySide6.QtNetwork import QLocalSocket

        pipe = QLocalSocket()
        pipe.connectToServer(address)
        if not pipe.waitForConnected(_LIMIT_MS):
            return False
        pipe.write(request)
        is_sent = pipe.waitForBytesWritten(_LIMIT_MS)
        pipe.disconnectFromServer()
        return is_sent
    import socket

    with socket.socket(socket.AF_UNIX) as ours:
        ours.settimeout(_LIMIT_MS / 1000)
        try:
            ours.connect(address)
            ours.sendall(request)
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
