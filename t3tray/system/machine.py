"""Which machine this is, so that what another one recorded in a folder that both use is not taken for ours.

A container counts as a machine of its own: it does not see the processes of another one.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

# The first process's, of the machine itself.
_FIRST_PROCESSES = 0xEFFFFFFC
_MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


@cache
def this_machine() -> str:
    """Its id, the same after each start, then its name for people, which may change."""
    name = platform.node() or "unknown"
    told = _told_id() or name
    if _is_container():
        # Copies of one image have one id.
        told += f" {name}"
    # The machine's own id is not to leave it.
    return f"{sha256(f't3tray {told}'.encode()).hexdigest()[:16]} {name}"


def is_this_machine(recorded: str | None) -> bool:
    """Whether it was recorded here, or before machines were recorded."""
    return not recorded or recorded.partition(" ")[0] == this_machine().partition(" ")[0]


def name_of(recorded: str) -> str:
    """For people."""
    return recorded.partition(" ")[2]


def _told_id() -> str:
    """What the system calls the machine, empty where it does not."""
    if sys.platform == "win32":
        import winreg

        with suppress(OSError), winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SOFTWARE\Microsoft\Cryptography") as key:
            return str(winreg.QueryValueEx(key, "MachineGuid")[0])
        return ""
    if sys.platform == "darwin":
        identity, wait = ctypes.create_string_buffer(16), (ctypes.c_long * 2)(1, 0)
        with suppress(OSError, AttributeError):
            if ctypes.CDLL(None).gethostuuid(identity, ctypes.byref(wait)) == 0:
                return identity.raw.hex()
        return ""
    for path in _MACHINE_IDS:
        with suppress(OSError, UnicodeDecodeError):
            if told := path.read_text("ascii").strip():
                return told
    return ""


def _is_container() -> bool:
    if sys.platform != "linux":
        return False
    try:
        return Path("/proc/self/ns/pid").stat().st_ino != _FIRST_PROCESSES
    except OSError:
        return False
