"""The demo's scratch world: a folder that is a complete home, an environment that points only there, and its removal.

Every process that the demo starts carries its owner in an environment variable, so that exactly these are ended.
"""

from __future__ import annotations

import faulthandler
import os
import secrets
import shlex
import shutil
import site
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from t3tray.demo.offline import offline_environment, prepare_offline
from t3tray.errors import WorldError
from t3tray.system.environment import PROGRAM_VARIABLE
from t3tray.system.intent_ids import IntentIds
from t3tray.system.process_identity import is_running

OWNER_VARIABLE = "T3TRAY_DEMO"
_NAME = "t3tray-demo"
_MAX_DEMOS = 9
_OWNER = "owner"
# In s: the age from which a folder without an owner file counts as abandoned, and the time limit for a process to end.
_BEING_MADE = 30.0
_END = 2.0
# Prefixes of variables that point to the user's own data.
_FOREIGN = ("OPENCODE", "T3CODE", "T3TRAY", "GIT_")
_PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"})


class Scratch:
    """The folder of one demo. Create it with `make`, and `remove` it at the end."""

    def __init__(self, root: Path) -> None:
        this_process = IntentIds.this_process()
        self.root = root
        self._owner = f"{this_process.pid} {this_process.start}"

    @classmethod
    def make(cls) -> Scratch:
        """Create a new one, after removing what killed demos have left. Raises WorldError if all names are taken."""
        parent = Path(tempfile.gettempdir()).resolve()
        names = [_NAME, *(f"{_NAME}-{number}" for number in range(2, _MAX_DEMOS + 1))]
        for name in names:
            _remove_if_abandoned(parent / name)
        for name in names:
            with suppress(FileExistsError):
                (parent / name).mkdir(mode=0o700)
                made = cls(parent / name)
                made._prepare()
                return made
        raise WorldError(f"{_MAX_DEMOS} demos are already running, or their folders in {parent} belong to another user.")

    @property
    def data(self) -> Path:
        """t3tray's data folder in this world."""
        return self.root / ".local" / "share" / "t3tray"

    @property
    def t3_home(self) -> Path:
        return self.root / ".t3"

    @property
    def code(self) -> Path:
        """The folder of the projects."""
        return self.root / "code"

    @property
    def command(self) -> Path:
        """Path of the script that runs `t3tray` in this world."""
        return self.root / ("t3tray.cmd" if sys.platform == "win32" else "t3tray")

    def environment(self, outside: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of this world's processes: of the outside, only what is needed for the desktop and programs."""
        inside = {name: value for name, value in outside.items() if not _leads_outside(name)}
        share = self.root / ".local" / "share"
        own = {
            "HOME": self.root,
            "USERPROFILE": self.root,
            "APPDATA": self.root / "AppData" / "Roaming",
            "LOCALAPPDATA": self.root / "AppData" / "Local",
            "XDG_DATA_HOME": share,
            "XDG_CONFIG_HOME": self._config,
            "XDG_STATE_HOME": self.root / ".local" / "state",
            "XDG_CACHE_HOME": self.root / ".cache",
            "XDG_RUNTIME_DIR": self.root / "run",
            "TMPDIR": self.root / "tmp",
            "TEMP": self.root / "tmp",
            "TMP": self.root / "tmp",
            "T3CODE_HOME": self.t3_home,
            "T3TRAY_DATA_DIR": self.data,
            PROGRAM_VARIABLE: self.command,
        }
        inside |= {name: str(path) for name, path in own.items()} | {OWNER_VARIABLE: self._owner}
        inside |= _desktop(outside)
        inside |= {
            # Not the user's keyring: the password is in a file of this world.
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "GIT_CONFIG_NOSYSTEM": "1",
            **offline_environment(self._config),
            # Python packages installed for the user stay importable, although HOME differs.
            "PYTHONUSERBASE": site.getuserbase(),
        }
        return inside

    def write_command(self, environment: Mapping[str, str], outside: Mapping[str, str]) -> None:
        """Write the script with which a person runs the command line in this world."""
        new = {name: value for name, value in environment.items() if outside.get(name) != value}
        words = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "t3tray"]
        if sys.platform == "win32":
            lines = [*(f"@set {name}={value}" for name, value in new.items()), "@" + " ".join(f'"{w}"' for w in words) + " %*"]
        else:
            sets = (f"export {name}={shlex.quote(value)}" for name, value in new.items())
            lines = ["#!/bin/sh", *sets, f'exec {shlex.join(words)} "$@"']
        self.command.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.command.chmod(0o700)

    def remove(self) -> None:
        """End all processes of this world by pid, and remove the folder. Blocks for a few seconds at most."""
        _end_all(self._owner)
        _remove(self.root)

    @property
    def _config(self) -> Path:
        return self.root / ".config"

    def _prepare(self) -> None:
        (self.root / _OWNER).write_text(self._owner, encoding="utf-8")
        for folder in (self.code, self.root / "run", self.root / "tmp"):
            folder.mkdir(mode=0o700)
        prepare_offline(self._config)


@contextmanager
def entered() -> Iterator[tuple[Scratch, Mapping[str, str]]]:
    """Create a world, use its environment for this process, and remove it at the end. Yields the world and the previous
    environment. Raises WorldError."""
    outside = dict(os.environ)
    scratch = Scratch.make()
    try:
        enter(scratch, outside)
        yield scratch, outside
    finally:
        # The app has ended in order; the removal has its own time limits.
        faulthandler.cancel_dump_traceback_later()
        scratch.remove()


def enter(scratch: Scratch, outside: Mapping[str, str]) -> None:
    """Use the world's environment for this process from now on."""
    os.environ.clear()
    os.environ.update(scratch.environment(outside))
    # Python caches the folder for temporary files.
    tempfile.tempdir = None


def _leads_outside(name: str) -> bool:
    return name.upper().startswith(_FOREIGN) or name.upper() in _PROXIES


def _desktop(outside: Mapping[str, str]) -> dict[str, str]:
    """Return variables for what the desktop's clients would find by HOME and XDG_RUNTIME_DIR."""
    found: dict[str, str] = {}
    authority = Path(outside.get("XAUTHORITY") or Path(outside.get("HOME", "/")) / ".Xauthority")
    if authority.is_file():
        found["XAUTHORITY"] = str(authority)
    runtime = outside.get("XDG_RUNTIME_DIR")
    if runtime:
        display, bus = outside.get("WAYLAND_DISPLAY"), Path(runtime) / "bus"
        if display:
            found["WAYLAND_DISPLAY"] = str(Path(runtime) / display)
        if "DBUS_SESSION_BUS_ADDRESS" not in outside and bus.exists():
            found["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={bus}"
    return found


def _remove_if_abandoned(root: Path) -> None:
    """Remove a demo's folder whose owner is no longer running, and end the processes that it left."""
    try:
        status = root.lstat()
    except FileNotFoundError:
        return
    if not root.is_dir() or root.is_symlink() or (hasattr(os, "getuid") and status.st_uid != os.getuid()):
        return
    try:
        owner = (root / _OWNER).read_text(encoding="utf-8")
    except OSError:
        owner = ""
    if _is_alive(owner) or (not owner and time.time() - status.st_mtime < _BEING_MADE):
        return
    _end_all(owner)
    # If several demos start at once, only one can rename it.
    taken = root.with_name(f"{root.name}-{secrets.token_hex(4)}")
    with suppress(OSError):
        root.rename(taken)
        _remove(taken)


def _is_alive(owner: str) -> bool:
    pid, _, start = owner.partition(" ")
    return pid.isdecimal() and is_running(int(pid), 0.0, start)


def _end_all(owner: str) -> None:
    """End every process of this owner's world except this one."""
    found = [process for process in psutil.process_iter() if process.pid != os.getpid() and _belongs_to(process, owner)]
    for end in (psutil.Process.terminate, psutil.Process.kill):
        for process in found:
            with suppress(psutil.Error):
                end(process)
        _, found = psutil.wait_procs(found, timeout=_END)
        if not found:
            return


def _belongs_to(process: psutil.Process, owner: str) -> bool:
    try:
        return bool(owner) and process.environ().get(OWNER_VARIABLE) == owner
    except (psutil.Error, OSError):
        # A process of another user or of the system.
        return False


def _remove(root: Path) -> None:
    """Remove a folder; repeat it, because a process that is ending may still write."""
    for _ in range(3):
        shutil.rmtree(root, ignore_errors=True)
        if not root.exists():
            return
        time.sleep(0.1)
