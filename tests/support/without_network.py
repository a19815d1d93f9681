"""Runs tests without any network but `lo`: `unshare -rn python -m tests.support.without_network ARGUMENTS OF PYTEST`."""

from __future__ import annotations

import errno
import fcntl
import socket
import struct
import sys

import pytest

# Of Linux, netdevice(7) and if.h.
_SET_FLAGS = 0x8914
_UP = 0x1
# Of a network that is for documentation only (RFC 5737).
_ELSEWHERE = ("192.0.2.1", 9)


def raise_loopback() -> None:
    """Switch `lo` on, which exists but is down in a new namespace, and make sure that nothing else can be reached."""
    assert [name for _, name in socket.if_nameindex()] == ["lo"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))
        try:
            control.connect(_ELSEWHERE)
        except OSError as error:
            assert error.errno == errno.ENETUNREACH, error
        else:
            raise AssertionError("another network can be reached")


def main() -> int:
    raise_loopback()
    return int(pytest.main(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
