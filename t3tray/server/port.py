"""Free ports on loopback, tested by binding them: OpenCode prints nothing when its port is taken."""

from __future__ import annotations

import secrets
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

HOST = "127.0.0.1"
EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
# Start of the ephemeral ports on macOS and Windows, and in IANA's assignment.
_EPHEMERAL_FROM = 49152
# Many well-known ports are below.
_LASTING_FROM = 20_000
_TRIES = 100


def choose_port() -> int:
    """Return a port that is free now. Another program may still take it first, so callers must handle that."""
    with _socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def choose_lasting_port(but: int = 0, pick: Callable[[Sequence[int]], int] = secrets.choice) -> int:
    """Return a free port below the ephemeral range, whose ports outgoing connections could take while unused; never `but`."""
    low = _first_ephemeral()
    lasting = range(min(_LASTING_FROM, low // 2), low)
    for _ in range(_TRIES):
        port = pick(lasting)
        if port != but and is_free(port):
            return port
    return choose_port()


def _first_ephemeral() -> int:
    """Return the first port of the ephemeral range, used for outgoing connections."""
    try:
        return int(EPHEMERAL_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return _EPHEMERAL_FROM


def is_free(port: int) -> bool:
    """Return whether a server could listen on this port now."""
    with _socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _socket() -> socket.socket:
    probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform != "win32":
        # Like servers: a port with connections in TIME_WAIT only is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return probe
