"""Other OpenCode processes: their owner, and the database that they have open."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from t3tray.system import other_processes
from t3tray.system.other_processes import file_system, has_open, is_network, listener, other_servers, other_writer_runs
from tests.support.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="starts processes under Linux's own rules")
_HOLD = "import sys; held = open(sys.argv[1], 'r+'); print('ready', flush=True); sys.stdin.read()"


@contextmanager
def opencode(folder: Path, *words: str, name: str = "opencode") -> Iterator[subprocess.Popen[str]]:
    """Start a process of that name that opens the first file it is given."""
    program = folder / name
    if not program.exists():
        shutil.copy(os.path.realpath(sys.executable), program)
    environment = os.environ | {"PYTHONHOME": sys.base_prefix, "LD_LIBRARY_PATH": str(Path(sys.base_prefix) / "lib")}
    process = subprocess.Popen(
        [program, "-c", _HOLD, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout and process.stdin and process.stdout.readline().strip() == "ready"
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait(90)
        process.stdout.close()


def test_only_who_has_this_database_open_may_be_at_work_in_it(tmp_path: Path) -> None:
    database, another = tmp_path / "opencode.db", tmp_path / "another.db"
    database.touch()
    another.touch()
    with opencode(tmp_path, str(another)):
        assert not other_writer_runs((), database)
    for name in ("opencode", "opencode-cli", "OpenCode Helper", "lildax"):
        with opencode(tmp_path, str(database), name=name) as process:
            assert other_writer_runs((), database), name
            assert not other_writer_runs([process.pid], database), "our own"


def test_who_only_reads_it_is_not_at_work_in_it(tmp_path: Path) -> None:
    database = tmp_path / "opencode.db"
    database.touch()
    reads = "import sys; held = open(sys.argv[1]); print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", reads, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdout.readline() == "ready\n"
        assert not other_writer_runs((), database)
        assert has_open(psutil.Process(process.pid), database) is True
        assert has_open(psutil.Process(process.pid), tmp_path / "another.db") is False


def test_under_another_name_of_its_folder_it_is_the_same_database(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "opencode.db").touch()
    with opencode(tmp_path, str(tmp_path / "link" / "opencode.db")):
        assert other_writer_runs((), tmp_path / "real" / "opencode.db")
        assert other_writer_runs((), tmp_path / "link" / "opencode.db")


def test_an_opencode_that_may_not_be_looked_into_counts_and_others_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "opencode.db"
    database.touch()
    monkeypatch.setattr(other_processes, "has_open", lambda process, path, to_write: None)
    mine = [process.pid for process in psutil.process_iter(["name"]) if process.info["name"] in other_processes.NAMES]
    assert not other_writer_runs(mine, database)
    with opencode(tmp_path, str(database)):
        assert other_writer_runs(mine, database), "it cannot be told"


def test_who_listens_is_known_by_its_port() -> None:
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", 0))
        taker.listen()
        port = taker.getsockname()[1]
        assert listener(port) == os.getpid()
    assert listener(port) is None


def test_a_server_is_seen_with_its_parent_and_an_orphan_as_nobodys(tmp_path: Path) -> None:
    with opencode(tmp_path, "/dev/null", "serve", "--port", "14999") as process:
        (found,) = [each for each in other_servers(None) if each.pid == process.pid]
        assert (found.port, found.parent) == (14999, psutil.Process().name())
        assert found.memory > 0
        assert process.pid not in [each.pid for each in other_servers(process.pid)]


def test_whoever_takes_in_orphans_is_no_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session manager adopts them (as a subreaper does), so that their parent is not process 1."""
    with opencode(tmp_path, "/dev/null", "serve") as process:
        monkeypatch.setattr("t3tray.system.other_processes.ADOPTERS", frozenset({psutil.Process().name()}))
        (found,) = [each for each in other_servers(None) if each.pid == process.pid]
        assert found.parent == ""


def test_a_server_whose_parent_has_gone_is_an_orphan(tmp_path: Path) -> None:
    """A shell starts it and ends; the process that adopts orphans here is its parent then."""
    shutil.copy(os.path.realpath(sys.executable), tmp_path / "opencode")
    environment = os.environ | {"PYTHONHOME": sys.base_prefix, "LD_LIBRARY_PATH": str(Path(sys.base_prefix) / "lib")}
    start = f"{tmp_path / 'opencode'} -c 'import signal; signal.pause()' serve --port=14998 >/dev/null 2>&1 & echo $!"
    started = subprocess.run(["/bin/sh", "-c", start], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    orphan = psutil.Process(int(started.stdout))
    try:
        until(lambda: orphan.pid in [each.pid for each in other_servers(None)], "the server")
        (found,) = [each for each in other_servers(None) if each.pid == orphan.pid]
        assert (found.port, found.parent) == (14998, "")
    finally:
        orphan.kill()


def test_the_kind_of_disk_is_told_where_the_system_tells_it(tmp_path: Path) -> None:
    # A chroot, or a container, may have no entry that holds it.
    mounts = psutil.disk_partitions(all=True)
    is_listed = any(tmp_path.resolve().is_relative_to(mount.mountpoint) for mount in mounts)
    assert bool(file_system(tmp_path)) is is_listed
    assert file_system(tmp_path / "not there") == file_system(tmp_path)
    assert is_network("NFS4") and is_network("cifs") and not is_network("ext4")
