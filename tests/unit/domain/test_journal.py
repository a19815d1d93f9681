"""The binding that a thread's journal entries result in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from t3tray.domain.cursor import Cursor
from t3tray.domain.journal import (
    Actor,
    Binding,
    Entry,
    Event,
    abandoned,
    fold,
    last_change,
    last_remedy,
    left_sessions,
    put_away,
    returned,
    standing,
)
from t3tray.domain.remedy import Remedy, RemedyRecord

ONE, TWO = Cursor("ses_1", "/w"), Cursor("ses_2", "/w")


def line(event: Event, cursor: Cursor | None = None, intent: str | None = None) -> Entry:
    session = cursor.session_id if cursor else None
    return Entry("t", event, Actor.USER, "because", datetime(2026, 11, 24, tzinfo=UTC), session, intent, cursor)


def test_nothing_folds_into_nothing() -> None:
    assert fold([]) == Binding(None, (), False)


def test_an_intent_is_pending_until_it_is_confirmed_or_abandoned() -> None:
    assert fold([line(Event.INTENDED, intent="i")]).pending == ("i",)
    assert fold([line(Event.INTENDED, intent="i"), line(Event.CONFIRMED, ONE, "i")]) == Binding(ONE, (), True)
    assert fold([line(Event.INTENDED, intent="i"), line(Event.ABANDONED, intent="i")]) == Binding(None, (), True)


def test_abandoning_an_intent_leaves_the_binding_alone() -> None:
    entries = [line(Event.CONFIRMED, ONE), line(Event.INTENDED, intent="i"), line(Event.ABANDONED, intent="i")]
    assert fold(entries) == Binding(ONE, (), True)


def test_the_newest_binding_stands_and_a_released_one_does_not() -> None:
    rebound = [line(Event.CONFIRMED, ONE), line(Event.SUPERSEDED, ONE), line(Event.CONFIRMED, TWO)]
    assert fold(rebound).cursor == TWO
    assert fold([*rebound, line(Event.RELEASED, TWO)]) == Binding(None, (), True)


def test_a_session_that_was_written_into_after_it_was_let_go_of_counts_again_until_it_is_settled() -> None:
    left = (line(Event.CONFIRMED, ONE), line(Event.SUPERSEDED, ONE), line(Event.CONFIRMED, TWO))
    back = (*left, line(Event.RETURNED, ONE))
    assert put_away(left) == {"ses_1"} and put_away(back) == frozenset() and returned(back) == {"ses_1"}
    assert fold(back) == fold(left), "it changes no binding"
    assert put_away((*back, line(Event.PUT_AWAY, ONE))) == {"ses_1"}
    for settled in (Event.PUT_AWAY, Event.CONFIRMED):
        assert returned((*back, line(settled, ONE))) == frozenset()


def remedy(remedy: Remedy, intent: str, old: Cursor, new: Cursor, undoes: str = "") -> tuple[Entry, ...]:
    """The entries of a remedy that leaves one session for another."""
    deed, at = RemedyRecord(remedy, undoes=undoes), datetime(2026, 11, 24, tzinfo=UTC)
    steps = ((Event.INTENDED, None), (Event.SUPERSEDED, old), (Event.CONFIRMED, new))
    return tuple(
        Entry("t", event, Actor.USER, "", at, cursor.session_id if cursor else None, intent, cursor, deed)
        for event, cursor in steps
    )


FIRST = (line(Event.CONFIRMED, ONE),)


@pytest.mark.parametrize(("kind", "made"), [(Remedy.BIND, False), (Remedy.FORK, True), (Remedy.START_AFRESH, True)])
def test_an_undone_remedy_dismisses_nothing_but_the_session_that_it_made(kind: Remedy, made: bool) -> None:
    done = (*FIRST, *remedy(kind, "i", ONE, TWO))
    undone = (*done, *remedy(Remedy.UNDO, "u", TWO, ONE, undoes="i"))
    assert put_away(done) == {"ses_1"} and fold(done).cursor == TWO
    assert put_away(undone) == ({"ses_2"} if made else frozenset()) and fold(undone).cursor == ONE
    assert standing(undone) == FIRST


def test_who_undoes_a_remedy_leaves_what_it_had_chosen_and_nothing_else() -> None:
    """T3 Code may have been brought there meanwhile: the guard must bring it back."""
    done = (*FIRST, *remedy(Remedy.BIND, "i", ONE, TWO))
    users = frozenset({Actor.USER})
    assert left_sessions(done, users) == {"ses_1"}
    assert left_sessions((*done, *remedy(Remedy.UNDO, "u", TWO, ONE, undoes="i")), users) == {"ses_2"}
    assert left_sessions((*done, *remedy(Remedy.BIND, "j", TWO, ONE)), users) == {"ses_2"}, "it was returned to"
    assert left_sessions(done, {Actor.IMPORT}) == frozenset(), "nobody of these left anything"


def test_only_a_change_of_the_binding_counts_as_one() -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    kinds = (Event.INTENDED, Event.CONFIRMED, Event.PROVEN, Event.ABANDONED, Event.RETURNED)
    entries = [Entry("t", kind, Actor.USER, "", at, seq=number) for number, kind in enumerate(kinds, 1)]
    assert last_change(entries) == 2 and last_change(entries[:1]) == last_change(()) == 0


def test_what_an_interrupted_remedy_made_is_left_until_somebody_binds_it() -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    cut_off = (*FIRST, Entry("t", Event.PUT_AWAY, Actor.RECOVERY, "", at, "ses_2", "i"))
    assert abandoned(cut_off) == {"ses_2"}
    assert abandoned((*FIRST, Entry("t", Event.PUT_AWAY, Actor.USER, "", at, "ses_2", "i"))) == frozenset()
    assert abandoned((*cut_off, line(Event.CONFIRMED, TWO))) == frozenset()


def test_the_remedy_to_undo_is_the_last_one_that_was_completed_and_not_undone() -> None:
    first, second = remedy(Remedy.BIND, "i", ONE, TWO), remedy(Remedy.FORK, "j", TWO, ONE)
    assert last_remedy(FIRST) == ()
    assert last_remedy((*FIRST, *first, *second)) == second
    assert last_remedy((*FIRST, *first, *second[:2])) == first, "the second has no end yet"
    undone = (*FIRST, *first, *second, *remedy(Remedy.UNDO, "u", ONE, TWO, undoes="j"))
    assert last_remedy(undone) == first
    assert last_remedy((*undone, *remedy(Remedy.UNDO, "v", TWO, ONE, undoes="i"))) == ()
