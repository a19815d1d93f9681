"""Which facts become a notification: none twice, none in quiet hours or in the first moments, and no more than needed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as some

from t3tray.domain.notification import (
    SETTLING,
    Fact,
    Notification,
    NotificationFacts,
    NotificationKind,
    NotificationRules,
    NotifierMemory,
    QuietHours,
    answer_of,
    next_step,
    woke_up,
)
from t3tray.domain.pending_request import ApprovalRequest, Option, Question, QuestionRequest, Reply, Requester
from t3tray.domain.remedy import Remedy
from t3tray.messages.notifications import Button, NotificationWording, wording
from t3tray.messages.pending_requests import wish

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = START + timedelta(minutes=1)
ASKER = Requester("ses_1", "/work", "Parser", "a", ("explore",))
RECURRING = (NotificationKind.BLOCKED, NotificationKind.SERVER)
ALL = NotificationRules(frozenset(NotificationKind))


def fact(kind: NotificationKind, thread: str = "a", *, id: str = "", is_old: bool = False) -> Fact:
    return Fact(id or f"{kind} {thread}", kind, f"Thread {thread}", "So it is.", thread, is_old)


def approval(id: str, *patterns: str) -> Fact:
    request = ApprovalRequest(id, ASKER, "bash", patterns or ("git push",))
    return Fact(f"ask {id}", NotificationKind.APPROVAL, "Parser", wish(request), "a", request=request)


def question(*options: str, text: str = "Which?", multiple: bool = False) -> QuestionRequest:
    return QuestionRequest("que_1", ASKER, (Question(text, options=tuple(Option(each) for each in options), multiple=multiple),))


def after(*looks: NotificationFacts, rules: NotificationRules = ALL) -> tuple[NotifierMemory, list[tuple[Notification, ...]]]:
    """Compare snapshots a minute apart, the first at the start itself; return what was shown after each."""
    memory, shown = NotifierMemory(START), []
    for number, look in enumerate(looks):
        step = next_step(memory, look, rules, START + number * timedelta(minutes=1))
        memory = step.memory
        shown.append(step.notifications)
    return memory, shown


facts_of_every_kind = some.builds(
    lambda kind, thread, is_old: fact(kind, thread, is_old=is_old),
    some.sampled_from(NotificationKind),
    some.sampled_from("abcd"),
    some.booleans(),
)
look_of = some.builds(
    lambda facts, unclear, watched: NotificationFacts(
        tuple({each.id: each for each in facts}.values()), frozenset(unclear), watched
    ),
    some.lists(facts_of_every_kind, max_size=6),
    some.sets(some.sampled_from([f"blocked {thread}" for thread in "abcd"])),
    some.sampled_from([None, "a", "b"]),
)
steps = some.lists(some.tuples(look_of, some.integers(1, 4000), some.booleans()), min_size=1, max_size=12)
hours = some.builds(QuietHours, some.times(), some.times())


@given(steps, some.none() | hours, some.sets(some.sampled_from(NotificationKind)))
def test_nothing_is_told_twice_in_quiet_hours_or_in_the_first_moments(
    taken: list[tuple[NotificationFacts, int, bool]], quiet: QuietHours | None, kinds: set[NotificationKind]
) -> None:
    rules, memory, now = NotificationRules(frozenset(kinds), quiet), NotifierMemory(START), START
    woke, told, standing = START, Counter[str](), set[str]()
    for look, seconds, wakes in taken:
        now += timedelta(seconds=seconds)
        if wakes:
            memory, woke = woke_up(memory, now), now
        step = next_step(memory, look, rules, now)
        memory = step.memory
        holds = {each.id for each in look.facts} | look.unclear
        standing &= holds
        for each in (each for notification in step.notifications for each in notification.facts):
            assert each.kind in kinds
            assert now >= woke + SETTLING
            assert quiet is None or not quiet.hold(now)
            assert each.id not in standing, "told again while it still holds"
            told[each.id] += each.kind not in RECURRING
            standing.add(each.id)
        shown = [notification.id for notification in memory.shown]
        assert len(shown) == len(set(shown))
        assert not {notification.id for notification in step.withdrawn} & set(shown)
    assert not told or max(told.values()) <= 1


def test_what_waits_for_the_user_is_told_after_the_first_moments_and_what_is_old_never() -> None:
    look = NotificationFacts(
        (approval("per_1"), fact(NotificationKind.BLOCKED, is_old=True), fact(NotificationKind.SWITCH, is_old=True))
    )
    _, (first, second, third) = after(look, look, look)
    assert (first, third) == ((), ())
    assert [notification.kind for notification in second] == [NotificationKind.APPROVAL]


def test_a_thread_that_becomes_blocked_is_told_again_only_after_it_could_be_resumed() -> None:
    blocked = NotificationFacts((fact(NotificationKind.BLOCKED, is_old=True),))
    unknown = NotificationFacts((), frozenset({"blocked a"}))
    _, shown = after(NotificationFacts(), blocked, unknown, blocked, NotificationFacts(), blocked)
    assert [len(each) for each in shown] == [0, 1, 0, 0, 0, 1]


def test_a_notice_stays_while_nobody_knows_and_goes_when_its_fact_is_over() -> None:
    memory, _ = after(NotificationFacts(), NotificationFacts((fact(NotificationKind.BLOCKED),)))
    step = next_step(memory, NotificationFacts((), frozenset({"blocked a"})), ALL, LATER)
    assert step.withdrawn == () and step.memory.shown
    step = next_step(step.memory, NotificationFacts(), ALL, LATER)
    assert [notification.kind for notification in step.withdrawn] == [NotificationKind.BLOCKED] and step.memory.shown == ()


def test_an_approval_that_is_answered_elsewhere_is_withdrawn_and_does_not_come_back() -> None:
    memory, (_, shown) = after(NotificationFacts(), NotificationFacts((approval("per_1"),)))
    step = next_step(memory, NotificationFacts(), ALL, LATER)
    assert step.withdrawn == shown
    assert next_step(step.memory, NotificationFacts((approval("per_1"),)), ALL, LATER).notifications == ()


def test_a_finished_turn_is_not_told_of_the_thread_on_screen_and_its_notice_goes_once_it_is() -> None:
    turn = fact(NotificationKind.TURN)
    _, (_, watched, later) = after(NotificationFacts(), NotificationFacts((turn,), watched="a"), NotificationFacts((turn,)))
    assert watched == later == ()
    memory, (_, shown) = after(NotificationFacts(), NotificationFacts((turn,), watched="b"))
    assert [notification.thread_id for notification in shown] == ["a"]
    assert next_step(memory, NotificationFacts(), ALL, LATER).withdrawn == ()
    assert next_step(memory, NotificationFacts(watched="a"), ALL, LATER).withdrawn == shown


def test_several_of_a_kind_are_joined_and_a_few_approvals_keep_their_buttons() -> None:
    blocked = tuple(fact(NotificationKind.BLOCKED, thread) for thread in "abcd")
    _, (_, shown) = after(NotificationFacts(), NotificationFacts((*blocked, approval("per_1"), approval("per_2"))))
    assert [len(notification.facts) for notification in shown] == [4, 1, 1]
    said = wording(shown[0])
    assert said.title == "4 threads cannot be resumed" and said.text == "Thread a\nThread b\nThread c\nThread d"
    assert shown[0].thread_id is None and said.buttons == ()
    _, (_, shown) = after(NotificationFacts(), NotificationFacts(tuple(approval(f"per_{number}") for number in range(3))))
    (notification,) = shown
    assert wording(notification).title == "3 tools wait for your approval" and notification.request is None


def test_a_joined_notice_goes_with_the_last_of_its_facts() -> None:
    both = (fact(NotificationKind.BLOCKED, "a"), fact(NotificationKind.BLOCKED, "b"))
    memory, (_, shown) = after(NotificationFacts(), NotificationFacts(both))
    step = next_step(memory, NotificationFacts(both[:1]), ALL, LATER)
    assert step.withdrawn == ()
    assert next_step(step.memory, NotificationFacts(), ALL, LATER).withdrawn == shown


def test_joined_facts_that_passed_one_by_one_and_come_back_together_replace_their_notification() -> None:
    a, b = (fact(NotificationKind.BLOCKED, thread) for thread in "ab")
    looks = [
        NotificationFacts(()),
        NotificationFacts((a, b)),
        NotificationFacts((a,)),
        NotificationFacts((b,)),
        NotificationFacts((a, b)),
    ]
    memory, shown = after(*looks)
    assert [[each.id for each in told] for told in shown] == [[], ["blocked a blocked b"], [], ["blocked b"], ["blocked a"]]
    unclear = [NotificationFacts((), frozenset({each.id})) for each in (a, b)]
    memory, shown = after(NotificationFacts(()), NotificationFacts((a, b)), *unclear, NotificationFacts((a, b)))
    assert [len(told) for told in shown] == [0, 1, 0, 0, 1]
    assert [each.id for each in memory.shown] == ["blocked a blocked b"]


def test_a_kind_that_is_switched_off_is_not_made_up_for_later() -> None:
    look = NotificationFacts((fact(NotificationKind.SERVER),))
    memory, shown = after(NotificationFacts(), look, rules=NotificationRules(frozenset()))
    assert shown == [(), ()]
    assert next_step(memory, look, ALL, LATER).notifications == ()


def test_the_reaper_is_not_told_of_unless_wanted() -> None:
    assert after(NotificationFacts(), NotificationFacts((fact(NotificationKind.REAP),)), rules=NotificationRules())[1][1] == ()
    assert after(NotificationFacts(), NotificationFacts((fact(NotificationKind.REAP),)))[1][1] != ()


def test_what_came_in_quiet_hours_is_told_after_them_if_it_still_matters() -> None:
    rules = NotificationRules(frozenset(NotificationKind), QuietHours(time(22), time(7)))
    night = datetime(2026, 3, 1, 23, 30, tzinfo=timezone(timedelta(hours=2)))
    look = NotificationFacts((fact(NotificationKind.BLOCKED), fact(NotificationKind.TURN, "b")))
    memory = next_step(NotifierMemory(night - timedelta(hours=1)), NotificationFacts(), rules, night).memory
    step = next_step(memory, look, rules, night)
    assert step.notifications == ()
    (told,) = next_step(step.memory, look, rules, night + timedelta(hours=7, minutes=31)).notifications
    assert told.kind is NotificationKind.BLOCKED


@pytest.mark.parametrize(
    ("begin", "until", "at", "holds"),
    [
        (time(22), time(7), time(23), True),
        (time(22), time(7), time(6, 59), True),
        (time(22), time(7), time(7), False),
        (time(22), time(7), time(12), False),
        (time(12), time(13), time(12), True),
        (time(12), time(13), time(13), False),
        (time(0), time(0), time(0), False),
        (time(0), time(0), time(12), False),
    ],
)
def test_quiet_hours_may_go_over_midnight(begin: time, until: time, at: time, holds: bool) -> None:
    assert QuietHours(begin, until).hold(datetime.combine(START, at, UTC)) is holds


def test_a_clock_that_was_set_back_does_not_silence_for_long() -> None:
    step = next_step(NotifierMemory(START), NotificationFacts((approval("per_1"),)), ALL, START - timedelta(hours=1))
    assert len(step.notifications) == 1


def said_of(told: Fact) -> NotificationWording:
    return wording(Notification((told,)))


def test_an_approval_can_be_given_once_or_refused_but_not_for_always() -> None:
    said = said_of(approval("per_1"))
    assert [(button.key, button.label) for button in said.buttons] == [("once", "Allow Once"), ("reject", "Reject")]
    request = approval("per_1").request
    assert request and answer_of(request, "once") is Reply.ONCE and answer_of(request, "reject") is Reply.REJECT
    assert answer_of(request, "always") is None and answer_of(request, "option-0") is None


@pytest.mark.parametrize("hidden", ["rm -rf ~ " + "#" * 200, "ls\nrm -rf ~", "ls \N{RIGHT-TO-LEFT OVERRIDE}~ fr- mr", "ls\x00"])
def test_what_cannot_be_read_in_full_on_the_notice_cannot_be_allowed_there(hidden: str) -> None:
    said = said_of(approval("per_1", hidden))
    assert said.buttons == ()
    assert all(char.isprintable() or char == "\n" for char in said.text) and len(said.text) <= 300


@pytest.mark.parametrize("odd", ["cat '日本\u3000語.md'", "echo\xa0a", "touch 👩\u200d💻.txt", "ls é\u0301"])
def test_odd_characters_that_act_on_nothing_are_shown_and_can_be_allowed(odd: str) -> None:
    said = said_of(approval("per_1", odd))
    assert odd in said.text and [button.key for button in said.buttons] == ["once", "reject"]


def test_a_question_with_few_options_has_them_as_buttons() -> None:
    request = question("Red", "Green")
    said = said_of(Fact("ask que_1", NotificationKind.QUESTION, "Parser", "Which?", "a", request=request))
    assert [button.label for button in said.buttons] == ["Red", "Green"]
    assert [answer_of(request, button.key) for button in said.buttons] == [(("Red",),), (("Green",),)]
    assert answer_of(request, "option-2") is None and answer_of(request, "once") is None


@pytest.mark.parametrize(
    "asked",
    [
        question("a", "b", "c", "d"),
        question(),
        question("x" * 41),
        question("a", "b", multiple=True),
        question("a", text="x" * 200),
        QuestionRequest("que_1", ASKER, (Question("One?"), Question("Two?"))),
    ],
)
def test_other_questions_are_answered_in_the_window(asked: QuestionRequest) -> None:
    assert said_of(Fact("ask que_1", NotificationKind.QUESTION, "Parser", "Which?", "a", request=asked)).buttons == ()


def test_a_switch_has_the_button_of_what_mends_it_and_several_together_have_none() -> None:
    switch = replace(fact(NotificationKind.SWITCH), remedy=Remedy.HEAL)
    assert said_of(switch).buttons == (Button("heal", "Give T3 Code Its Memory Back…"),)
    assert said_of(fact(NotificationKind.SWITCH)).buttons == ()
    both = Notification((switch, replace(fact(NotificationKind.SWITCH, "b"), remedy=Remedy.HEAL)))
    assert both.remedy is None and wording(both).buttons == ()


@pytest.mark.parametrize("kind", NotificationKind)
def test_every_kind_has_its_words_for_one_and_for_several(kind: NotificationKind) -> None:
    one, several = wording(Notification((fact(kind),))), wording(Notification(tuple(fact(kind, thread) for thread in "abcdefg")))
    assert "Thread a" in one.title and one.text == "So it is."
    assert ("7" in several.title or kind is NotificationKind.SERVER) and several.text.endswith("and 3 more")
