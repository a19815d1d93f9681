"""Sentences and notifications of an alarm."""

from __future__ import annotations

import pytest

from t3tray.domain.alarm import Alarm, AlarmKind, Cause, SessionContents
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
