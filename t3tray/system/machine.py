"""Identity of this machine, to distinguish records of another machine in a shared folder.

A container counts as a separate machine: it cannot see the processes of another one.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

# Inode of the host's initial pid namespace.
_FIRST_PROCESSES = 0xEFFFFFFC
MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


@cache
def this_machine() -> str:
    """Return an id that is the same after each boot, followed by the machine's name, which may change."""
    name = platform.node() or "unknown"
    identity = system_id() or name
    if is_container():
        # Containers of the same image have the same id.
        identity += f" {name}"
    # Hashed: the machine's own id is confidential.
    return f"{sha256(f't3tray {identity}'.encode()).hexdigest()[:16]} {name}"


def is_this_machine(recorded: str | None) -> bool:
    """Return whether this machine recorded it, or a version that recorded no machine."""
    return not recorded or recorded.partition(" ")[0] == this_machine().partition(" ")[0]


def name_of(recorded: str) -> str:
    """Return the machine's name for messages."""
    return recorded.partition(" ")[2]


def system_id() -> str:
    """Return the system's own id of the machine; empty where there is none."""
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
    for path in MACHINE_IDS:
        with suppress(OSError, UnicodeDecodeError):
            if identity := path.read_text("ascii").strip():
                return identity
    return ""


def is_container() -> bool:
    if sys.platform != "linux":
        return False
    try:
        return Path("/proc/self/ns/pid").stat().st_ino != _FIRST_PROCESSES
    except OSError:
        return False
