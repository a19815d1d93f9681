"""The demo's own place: one folder that is a whole home, an environment that leads nowhere else, and its end.

Everything that the demo starts carries its owner in its environment, so that exactly that is ended.
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

MARK = "T3TRAY_DEMO"
_NAME = "t3tray-demo"
_AT_ONCE = 9
_OWNER = "owner"
# In s: how old a folder without an owner must be before it counts as left over, and how long a process may take to end.
_BEING_MADE = 30.0
_END = 2.0
# Whose words lead to the user's own things.
_FOREIGN = ("OPENCODE", "T3CODE", "T3TRAY", "GIT_")
_PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"})


class Scratch:
    """One demo's folder. `make` it, and `remove` it at the end."""

    def __init__(self, root: Path) -> None:
        me = IntentIds.this_process()
        self.root = root
        self._owner = f"{me.pid} {me.start}"

    @classmethod
    def make(cls) -> Scratch:
        """A new one; what demos that were killed have left is removed first. Raises WorldError when there is no room for one."""
        parent = Path(tempfile.gettempdir()).resolve()
        names = [_NAME, *(f"{_NAME}-{number}" for number in range(2, _AT_ONCE + 1))]
        for name in names:
            _clear_away(parent / name)
        for name in names:
            with suppress(FileExistsError):
                (parent / name).mkdir(mode=0o700)
                made = cls(parent / name)
                made._settle()
                return made
        raise WorldError(f"{_AT_ONCE} demos run already, or their folders in {parent} are somebody else's.")

    @property
    def data(self) -> Path:
        """t3tray's own data folder in it."""
        return self.root / ".local" / "share" / "t3tray"

    @property
    def t3_home(self) -> Path:
        return self.root / ".t3"

    @property
    def code(self) -> Path:
        """Where the projects are."""
        return self.root / "code"

    @property
    def command(self) -> Path:
        """A program that is `t3tray` in this world."""
        return self.root / ("t3tray.cmd" if sys.platform == "win32" else "t3tray")

    def environment(self, outside: Mapping[str, str]) -> dict[str, str]:
        """What a process in this world gets: of the outside only what leads to the desktop and to programs."""
        inside = {name: value for name, value in outside.items() if not _leads_out(name)}
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
        inside |= {name: str(path) for name, path in own.items()} | {MARK: self._owner}
        inside |= _desktop(outside)
        inside |= {
            # No keyring of the user's: the password lies in a file of this world.
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "GIT_CONFIG_NOSYSTEM": "1",
            **offline_environment(self._config),
            # A package that was installed for the user alone is found there, wherever HOME leads.
            "PYTHONUSERBASE": site.getuserbase(),
        }
        return inside

    def write_command(self, environment: Mapping[str, str], outside: Mapping[str, str]) -> None:
        """The program by which a person tries the command line on this world."""
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
        """End everything that lives in it, by pid, and take the folder away. Blocks for some seconds at most."""
        _end_all(self._owner)
        _remove(self.root)

    @property
    def _config(self) -> Path:
        return self.root / ".config"

    def _settle(self) -> None:
        (self.root / _OWNER).write_text(self._owner, encoding="utf-8")
        for folder in (self.code, self.root / "run", self.root / "tmp"):
            folder.mkdir(mode=0o700)
        prepare_offline(self._config)


@contextmanager
def entered() -> Iterator[tuple[Scratch, Mapping[str, str]]]:
    """A new world, in which this process lives until it is removed at the end; with the environment before. Raises WorldError."""
    outside = dict(os.environ)
    scratch = Scratch.make()
    try:
        enter(scratch, outside)
        yield scratch, outside
    finally:
        # What lived in it has ended in order; what is left to do here has limits of its own.
        faulthandler.cancel_dump_traceback_later()
        scratch.remove()


def enter(scratch: Scratch, outside: Mapping[str, str]) -> None:
    """Let this process live in that world from now on."""
    os.environ.clear()
    os.environ.update(scratch.environment(outside))
    # Python remembers the folder for temporary files that it found first.
    tempfile.tempdir = None


def _leads_out(name: str) -> bool:
    return name.upper().startswith(_FOREIGN) or name.upper() in _PROXIES


def _desktop(outside: Mapping[str, str]) -> dict[str, str]:
    """What the home and the runtime folder told of the desktop by where they are."""
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


def _clear_away(root: Path) -> None:
    """Take away a folder of ours whose demo does not live any more, and what that has left running."""
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
    if _lives(owner) or (not owner and time.time() - status.st_mtime < _BEING_MADE):
        return
    _end_all(owner)
    # Of several demos that start at once only one gets hold of it.
    taken = root.with_name(f"{root.name}-{secrets.token_hex(4)}")
    with suppress(OSError):
        root.rename(taken)
        _remove(taken)


def _lives(owner: str) -> bool:
    pid, _, start = owner.partition(" ")
    return pid.isdecimal() and is_running(int(pid), 0.0, start)


def _end_all(owner: str) -> None:
    """End every process that was started in this owner's world, but this one."""
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
        return bool(owner) and process.environ().get(MARK) == owner
    except (psutil.Error, OSError):
        # Another user's, or the system's.
        return False


def _remove(root: Path) -> None:
    """A process that ends may still write: a second time takes that away too."""
    for _ in range(3):
        shutil.rmtree(root, ignore_errors=True)
        if not root.exists():
            return
        time.sleep(0.1)
