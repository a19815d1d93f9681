"""The writer of an intent counts as still at work on it, unless it is surely gone."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from t3tray.errors import WorldError
from t3tray.system.intent_ids import IntentIds, is_elsewhere
from t3tray.system.process_identity import start_id


@pytest.mark.process
def test_a_living_process_is_at_work_and_a_dead_one_is_not() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        intent = f"i@{other.pid}:{start_id(other.pid)}"
        me = IntentIds.this_process()
        assert me.is_at_work(intent)
        assert not me.is_at_work(f"i@{other.pid}:another boot:1"), "its pid was used again"
        other.kill()
        other.wait()
        assert not me.is_at_work(intent)


def test_where_no_process_is_told_not_even_ours_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chroot or a container without /proc."""

    def nothing(*_: object) -> None:
        raise psutil.NoSuchProcess(os.getpid())

    monkeypatch.setattr(psutil, "Process", nothing)
    with pytest.raises(WorldError, match="does not list its processes") as told:
        IntentIds.this_process()
    assert told.value.hint == "Mount /proc here: mount -t proc proc /proc"


def test_one_that_may_not_be_looked_at_is_not_taken_for_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise psutil.AccessDenied(1)

    monkeypatch.setattr("t3tray.system.intent_ids.is_running", refused)
    assert IntentIds.this_process().is_at_work(f"i@{os.getppid()}:{start_id(os.getppid())}")


def test_what_another_machine_wrote_is_not_taken_for_dead() -> None:
    me = IntentIds.this_process()
    ours = me.open_intent()
    theirs = f"{ours.rpartition('/')[0]}/0123456789abcdef"
    me.close_intent(ours)
    assert not is_elsewhere(ours) and not me.is_at_work(ours)
    assert is_elsewhere(theirs) and me.is_at_work(theirs)
    assert not is_elsewhere("i@1:a boot:1"), "an older version's"


def test_our_own_intent_is_worked_on_until_it_is_settled_or_left() -> None:
    author = IntentIds.this_process()
    author.left_open = False
    settled, left = author.open_intent(), author.open_intent()
    assert author.is_at_work(settled) and author.is_at_work(left)
    author.close_intent(settled)
    author.leave_intent(settled)
    assert not author.is_at_work(settled) and not author.left_open
    author.leave_intent(left)
    assert not author.is_at_work(left) and author.left_open
