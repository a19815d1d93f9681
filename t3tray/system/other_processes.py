"""Other OpenCode processes on this machine, the processes that have a file open, and a file's kind of disk. Read-only."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from t3tray.system.folders import same_directory
from t3tray.system.paths import real_path

# Names of OpenCode's programs: itself, the one inside its desktop app, and its successors.
NAMES = frozenset(f"{name}{end}" for name in ("opencode", "opencode-cli", "opencode2", "lildax") for end in ("", ".exe"))
_SERVES = frozenset({"serve", "web"})
# Node names its process after a thread.
_THREADS = frozenset({"MainThread"})
# Processes that adopt orphans, mainly `systemd --user`.
ADOPTERS = frozenset({"systemd", "init", "launchd"})
_PROC = Path("/proc")
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smbfs", "smb3", "afpfs", "sshfs", "fuse.sshfs", "webdav", "9p"})


@dataclass(frozen=True)
class OtherProcess:
    """A running `opencode serve`. `memory` in bytes; `parent` is the name of the program that started it, empty for an orphan."""

    pid: int
    started: datetime
    memory: int
    port: int | None
    parent: str


def other_writer_runs(ours: Collection[int], database: Path) -> bool:
    """Return whether a process other than `ours` (pids) has this database open for writing, whatever its name.

    A process with OpenCode's name that may not be inspected counts as one. Other users' processes cannot be seen.
    """
    known = {*ours, os.getpid()}
    others = (process for process in psutil.process_iter(["name"]) if process.pid not in known)
    return any(_writes(process, database) is not False for process in others)


def listener(port: int) -> int | None:
    """Return the pid of the process that listens on this local port; None where there is none, or it cannot be seen."""
    try:
        sockets = psutil.net_connections(kind="tcp")
    except (psutil.Error, OSError):
        return None
    found = (each.pid for each in sockets if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port)
    return next((pid for pid in found if pid), None)


def has_open(process: psutil.Process, path: Path, to_write: bool = False) -> bool | None:
    """Return whether a process has this file open (with `to_write`: for writing); None where it may not be inspected."""
    try:
        return any(_is_open(process.pid, path, to_write)) if sys.platform == "linux" else any(_is_listed(process, path, to_write))
    except (psutil.AccessDenied, PermissionError):
        return None
    except (psutil.Error, OSError):
        return False


def other_servers(ours: int | None) -> tuple[OtherProcess, ...]:
    """Return every OpenCode server that is not `ours`, without those that end meanwhile or belong to another user."""
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        words = process.info["cmdline"] or []
        if process.pid != ours and process.info["name"] in NAMES and not _SERVES.isdisjoint(words):
            try:
                found.append(_other_process(process))
            except psutil.Error:
                continue
    return tuple(found)


def file_system(path: Path) -> str:
    """Return the type of the file system that contains a file; empty where it is not known."""
    try:
        mounts = psutil.disk_partitions(all=True)
    except OSError:
        return ""
    real = real_path(path)
    holding = [mount for mount in mounts if real.is_relative_to(mount.mountpoint)]
    return max(holding, key=lambda mount: len(mount.mountpoint)).fstype if holding else ""


def is_network(kind: str) -> bool:
    """Return whether this is a network file system, where SQLite's locks are unreliable."""
    return kind.lower() in _NETWORK


def _writes(process: psutil.Process, database: Path) -> bool | None:
    """Return whether the process writes the database; None where a process with OpenCode's name may not be inspected."""
    found = has_open(process, database, to_write=True)
    return False if found is None and process.info["name"] not in NAMES else found


def _is_open(pid: int, path: Path, to_write: bool) -> Iterator[bool]:
    """Yield for each open file of this name whether it is the file (Linux). The link's text is read first: that never blocks."""
    if sys.platform == "win32":
        return
    folder = _PROC / str(pid)
    for opened in (folder / "fd").iterdir():
        try:
            if opened.readlink().name == path.name:
                flags = (folder / "fdinfo" / opened.name).read_text().partition("flags:")[2].split()[0]
                yield opened.samefile(path) and (not to_write or int(flags, 8) & os.O_ACCMODE != os.O_RDONLY)
        except (FileNotFoundError, IndexError, ValueError):
            continue  # closed meanwhile


def _is_listed(process: psutil.Process, path: Path, to_write: bool) -> Iterator[bool]:
    """Yield the same on other systems, which do not report the open mode: another t3tray only reads, so it is skipped."""
    if to_write and any("t3tray" in word for word in process.cmdline()[:4]):
        return
    for opened in process.open_files():
        yield Path(opened.path).name == path.name and same_directory(opened.path, str(path)) is True


def _other_process(process: psutil.Process) -> OtherProcess:
    parent = process.parent()
    return OtherProcess(
        pid=process.pid,
        started=datetime.fromtimestamp(process.create_time(), UTC),
        memory=process.memory_info().rss,
        port=_port(process.cmdline()),
        parent="" if parent is None or parent.pid == 1 or parent.name() in ADOPTERS else _name_of(parent),
    )


def _name_of(process: psutil.Process) -> str:
    """Return a process's usual name: for Node's processes, which are named after a thread, that of the program."""
    name = process.name()
    if name not in _THREADS:
        return name
    words = process.cmdline()
    return Path(words[0]).name if words and words[0] else name


def _port(words: list[str]) -> int | None:
    for word, following in zip(words, [*words[1:], ""], strict=True):
        text = word.removeprefix("--port=") if word.startswith("--port=") else following if word == "--port" else ""
        if text.isdecimal():
            return int(text)
    return None
