"""Changes from one snapshot to the next: each change once, turns apart from verdicts, and nothing for unchanged rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from t3tray.backend.snapshot_changes import (
    AlarmChanged,
    FirstTable,
    GuardChanged,
    Progress,
    RequestChanged,
    ServerChanged,
    SnapshotChanges,
    ThreadAdded,
    ThreadRemoved,
    TurnChanged,
    VerdictChanged,
    WarningChanged,
)
from t3tray.domain.guard_state import GuardPhase, GuardState
from t3tray.domain.pending_request import ApprovalRequest
from t3tray.domain.reaper import ReaperPhase
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.thread import Source
from t3tray.domain.verdict import Reason
from t3tray.threads.snapshot import Snapshot, SourceView, ThreadRow
from tests.support.views import READY, alarm, archived, requester, row

SOURCES = (SourceView(Source.T3TRAY, "", "", "", 1),)
ASK = ApprovalRequest("per_1", requester("a"), "bash", ("git push",))


def of(*rows: ThreadRow, **more: Any) -> Snapshot:
    return replace(Snapshot(READY, rows, sources=SOURCES), **more)


def test_the_first_look_tells_everything_that_is_there_and_the_same_look_again_nothing() -> None:
    changes, shown = (
        SnapshotChanges(),
        of(row("a"), row("b", Reason.BUSY), alarms=(alarm("a"),), pending_requests=(ASK,), warnings=("Odd.",)),
    )
    assert changes.of(shown) == (
        FirstTable(shown),
        ServerChanged(READY, ""),
        AlarmChanged(alarm("a"), row("a"), False),
        RequestChanged(ASK, False),
        WarningChanged("Odd.", False),
    )
    assert changes.of(shown) == ()
    assert changes.of(replace(shown, server=replace(READY, memory=1))) == ()


def test_what_could_not_be_read_yet_is_no_table_and_a_world_that_is_being_built_is_only_told_of() -> None:
    changes, starting = SnapshotChanges(), ServerStatus(ServerState.STARTING)
    assert changes.of(Snapshot(starting, banner="Building")) == (Progress("Building"),)
    failed = Snapshot(READY, warnings=("Unreadable.",))
    assert changes.of(failed) == (ServerChanged(READY, ""), WarningChanged("Unreadable.", False))
    assert changes.of(of(row("a"))) == (FirstTable(of(row("a"))), WarningChanged("Unreadable.", True))


def test_a_verdict_is_told_with_the_one_before_and_a_turn_is_no_other_verdict() -> None:
    changes = SnapshotChanges()
    changes.of(of(row("a")))
    lost = row("a", Reason.MISSING)
    assert changes.of(of(lost)) == (VerdictChanged(lost, row("a").verdict),)
    assert changes.of(of(row("a"))) == (VerdictChanged(row("a"), lost.verdict),)
    busy = row("a", Reason.BUSY)
    assert changes.of(of(busy)) == (TurnChanged(busy, True),)
    assert changes.of(of(row("a", Reason.SERVER_DOWN))) == ()
    assert changes.of(of(row("a"))) == (TurnChanged(row("a"), False),)
    changes.of(of(busy))
    broken = row("a", Reason.INTERRUPTED)
    assert changes.of(of(broken)) == (TurnChanged(broken, False), VerdictChanged(broken, row("a").verdict))


def test_a_turn_that_could_not_be_told_at_first_is_told_later() -> None:
    changes = SnapshotChanges()
    unclear = row("a", Reason.OPEN_ELSEWHERE)
    at_work = replace(unclear, reaper=replace(unclear.reaper, phase=ReaperPhase.ACTIVE))
    changes.of(of(at_work))
    busy = row("a", Reason.BUSY)
    assert changes.of(of(busy)) == (TurnChanged(busy, True),)


def test_threads_that_come_and_go_are_told_and_those_put_away_are_not_gone() -> None:
    changes = SnapshotChanges()
    changes.of(of(row("a"), row("b")))
    assert changes.of(of(row("a"), archived(row("b")), row("c"))) == (ThreadRemoved(row("b"), True), ThreadAdded(row("c")))
    assert changes.of(of(row("a"), archived(row("b", Reason.MISSING)), row("c"))) == ()
    assert changes.of(of(row("a"))) == (ThreadRemoved(row("c"), False),)


def test_the_end_of_an_alarm_an_ask_and_a_warning_is_told_and_a_silent_server_answers_no_ask() -> None:
    changes = SnapshotChanges()
    changes.of(of(row("a"), alarms=(alarm("a"),), pending_requests=(ASK,), warnings=("Odd.",)))
    silent = replace(READY, state=ServerState.UNRESPONSIVE)
    assert changes.of(of(row("a"), alarms=(alarm("a"),), warnings=("Odd.",), server=silent)) == (ServerChanged(silent, ""),)
    assert changes.of(of(row("a"))) == (
        ServerChanged(READY, ""),
        AlarmChanged(alarm("a"), row("a"), True),
        RequestChanged(ASK, True),
        WarningChanged("Odd.", True),
    )


def test_the_guard_is_told_once_and_not_as_a_warning_too() -> None:
    changes, alone = SnapshotChanges(), GuardState(GuardPhase.ALONE, "It does not run.")
    changes.of(of(row("a")))
    shown = of(row("a"), guard=alone, warnings=("It does not run.",), guarded=frozenset({"a"}))
    assert changes.of(shown) == (GuardChanged(alone, 1),)
