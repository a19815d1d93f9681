"""Other OpenCode processes on this machine, who has a file open, and what kind of disk it lies on. Looked at, never touched."""

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

# What OpenCode's programs are called: itself, the one inside its desktop app, and its successors.
_NAMES = frozenset(f"{name}{end}" for name in ("opencode", "opencode-cli", "opencode2", "lildax") for end in ("", ".exe"))
_SERVES = frozenset({"serve", "web"})
# Who takes in the children of a program that is gone: `systemd --user` above all.
_THREADS = frozenset({"MainThread"})
_ADOPTERS = frozenset({"systemd", "init", "launchd"})
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
    """Whether a process that is not among `ours` (pids) has this database open to write, whatever it is called.

    One that looks like OpenCode and may not be looked into counts too: it cannot be told. Other users' programs cannot be seen.
    """
    known = {*ours, os.getpid()}
    others = (process for process in psutil.process_iter(["name"]) if process.pid not in known)
    return any(_writes(process, database) is not False for process in others)


def listener(port: int) -> int | None:
    """The pid of who listens on this port of this machine; None where that is nobody, or cannot be seen."""
    try:
        sockets = psutil.net_connections(kind="tcp")
    except (psutil.Error, OSError):
        return None
    found = (each.pid for each in sockets if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port)
    return next((pid for pid in found if pid), None)


def has_open(process: psutil.Process, path: Path, to_write: bool = False) -> bool | None:
    """Whether a process has this file open, with `to_write` not only to read it; None where it may not be looked into."""
    try:
        return any(_is_open(process.pid, path, to_write)) if sys.platform == "linux" else any(_is_listed(process, path, to_write))
    except (psutil.AccessDenied, PermissionError):
        return None
    except (psutil.Error, OSError):
        return False


def other_servers(ours: int | None) -> tuple[OtherProcess, ...]:
    """Every OpenCode server that is not `ours`. One that ends meanwhile, or is another user's, is left out."""
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        words = process.info["cmdline"] or []
        if process.pid != ours and process.info["name"] in _NAMES and not _SERVES.isdisjoint(words):
            try:
                found.append(_neighbour(process))
            except psutil.Error:
                continue
    return tuple(found)


def file_system(path: Path) -> str:
    """The kind of disk that holds a file, empty where it is not told."""
    try:
        mounts = psutil.disk_partitions(all=True)
    except OSError:
        return ""
    real = real_path(path)
    holding = [mount for mount in mounts if real.is_relative_to(mount.mountpoint)]
    return max(holding, key=lambda mount: len(mount.mountpoint)).fstype if holding else ""


def is_network(kind: str) -> bool:
    """Whether SQLite's locks cannot be relied on there."""
    return kind.lower() in _NETWORK


def _writes(process: psutil.Process, database: Path) -> bool | None:
    """None where a process that looks like OpenCode does not let us see."""
    found = has_open(process, database, to_write=True)
    return False if found is None and process.info["name"] not in _NAMES else found


def _is_open(pid: int, path: Path, to_write: bool) -> Iterator[bool]:
    """For each of its files of this name, as Linux tells them. The link's text is read first: it never waits for a disk."""
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
    """The same elsewhere, where it is not told who may write: another t3tray only ever reads."""
    if to_write and any("t3tray" in word for word in process.cmdline()[:4]):
        return
    for opened in process.open_files():
        yield Path(opened.path).name == path.name and same_directory(opened.path, str(path)) is True


def _neighbour(process: psutil.Process) -> OtherProcess:
    parent = process.parent()
    return OtherProcess(
        pid=process.pid,
        started=datetime.fromtimestamp(process.create_time(), UTC),
        memory=process.memory_info().rss,
        port=_port(process.cmdline()),
        parent="" if parent is None or parent.pid == 1 or parent.name() in _ADOPTERS else _name_of(parent),
    )


def _name_of(process: psutil.Process) -> str:
    """What people know it by: Node calls its process after a thread."""
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
