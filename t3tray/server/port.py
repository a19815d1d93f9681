"""Free ports on loopback, found by binding them ourselves: OpenCode gives no text when its port is taken."""

from __future__ import annotations

import secrets
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

HOST = "127.0.0.1"
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
# Of macOS and Windows, and of the assignment of ports itself.
_EPHEMERAL_FROM = 49152
# Below are many ports that programs are known by.
_LASTING_FROM = 20_000
_TRIES = 100


def choose_port() -> int:
    """A port that nobody has now. Another program may still take it first: whoever uses it has to be ready for that."""
    with _socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def choose_lasting_port(but: int = 0, pick: Callable[[Sequence[int]], int] = secrets.choice) -> int:
    """A free port below those that the system gives to outgoing connections, which would take it in a pause; never `but`."""
    low = _first_ephemeral()
    lasting = range(min(_LASTING_FROM, low // 2), low)
    for _ in range(_TRIES):
        port = pick(lasting)
        if port != but and is_free(port):
            return port
    return choose_port()


def _first_ephemeral() -> int:
    """The first port that the system gives to outgoing connections."""
    try:
        return int(_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return _EPHEMERAL_FROM


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
