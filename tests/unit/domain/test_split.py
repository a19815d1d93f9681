"""Whether a conversation is spread over several sessions: not said of a fork, of sub-agents, or of what was dismissed."""

from __future__ import annotations

import pytest

from t3tray.domain.split import Candidate, split_of

OLD = Candidate("ses_old", ("its title",), True, messages=18, created_ms=1, first_ms=1, last_ms=90)
NEW = Candidate("ses_new", ("the cursor", "a log"), True, messages=4, created_ms=100, first_ms=100, last_ms=190)
# It was forked from the old one at 100, with all of its messages.
FORK = Candidate("ses_fork", ("a log",), True, messages=20, created_ms=100, first_ms=1, last_ms=200)


def sessions(bound: str | None, *candidates: Candidate, put_away: tuple[str, ...] = ()) -> list[str]:
    return [claim.session_id for claim in split_of(bound, candidates, put_away)]


def test_two_sessions_with_different_parts_are_a_split_with_the_bound_one_first() -> None:
    assert sessions("ses_new", OLD, NEW) == ["ses_new", "ses_old"]
    assert sessions("ses_old", OLD, NEW) == ["ses_old", "ses_new"]
    assert [claim.learnt_from for claim in split_of("ses_new", (OLD, NEW), ())] == ["the cursor, a log", "its title"]


@pytest.mark.parametrize("bound", [None, "ses_gone"])
def test_without_a_bound_session_that_is_there_the_fullest_takes_its_place(bound: str | None) -> None:
    assert sessions(bound, NEW, OLD) == ["ses_old", "ses_new"]
    assert sessions(bound, OLD) == sessions(bound) == []


def test_a_fork_holds_all_of_its_origin_and_not_what_was_said_there_later() -> None:
    assert sessions("ses_fork", OLD, FORK) == []
    went_on = Candidate("ses_old", ("a log",), True, messages=20, created_ms=1, first_ms=1, last_ms=150)
    assert sessions("ses_fork", went_on, FORK) == ["ses_fork", "ses_old"]
    assert sessions("ses_old", OLD, FORK) == ["ses_old", "ses_fork"], "the origin lacks what the fork went on with"


@pytest.mark.parametrize("exists", [False, None])
def test_a_session_that_is_not_known_to_be_there_splits_nothing(exists: bool | None) -> None:
    assert sessions("ses_new", Candidate("ses_old", ("a log",), exists, messages=18, first_ms=1, last_ms=2), NEW) == []


def test_what_was_dismissed_what_is_empty_and_sub_agents_split_nothing() -> None:
    assert sessions("ses_new", OLD, NEW, put_away=("ses_old",)) == []
    assert sessions("ses_new", Candidate("ses_empty", ("a log",), True), NEW) == []
    agent = Candidate("ses_agent", ("a log",), True, parent_id="ses_new", messages=9, first_ms=1, last_ms=2)
    assert sessions("ses_new", agent, NEW) == []
