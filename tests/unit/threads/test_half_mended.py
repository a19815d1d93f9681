"""A fault of T3 Code's side that existed at the first scan: it needs the user until both sides agree, or it is accepted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from t3tray.alerts.switch_detector import SwitchDetector
from t3tray.backend.snapshot_builder import build_snapshot
from t3tray.domain.alarm import Acknowledged, Alarm, AlarmKind, Cause, SessionContents
from t3tray.domain.guard import GuardAction, GuardAnswer, GuardDecision, ReadRequest, Refusal
from t3tray.domain.reaper import ReaperClock
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.t3code_side import NextReason
from t3tray.domain.verdict import Kind
from t3tray.threads.snapshot import ThreadRow
from t3tray.threads.snapshot_rows import RowContext, row_of
from tests.support.t3_world import NOON, empty_world, writing
from tests.unit.threads.test_t3code_sides import Watch, keep, session, thread

STOPPED = ServerStatus(ServerState.STOPPED)
SOON = timedelta(hours=2)


class Tray(Watch):
    """Successive starts of t3tray in a world in which T3 Code's side had its fault before the first."""

    def start(self) -> None:
        self.sentinel = SwitchDetector(self.store, self.database, lambda: datetime.now(UTC))

    def row(self, later: timedelta = SOON) -> ThreadRow:
        """Return the row in the list after the switch detector has run, which raises nothing."""
        picture, now = self.look(), NOON + later
        sides = self.sides.of(picture, now)
        assert self.sentinel.detect(picture, sides) == ()
        left = self.store.alarms.left()
        (row,) = build_snapshot(picture, STOPPED, (), (), ReaperClock(), now, next_messages=sides, left=left).rows
        (found,) = picture.assessments
        alone = row_of(found, sides.get("t1"), picture.states, ReaperClock(), RowContext.of(STOPPED, left), now)
        assert alone.is_half_mended is row.is_half_mended, "the page says the same"
        return row


def chosen(made: Tray, over: str | None) -> None:
    """Choose the right session here, while T3 Code names another or none; then start t3tray."""
    thread(made, over)
    session(made, "ses_ours", messages=8)
    made.bind("ses_ours", over=over or "")
    made.start()


@pytest.fixture
def tray(tmp_path: Path) -> Iterator[Tray]:
    made = Tray(empty_world(tmp_path), tmp_path)
    chosen(made, "ses_new")
    session(made, "ses_new", messages=4)
    yield made
    made.store.close()


def test_it_needs_the_user_without_an_alarm(tray: Tray) -> None:
    row = tray.row()
    assert row.verdict.kind is Kind.RESUMABLE and row.next_message and row.next_message.reason is NextReason.OTHER_SESSION
    assert row.is_half_mended and tray.store.alarms.all() == ()


def test_an_old_one_keeps_its_mark_in_its_place(tray: Tray) -> None:
    row = tray.row(timedelta(hours=25))
    assert not row.is_half_mended and not row.is_t3_side_fine


def test_what_was_left_is_left_after_another_start_too(tray: Tray) -> None:
    assert tray.row().is_half_mended
    tray.sentinel.acknowledge("t1", Acknowledged.SIDE)
    assert not tray.row().is_half_mended and not tray.row().is_t3_side_fine
    (left,) = tray.store.alarms.all()
    assert (left.kind, left.fault) == (AlarmKind.LEFT, NextReason.OTHER_SESSION) and left.seen_at is not None
    assert tray.store.alarms.all(unseen=True) == (), "nothing is told of it"
    tray.start()
    assert not tray.row().is_half_mended


@pytest.mark.parametrize("fact", Acknowledged)
def test_each_thing_that_was_seen_is_seen_alone(tray: Tray, fact: Acknowledged) -> None:
    """An alarm, T3 Code's side, and a message that the guard refused: three facts of one thread."""
    assert tray.row().is_half_mended
    ours, new = SessionContents("ses_ours"), SessionContents("ses_new")
    tray.store.alarms.record({}, [Alarm("t1", AlarmKind.SWITCHED, Cause.UNKNOWN, ours, new, NOON, NOON)])
    refused = GuardDecision(GuardAction.REFUSE, (), "t1", refusal=Refusal.SESSION_GONE)
    tray.store.guard_answers.add(GuardAnswer(NOON, ReadRequest("ses_1", "/w"), refused))
    tray.sentinel.acknowledge("t1", fact)
    is_alarmed = bool(tray.store.alarms.all(unseen=True))
    is_left, is_refused = bool(tray.store.alarms.left()), bool(tray.store.guard_answers.unseen_refusals())
    assert (is_alarmed, is_left, is_refused) == {
        Acknowledged.ALARMS: (False, False, True),
        Acknowledged.SIDE: (False, True, True),
        Acknowledged.REFUSAL: (True, False, False),
    }[fact]


def test_another_fault_is_not_left_with_it(tray: Tray) -> None:
    tray.row()
    tray.sentinel.acknowledge("t1", Acknowledged.SIDE)
    with writing(tray.world.opencode) as connection:
        connection.execute("DELETE FROM session WHERE id = 'ses_new'")
    row = tray.row()
    assert row.next_message and row.next_message.reason is NextReason.SESSION_GONE and row.is_half_mended


def test_what_was_mended_and_is_broken_again_needs_the_user_again(tray: Tray) -> None:
    tray.row()
    tray.sentinel.acknowledge("t1", Acknowledged.SIDE)
    tray.t3_writes("UPDATE provider_session_runtime SET resume_cursor_json = ?", '{"schemaVersion":1,"sessionId":"ses_ours"}')
    assert tray.row().is_t3_side_fine and not tray.row().is_half_mended
    assert tray.store.alarms.left() == frozenset()


def test_a_thread_that_is_put_into_the_archive_needs_nobody(tray: Tray) -> None:
    tray.t3_writes("UPDATE projection_threads SET archived_at = ?", "2026-11-24T12:00:00.000Z")
    picture, now = tray.look(), NOON + SOON
    sides = tray.sides.of(picture, now)
    (row,) = build_snapshot(picture, STOPPED, (), (), ReaperClock(), now, True, sides).rows
    assert not row.is_half_mended


def test_what_cannot_be_told_is_no_fault(tmp_path: Path) -> None:
    made = Tray(empty_world(tmp_path), tmp_path)
    try:
        keep(made)
        made.start()
        assert made.row().is_t3_side_fine and not made.row().is_half_mended
        made.database.path.unlink()
        assert made.row().verdict.kind is Kind.UNKNOWN and not made.row().is_half_mended
    finally:
        made.store.close()


@pytest.mark.parametrize(("over", "reason"), [(None, NextReason.STARTS_EMPTY), ("ses_x", NextReason.SESSION_GONE)])
def test_what_t3_code_has_lost_needs_the_user(over: str | None, reason: NextReason, tmp_path: Path) -> None:
    made = Tray(empty_world(tmp_path), tmp_path)
    try:
        chosen(made, over)
        row = made.row()
        assert row.next_message and row.next_message.reason is reason and row.is_half_mended
    finally:
        made.store.close()
