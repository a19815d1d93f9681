"""The binding that a thread's journal entries result in."""

from __future__ import annotations

from datetime import UTC, datetime

from t3tray.domain.cursor import Cursor
from t3tray.domain.journal import Actor, Binding, Entry, Event, fold, put_away, returned

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
