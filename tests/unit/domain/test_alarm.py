"""An alarm: what is the same event, its cause, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from t3tray.domain.alarm import (
    Alarm,
    AlarmKind,
    Cause,
    SessionContents,
    SwitchFacts,
    cause_of,
    is_cliff,
    left_event,
)
from t3tray.domain.t3code_side import NextReason
from t3tray.messages.alarms import NOTICE_LIMIT, alarm_notice, alarm_sentence
from tests.support.t3_world import NOON


def test_tokens_that_are_not_counted_yet_are_not_told() -> None:
    alarm = Alarm(
        "t1", AlarmKind.SWITCHED, Cause.UNKNOWN, SessionContents("ses_a", 8, 900), SessionContents("ses_b", 2, 0), NOON, NOON
    )
    assert "a session with 8 messages, 900 tokens to one with 2 messages: " in alarm_sentence(alarm)


@pytest.mark.parametrize("kind", AlarmKind)
@pytest.mark.parametrize("cause", Cause)
def test_a_notice_is_short_and_names_no_session(kind: AlarmKind, cause: Cause) -> None:
    held = SessionContents("ses_df5b7c396ffePEPIcGpSPNF9CH", 123_456, 9_999_999)
    for before, now in (
        (held, held),
        (held, SessionContents(None)),
        (SessionContents("ses_df5b7c396ffePEPIcGpSPNF9CH"), SessionContents(None)),
    ):
        told = alarm_notice(Alarm("t1", kind, cause, before, now, NOON, NOON))
        assert len(told) <= NOTICE_LIMIT and "ses_" not in told and told.endswith(".")


ALARM = Alarm("t1", AlarmKind.SWITCHED, Cause.UNKNOWN, SessionContents("ses_a"), SessionContents("ses_b"), NOON, NOON)


def test_one_event_is_told_once_whatever_is_learnt_of_it_later() -> None:
    known = replace(
        ALARM, cause=Cause.SESSION_DELETED, before=SessionContents("ses_a", 8, 900), noticed_at=NOON + timedelta(hours=1)
    )
    assert known.event == ALARM.event
    assert replace(ALARM, at=NOON + timedelta(hours=1)).event == ALARM.event, "T3 Code writes its time anew"
    others = (
        replace(ALARM, thread_id="t2"),
        replace(ALARM, kind=AlarmKind.LOST),
        replace(ALARM, now=SessionContents("ses_c")),
        replace(ALARM, before=ALARM.now, now=ALARM.before),
        replace(ALARM, cause=Cause.HELD_OPEN),
    )
    assert len({ALARM.event, *(other.event for other in others)}) == 6


def test_each_turn_that_was_sent_far_less_is_an_event_of_its_own() -> None:
    cliff = replace(ALARM, kind=AlarmKind.CLIFF)
    assert cliff.event != replace(cliff, at=NOON + timedelta(minutes=1)).event


def test_what_the_user_left_is_left_until_the_fault_is_another_one() -> None:
    left = replace(ALARM, kind=AlarmKind.LEFT, fault=NextReason.OTHER_SESSION)
    assert left.event == left_event("t1", "ses_a", "ses_b", NextReason.OTHER_SESSION)
    assert left.event == replace(left, at=NOON + timedelta(hours=1)).event
    assert left.event != replace(left, fault=NextReason.SESSION_GONE).event


@pytest.mark.parametrize(
    ("facts", "cause"),
    [
        (SwitchFacts(None), Cause.UNKNOWN),
        (SwitchFacts(True), Cause.UNKNOWN),
        (SwitchFacts(False, works_elsewhere=True, was_null=True), Cause.SESSION_DELETED),
        (SwitchFacts(None, was_null=True), Cause.CURSOR_WAS_NULL),
        (SwitchFacts(True, is_fork_of_old=True, was_null=True), Cause.MOVED_DIRECTORY),
        (SwitchFacts(None, works_elsewhere=True), Cause.MOVED_DIRECTORY),
        (SwitchFacts(False, handed_over=True), Cause.V2_IMPORT),
    ],
)
def test_a_cause_is_named_only_as_far_as_the_facts_show_it(facts: SwitchFacts, cause: Cause) -> None:
    assert cause_of(facts) is cause


@pytest.mark.parametrize(
    ("before", "after", "compacted", "told"),
    [(1000, 399, False, True), (1000, 400, False, False), (1000, 0, True, False), (0, 0, False, False)],
)
def test_a_fall_of_the_tokens_is_a_cliff_unless_a_compaction_explains_it(
    before: int, after: int, compacted: bool, told: bool
) -> None:
    assert is_cliff(before, after, compacted) is told
