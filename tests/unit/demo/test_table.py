"""The demo's threads show every state that they are meant to show."""

from __future__ import annotations

from collections import Counter

from t3tray.demo.table import THREADS, Fate
from t3tray.domain.verdict import KIND_OF, Kind, Reason

# What befalls all threads at once; of one alone it would have to be made up.
_OF_ALL = {
    Reason.SERVER_DOWN,
    Reason.UNAUTHORIZED,
    Reason.TIMEOUT,
    Reason.SERVER_ERROR,
    Reason.UNSUPPORTED,
    Reason.OTHER_DATABASE,
}
# A second OpenCode process that is in the middle of a turn would cost as much again as the whole demo.
_NOT_SHOWN = {Reason.OPEN_ELSEWHERE, Reason.UNPROVEN, Reason.STRANDED}


def test_every_reason_that_can_stand_beside_the_others_is_shown() -> None:
    shown = {thread.verdict for thread in THREADS} - {None}
    assert shown == set(Reason) - _OF_ALL - _NOT_SHOWN
    assert {KIND_OF[reason] for reason in shown if reason} == set(Kind)


def test_what_happens_to_a_thread_happens_to_one_only() -> None:
    counts = Counter(thread.fate for thread in THREADS)
    assert {fate for fate in Fate if counts[fate] != 1} <= {Fate.KEPT, Fate.NO_SESSION_YET}


def test_no_two_threads_have_the_same_title() -> None:
    assert len({thread.id for thread in THREADS}) == len(THREADS)


def test_what_goes_on_at_once_is_still_watched_by_the_reaper() -> None:
    assert all(thread.age.total_seconds() < 30 * 60 for thread in THREADS if thread.is_live)
