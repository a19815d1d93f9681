"""Other OpenCode processes on this machine, and what kind of disk a file lies on. They are looked at, never touched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

_NAMES = frozenset({"opencode", "opencode.exe"})
# Who takes in the children of a program that is gone: `systemd --user` above all.
_ADOPTERS = frozenset({"systemd", "init", "launchd"})
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smbfs", "smb3", "afpfs", "sshfs", "fuse.sshfs", "webdav", "9p"})


@dataclass(frozen=True)
class Neighbour:
    """A running `opencode serve`. `memory` in bytes; `parent` is the name of the program that started it, empty for an orphan."""

    pid: int
    started: datetime
    memory: int
    port: int | None
    parent: str


def other_opencode_runs(ours: int | None, database: Path) -> bool:
    """Whether an OpenCode process that is not `ours` (a pid) has this database open. What another user runs cannot be seen."""
    real = database.resolve()
    return any(
        process.info["name"] in _NAMES and process.pid != ours and _has_open(process, real)
        for process in psutil.process_iter(["name"])
    )


def other_servers(ours: int | None) -> tuple[Neighbour, ...]:
    """Every `opencode serve` that is not `ours`. One that ends meanwhile, or is another user's, is left out."""
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.pid != ours and process.info["name"] in _NAMES and "serve" in (process.info["cmdline"] or []):
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
    real = path.resolve()
    holding = [mount for mount in mounts if real.is_relative_to(mount.mountpoint)]
    return max(holding, key=lambda mount: len(mount.mountpoint)).fstype if holding else ""


def is_network(kind: str) -> bool:
    """Whether SQLite's locks cannot be relied on there."""
    return kind.lower() in _NETWORK


def _has_open(process: psutil.Process, path: Path) -> bool:
    try:
        return any(Path(opened.path).resolve() == path for opened in process.open_files())
    except psutil.Error:
        return False


def _neighbour(process: psutil.Process) -> Neighbour:
    parent = process.parent()
    return Neighbour(
        pid=process.pid,
        started=datetime.fromtimestamp(process.create_time(), UTC),
        memory=process.memory_info().rss,
        port=_port(process.cmdline()),
        parent="" if parent is None or parent.pid == 1 or parent.name() in _ADOPTERS else parent.name(),
    )


def _port(words: list[str]) -> int | None:
    for word, following in zip(words, [*words[1:], ""], strict=True):
        text = word.removeprefix("--port=") if word.startswith("--port=") else following if word == "--port" else ""
        if text.isdecimal():
            return int(text)
    return None
