"""Free ports on loopback, found by binding them ourselves: OpenCode gives no text when its port is taken."""

from __future__ import annotations

import socket
import sys

HOST = "127.0.0.1"


def choose_port() -> int:
    """A port that nobody has now. Another program may still take it first: whoever uses it has to be ready for that."""
    with _socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether a server could listen on this port now."""
    with _socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _socket() -> socket.socket:
    probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform != "win32":
        # As servers do: a port whose old connections only wait to be forgotten is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return probe
