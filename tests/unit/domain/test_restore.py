"""Sentences on restored data, and on what settling the restore would do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from t3tray.domain.restore import Restore
from t3tray.messages.restore import SETTLE, doubt_clause, restore_sentence, settle_plan, what_happened

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
COPY_AT = datetime(2026, 2, 28, 9, 30, tzinfo=UTC)
PUT_BACK = Restore(AT, "was damaged (malformed)", 12, False, COPY_AT, "t3tray.db.damaged-1")


@pytest.mark.parametrize(
    ("restore", "sentences"),
    [
        (
            PUT_BACK,
            (
                "t3tray's data file was damaged (malformed); it was set aside as t3tray.db.damaged-1.",
                "The copy of 2026-02-28 09:30 UTC was put back.",
            ),
        ),
        (
            replace(PUT_BACK, copy_at=None),
            (
                "t3tray's data file was damaged (malformed); it was set aside as t3tray.db.damaged-1.",
                "There is no good copy, so it begins anew.",
            ),
        ),
        (
            replace(PUT_BACK, aside=""),
            ("t3tray's data file was damaged (malformed).", "The copy of 2026-02-28 09:30 UTC was put back."),
        ),
        (
            replace(PUT_BACK, trouble="is older than its journal", aside="", copy_at=None),
            ("t3tray's data is older than its journal.",),
        ),
    ],
)
def test_what_happened_is_said_as_far_as_it_did(restore: Restore, sentences: tuple[str, ...]) -> None:
    assert what_happened(restore) == sentences


def test_the_sentence_says_what_may_be_older_and_how_it_is_settled() -> None:
    assert "a thread whose binding may be older is shown as unproven" in restore_sentence(PUT_BACK)
    complete = restore_sentence(replace(PUT_BACK, complete=True))
    assert "All bindings are as they were" in complete and "unproven" not in complete
    assert restore_sentence(PUT_BACK).endswith(SETTLE) and complete.endswith(SETTLE)


def test_the_remark_names_the_time_that_the_binding_is_of() -> None:
    assert doubt_clause(PUT_BACK).startswith("its binding is of 2026-02-28 09:30 UTC;")
    assert doubt_clause(replace(PUT_BACK, copy_at=None)).startswith("its binding is from before 2026-03-01 12:00 UTC;")


def test_settling_names_the_threads_in_doubt_and_what_is_said_no_more() -> None:
    one, many = settle_plan(PUT_BACK, ["Report"], []), settle_plan(PUT_BACK, [f"Thread {number}" for number in range(10)], [])
    assert "This thread's binding may be older, so it does not count as proved:" in one.before and "  “Report”" in one.before
    assert "The bindings of these 10 threads may be older, so they do not count as proved:" in many.before
    assert "  “Thread 7”" in many.before and "  “Thread 8”" not in many.before and "  and 2 more" in many.before
    assert any("the next message goes there" in line for line in one.after) and len(one.lost) == len(many.lost) == 1
    assert any("t3tray.db.damaged-1" in line for line in one.kept) and not one.hindrance


def test_settling_loses_nothing_where_nothing_is_in_doubt() -> None:
    for plan in (settle_plan(replace(PUT_BACK, complete=True), ["Report"], []), settle_plan(replace(PUT_BACK, aside=""), [], [])):
        assert plan.lost == () and "  “Report”" not in plan.before and plan.after == ("t3tray says no more about it.",)
    assert len(settle_plan(replace(PUT_BACK, aside=""), [], []).kept) == 1


def test_a_thread_that_several_sessions_claim_has_to_be_settled_first() -> None:
    assert settle_plan(PUT_BACK, [], ["Report"]).hindrance == "Several sessions claim “Report”. Choose one on its page first."
    assert "“A”, “B”. Choose one for each, on its page, first." in settle_plan(PUT_BACK, [], ["A", "B"]).hindrance
