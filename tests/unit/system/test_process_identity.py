"""A process is recognised whatever the machine's clock is set to, and not confused with one that got its number."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from t3tray.store.server_lease import Lease, LeaseHolder
from t3tray.system import process_identity
from t3tray.system.intent_ids import IntentIds
from t3tray.system.process_identity import is_running, start_id
from tests.support.stores import open_store, writing_in

NOON = datetime(2026, 9, 13, 12, tzinfo=UTC)


@pytest.fixture
def younger() -> Iterator[int]:
    """The pid of a process that began after this one. The parent may have begun in the same tick of the clock."""
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as process:
        yield process.pid


def set_the_clock(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Set the clock as Linux does: the time of the boot moves, and with it every start time by the wall clock."""
    platform = psutil._psplatform  # type: ignore[attr-defined]
    before = platform.boot_time()
    monkeypatch.setattr(platform, "boot_time", lambda: before + seconds)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the kernel notes the start once")
def test_a_living_process_stays_living_when_the_clock_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    me, other = IntentIds.this_process(), psutil.Process(os.getppid())
    theirs = IntentIds(other.pid, other.create_time(), start_id(other.pid))
    intent = theirs.open_intent()
    set_the_clock(monkeypatch, 3600)
    assert abs(psutil.Process(other.pid).create_time() - theirs.started) > 3000, "the clock was not set"
    assert is_running(other.pid, theirs.started, theirs.start)
    assert me.is_at_work(intent), "recovery would take a living tray's intent back"


@pytest.mark.process
def test_no_other_process_that_got_the_number_is_taken_for_it(younger: int) -> None:
    assert not is_running(younger, psutil.Process(younger).create_time(), start_id(os.getpid()))
    assert not IntentIds.this_process().is_at_work(f"an-id@{younger}:another-boot:1")


def test_what_an_older_version_recorded_goes_by_the_wall_clock() -> None:
    parent = psutil.Process(os.getppid())
    assert is_running(parent.pid, parent.create_time() + 1)
    assert not is_running(parent.pid, parent.create_time() - 60)
    me = IntentIds.this_process()
    assert me.is_at_work(f"an-id@{parent.pid}:{parent.create_time():.2f}")
    assert not me.is_at_work(f"an-id@{parent.pid}:1.00")
    assert not me.is_at_work("no process named")


@pytest.mark.process
def test_where_there_is_no_boot_id_the_kernels_own_note_counts(monkeypatch: pytest.MonkeyPatch, younger: int) -> None:
    monkeypatch.setattr(process_identity, "boot_id", lambda: "")
    mine = start_id(os.getpid())
    assert mine.startswith("kernel:") and mine == start_id(os.getpid())
    assert is_running(os.getpid(), 0.0, mine)
    assert mine != start_id(younger)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_a_name_with_brackets_and_spaces_hides_no_start() -> None:
    before = start_id(os.getpid())
    name = Path("/proc/self/comm")
    as_it_was = name.read_text()
    name.write_text("a) S 1 (b")
    try:
        assert start_id(os.getpid()) == before
    finally:
        name.write_text(as_it_was)


@pytest.mark.process
def test_one_that_is_gone_is_not_running() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    start = start_id(child)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert not is_running(child, 0.0, start), "nobody has waited for it yet"
    os.waitpid(child, 0)
    assert not is_running(child, 0.0, start)
    with pytest.raises(psutil.NoSuchProcess):
        start_id(child)


def test_the_store_keeps_it_for_the_holders_and_the_server(tmp_path: Path) -> None:
    store = open_store(tmp_path, lambda: NOON)
    me = IntentIds.this_process()
    holder = LeaseHolder(me.pid, me.started, "tray", me.start)
    store.lease.claim(Lease("token", 4096, "file", NOON, False), holder)
    store.lease.record_process("token", 99, 9.0, "boot:9")
    assert store.lease.holders("token") == (holder,)
    lease = store.lease.read()
    assert lease and (lease.pid, lease.process_started, lease.process_start) == (99, 9.0, "boot:9")
    with writing_in(store) as connection:
        connection.exec_driver_sql("INSERT INTO lease_holders (token, pid, started, kind) VALUES ('token', 7, 7.0, 'command')")
    assert LeaseHolder(7, 7.0, "command", "") in store.lease.holders("token"), "written by an older version that still runs"
    store.close()
