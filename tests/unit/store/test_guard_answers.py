"""The guard's stored answers: read back as they were written, bounded, and unseen until the user has seen them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from t3tray.domain.guard import (
    CreateRequest,
    ForkRequest,
    GuardAction,
    GuardAnswer,
    GuardDecision,
    GuardRequest,
    OtherRequest,
    PermissionRule,
    ReadRequest,
    Refusal,
)
from t3tray.store import guard_answers as module
from t3tray.store.store import Store
from tests.support.stores import open_store

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
REFUSED = GuardDecision(GuardAction.REFUSE, (), "t1", refusal=Refusal.SESSION_GONE)
GIVEN = GuardDecision(GuardAction.GIVE, (), "t1", "ses_2", 41)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "data", lambda: NOON)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "asked",
    [
        ReadRequest("ses_1", "/w"),
        CreateRequest("Grüße", "/w"),
        CreateRequest(None, ""),
        ForkRequest("ses_1", "/wt"),
        OtherRequest(),
    ],
    ids=repr,
)
@pytest.mark.parametrize("decision", [REFUSED, GIVEN, GuardDecision(GuardAction.PASS, ())], ids=lambda decision: decision.answer)
def test_an_answer_is_read_back_as_it_was_kept(store: Store, asked: GuardRequest, decision: GuardDecision) -> None:
    told = GuardAnswer(NOON, asked, decision, decision.session_id, evidence=("OpenCode has no ses_1.", "the user chose"))
    store.guard_answers.add(told)
    assert store.guard_answers.all() == (replace(told, id=1),)


def test_a_requests_permissions_are_not_kept(store: Store) -> None:
    store.guard_answers.add(
        GuardAnswer(NOON, CreateRequest("Report", "/w", (PermissionRule("*", "*", "allow"),)), GIVEN, "ses_2")
    )
    assert store.guard_answers.all()[0].asked == CreateRequest("Report", "/w")


def test_the_newest_of_each_thread_and_altogether_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_OF_THREAD", 3)
    monkeypatch.setattr(module, "KEPT", 8)
    for number in range(5):
        store.guard_answers.add(GuardAnswer(NOON, CreateRequest(str(number), "/w"), GIVEN, "ses_2"))
    assert titles(store, "t1") == ["2", "3", "4"]
    for number in range(6):
        store.guard_answers.add(GuardAnswer(NOON, CreateRequest(f"nobody's {number}", "/w"), GuardDecision(GuardAction.PASS, ())))
    assert titles(store, "t1") == ["3", "4"], "what belongs to no thread counts too"
    assert len(store.guard_answers.all()) == 8


def titles(store: Store, thread_id: str) -> list[str | None]:
    return [told.asked.title for told in store.guard_answers.all(thread_id) if isinstance(told.asked, CreateRequest)]


def test_a_refusal_stands_until_it_was_seen_or_the_thread_went_on(store: Store) -> None:
    def answer(decision: GuardDecision, seconds: int = 0) -> None:
        store.guard_answers.add(
            GuardAnswer(NOON + timedelta(seconds=seconds), ReadRequest("ses_1", "/w"), decision, decision.session_id)
        )

    answer(REFUSED)
    answer(REFUSED, 5)
    answer(replace(REFUSED, thread_id="t2"), 6)
    answer(replace(REFUSED, thread_id=None), 7)
    standing = store.guard_answers.unseen_refusals()
    assert [(told.decision.thread_id, told.at.second) for told in standing] == [("t1", 5), ("t2", 6)]
    store.guard_answers.mark_seen("t2", NOON)
    assert [told.decision.thread_id for told in store.guard_answers.unseen_refusals()] == ["t1"]
    answer(GIVEN, 8)
    assert store.guard_answers.unseen_refusals() == ()
    assert [told.seen_at for told in store.guard_answers.all("t2")] == [NOON]
