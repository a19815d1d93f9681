"""Which remedies are offered, and in which order: by the verdict, and by the situation around it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from t3tray.domain.remedy import Remedy
from t3tray.domain.verdict import Kind, Reason, Verdict
from t3tray.threads.remedy_offers import NOTHING_KNOWN, SessionStanding, Situation, answer_to_alarm, offers

GONE, THERE, ELSEWHERE, NONE = SessionStanding.GONE, SessionStanding.THERE, SessionStanding.ELSEWHERE, SessionStanding.NONE
T3 = Situation(is_t3=True, others=False, choices=True, copies=True, can_repair=True)


def offered(reason: Reason, **known: Any) -> list[Remedy]:
    return list(offers(Verdict(reason), replace(T3, **known)))


def test_a_switch_while_the_old_session_is_gone() -> None:
    found = offered(Reason.CONFLICT, bound=GONE, named=THERE)
    assert found == [Remedy.HEAL, Remedy.CARRY, Remedy.START_AFRESH, Remedy.BIND]


def test_the_old_session_is_gone_and_t3_code_has_not_switched_yet() -> None:
    found = offered(Reason.MISSING, bound=GONE, named=GONE, is_one=True)
    assert found == [Remedy.CARRY, Remedy.START_AFRESH, Remedy.BIND, Remedy.RELEASE]
    found = offered(Reason.MISSING, bound=GONE, named=GONE, is_one=True, copies=False)
    assert found == [Remedy.BIND, Remedy.START_AFRESH, Remedy.RELEASE], "nobody kept a word"


def test_a_switch_while_both_sessions_are_there() -> None:
    found = offered(Reason.CONFLICT, bound=THERE, named=THERE, others=True)
    assert found == [Remedy.HEAL, Remedy.JOIN, Remedy.BIND, Remedy.REPAIR]
    assert offered(Reason.SPLIT, bound=THERE, named=THERE, is_one=True, others=True)[:2] == [Remedy.HEAL, Remedy.JOIN]


def test_moved_and_forked() -> None:
    for bound in (THERE, ELSEWHERE):
        found = offered(Reason.CONFLICT, bound=bound, named=ELSEWHERE, others=True)
        assert found[0] is Remedy.MOVE_SESSION and Remedy.HEAL not in found
        assert (Remedy.REPAIR in found) == (bound is THERE)
    found = offered(Reason.DIRECTORY_MISMATCH, bound=ELSEWHERE, named=ELSEWHERE, is_one=True)
    assert found == [Remedy.MOVE_SESSION, Remedy.BIND, Remedy.CARRY]


def test_nothing_is_offered_to_be_moved_by_a_server_that_cannot() -> None:
    found = offered(Reason.DIRECTORY_MISMATCH, bound=ELSEWHERE, named=ELSEWHERE, is_one=True, can_move=False)
    assert found == [Remedy.BIND, Remedy.CARRY]
    lost = offered(Reason.DIRECTORY_MISSING, bound=THERE, is_t3=False, can_move=True)
    assert [each for each in lost if each is not Remedy.RELOCATE] == offered(
        Reason.DIRECTORY_MISSING, bound=THERE, is_t3=False, can_move=False
    )


def test_t3_code_names_a_session_that_is_gone_and_ours_is_there() -> None:
    assert offered(Reason.CONFLICT, bound=THERE, named=GONE) == [Remedy.REPAIR, Remedy.BIND]
    assert offered(Reason.CONFLICT, bound=THERE, named=GONE, can_repair=False) == [Remedy.BIND]


def test_the_session_that_t3_code_names_was_emptied() -> None:
    for reason in (Reason.EMPTY, Reason.HISTORY_LOST):
        assert offered(reason, bound=THERE, named=THERE, is_one=True)[0] is Remedy.HEAL


def test_green_here_while_t3_code_goes_on_elsewhere() -> None:
    assert offered(Reason.PROVED, bound=THERE, named=THERE) == [Remedy.HEAL, Remedy.REPAIR]
    assert offered(Reason.PROVED, bound=THERE, named=NONE) == [Remedy.REPAIR]
    assert offered(Reason.PROVED, bound=THERE, named=THERE, is_one=True) == []
    assert offered(Reason.PROVED, bound=THERE, named=THERE, is_one=True, lacks=True) == [Remedy.HEAL]
    assert offered(Reason.PROVED, bound=THERE, named=THERE, is_one=True, lacks=True, others=True) == [Remedy.HEAL, Remedy.JOIN]


def test_a_session_of_our_own_that_lacks_something_can_be_joined_or_left_for_another() -> None:
    own = Situation(bound=THERE, is_t3=False, copies=True, lacks=True)
    assert offers(Verdict(Reason.PROVED), replace(own, choices=True, others=False)) == (Remedy.BIND,)
    assert offers(Verdict(Reason.PROVED), replace(own, choices=True, others=True)) == (Remedy.JOIN,)
    assert offers(Verdict(Reason.PROVED), replace(own, choices=False, others=False)) == (), "nobody has it"


def test_a_thread_of_our_own_is_never_healed_or_repaired_and_can_be_relocated() -> None:
    own = Situation(bound=THERE, is_t3=False, choices=True, copies=True)
    for reason in Reason:
        found = offers(Verdict(reason), own)
        assert not {Remedy.HEAL, Remedy.REPAIR} & {*found}
    assert offers(Verdict(Reason.DIRECTORY_MISSING), own)[0] is Remedy.RELOCATE


@pytest.mark.parametrize("reason", Reason)
def test_nothing_is_offered_that_would_be_refused_for_sure(reason: Reason) -> None:
    standings = product(SessionStanding, SessionStanding, (True, False), (True, False))
    for bound, named, is_one, can_repair in standings:
        if is_one and bound is not named:
            continue
        known = replace(T3, bound=bound, named=named, is_one=is_one, can_repair=can_repair)
        found = offers(Verdict(reason), known)
        assert len({*found}) == len(found)
        assert Remedy.RELOCATE not in found, "T3 Code says where its threads are"
        assert Remedy.HEAL not in found or named in (THERE, SessionStanding.UNKNOWN)
        assert Remedy.REPAIR not in found or (bound is THERE and not is_one and can_repair)
        assert Remedy.MOVE_SESSION not in found or ELSEWHERE in (bound, named) or bound is SessionStanding.UNKNOWN
        if named is THERE and not is_one and bound is not NONE and Verdict(reason).kind is Kind.BLOCKED:
            assert found[0] is Remedy.HEAL or reason is Reason.DIRECTORY_MISSING
        if bound is GONE:
            assert not found or found[0] is not Remedy.BIND or reason not in (Reason.MISSING, Reason.CONFLICT)


def test_where_nothing_is_known_the_reasons_own_remedies_are_named() -> None:
    assert offers(Verdict(Reason.MISSING), NOTHING_KNOWN)[:2] == (Remedy.BIND, Remedy.CARRY)
    assert offers(Verdict(Reason.SERVER_DOWN), NOTHING_KNOWN) == (Remedy.START_SERVER, Remedy.RETRY)


def test_where_nobody_looked_whether_the_cursor_may_be_written_it_is_repaired_all_the_same() -> None:
    assert offered(Reason.INTERRUPTED, bound=THERE, named=GONE, can_repair=None) == [Remedy.REPAIR, Remedy.FORK]


@pytest.mark.parametrize(
    ("first", "answer", "complete"),
    [
        (Remedy.HEAL, Remedy.HEAL, Remedy.HEAL),
        (Remedy.REPAIR, Remedy.REPAIR, Remedy.REPAIR),
        (Remedy.CARRY, Remedy.CARRY, Remedy.CARRY),
        (Remedy.BIND, Remedy.BIND, None),
        (Remedy.RELOCATE, Remedy.RELOCATE, None),
        (Remedy.RETRY, None, None),
        (Remedy.START_SERVER, None, None),
        (Remedy.FORK, None, None),
        (Remedy.UNDO, None, None),
    ],
)
def test_an_alarm_is_answered_by_the_first_offer_or_by_none(
    first: Remedy, answer: Remedy | None, complete: Remedy | None
) -> None:
    offered = (first, Remedy.CARRY)
    assert (answer_to_alarm(offered), answer_to_alarm(offered, is_complete=True)) == (answer, complete)
    assert answer_to_alarm(()) is None


@pytest.mark.parametrize("reason", [Reason.CONFLICT, Reason.SPLIT, Reason.PROVED, Reason.REWOUND])
def test_nothing_is_brought_into_a_session_with_a_pending_revert(reason: Reason) -> None:
    around = {"bound": THERE, "named": THERE, "others": True}
    assert Remedy.HEAL in offered(reason, **around)
    found = offered(reason, **around, reverting=True)
    assert Remedy.HEAL not in found and Remedy.JOIN not in found and Remedy.REPAIR in found
