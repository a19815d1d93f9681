"""The guard's rules for every combination of request, database, binding and answer of OpenCode; and the recorded cases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t3tray.domain.guard import (
    BoundSession,
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
    T3CodeState,
    T3ThreadState,
    UpstreamAnswer,
)
from t3tray.domain.guard_rules import decide, decide_newer, identify, is_settled
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.verdict import Kind, Reason, Verdict
from t3tray.messages.guard import (
    GUARD_FAILED,
    REFUSALS,
    SERVER_DOWN,
    SERVER_FAILED,
    SERVER_NOT_READY,
    answer_sentence,
    next_step,
    standing_refusal,
)
from t3tray.messages.guard_evidence import evidence_lines
from t3tray.messages.history import history

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ALLOW = (PermissionRule("*", "*", "allow"),)
DENY = (PermissionRule("*", "*", "deny"),)
HERE, THERE = "/code/proj", "/code/wt"

sessions = st.sampled_from(["ses_a", "ses_b", "ses_c"])
directories = st.sampled_from([HERE, THERE, ""])
titles = st.sampled_from(["Report", "Other", "T3 Code generateThreadTitle"])
moments = st.none() | st.sampled_from([NOON, NOON + timedelta(seconds=1)])

threads = st.builds(
    T3ThreadState,
    id=st.sampled_from(["t1", "t2", "t3"]),
    title=titles,
    directory=directories.filter(bool),
    session_id=st.none() | sessions,
    starting=st.booleans(),
    pending=st.booleans(),
    had_turns=st.booleans(),
    answered=st.booleans(),
    last_seen_at=moments,
    asked_at=moments,
)
databases = st.builds(
    T3CodeState,
    threads=st.lists(threads, max_size=3, unique_by=lambda thread: thread.id).map(tuple),
    mode_set=st.frozensets(st.sampled_from(["t1", "t2", "t9"]), max_size=2),
    unreadable=st.sampled_from(["", "", "", "its form is not known"]),
)
requests: st.SearchStrategy[GuardRequest] = st.one_of(
    st.builds(ReadRequest, sessions, directories),
    st.builds(CreateRequest, st.none() | titles, directories, st.sampled_from([ALLOW, DENY, ()])),
    st.builds(ForkRequest, sessions, directories),
    st.just(OtherRequest()),
)
bindings = st.none() | st.builds(
    BoundSession,
    session_id=sessions,
    directory=directories,
    verdict=st.sampled_from(list(Reason)).map(Verdict),
    chosen=st.booleans(),
    marked=st.booleans(),
    has_messages=st.booleans(),
    messages=st.none() | st.integers(0, 3),
    put_away=st.frozensets(sessions, max_size=2),
)


def answer(
    asked: GuardRequest,
    t3: T3CodeState,
    bound: BoundSession | None = None,
    said: UpstreamAnswer = UpstreamAnswer.FAILED,
    missed: str | None = None,
) -> GuardDecision:
    return decide(asked, identify(asked, t3, missed), t3, bound, said)


@given(requests, databases, bindings, st.sampled_from(UpstreamAnswer), st.none() | sessions)
def test_no_combination_switches_a_thread(
    asked: GuardRequest, t3: T3CodeState, bound: BoundSession | None, said: UpstreamAnswer, missed: str | None
) -> None:
    identity = identify(asked, t3, missed)
    bound = bound if identity.thread else None
    decision = decide(asked, identity, t3, bound, said)
    thread = identity.thread
    earlier = thread is not None and (thread.has_earlier or (bound is not None and bound.has_messages))

    if isinstance(asked, CreateRequest):
        a_text = asked.rules == DENY and (asked.title or "").startswith("T3 Code ")
        if earlier and not a_text:
            assert decision.answer in (GuardAction.GIVE, GuardAction.REFUSE), "a new session under a thread with earlier turns"
        if decision.answer is GuardAction.PASS and not a_text:
            assert not t3.unreadable and thread is None
            assert not any(one.pending and one.has_earlier for one in t3.threads), "the follow-up that waits may be this one"
    if isinstance(asked, ReadRequest) and said is UpstreamAnswer.MISSING and (earlier or t3.unreadable):
        assert decision.answer is not GuardAction.PASS, "a 404 for a thread that has turns"
    if isinstance(asked, ReadRequest) and said is UpstreamAnswer.FOUND and not (bound and asked.session_id in bound.put_away):
        assert decision.answer is GuardAction.PASS
    if decision.answer is GuardAction.GIVE:
        assert bound is not None and decision.session_id == bound.session_id, "another session than the binding's"
        assert bound.is_proved and bound.directory, "a session that was not proved"
        place = asked.directory if isinstance(asked, ReadRequest | CreateRequest) else ""
        assert bound.directory == (place or (thread.directory if thread else "")), "a foreign directory"
    if isinstance(asked, OtherRequest):
        assert decision.answer is GuardAction.PASS, "prompt_async is never refused"
    if isinstance(asked, ReadRequest) and said is UpstreamAnswer.FAILED:
        assert decision.answer is GuardAction.PASS, "a failure is passed on, and nothing invented"
    if isinstance(asked, ReadRequest) and said is UpstreamAnswer.UNCLEAR:
        assert decision.refusal is Refusal.CANNOT_TELL
    assert (decision.refusal is None) == (decision.answer is not GuardAction.REFUSE)
    assert decision.thread_id == (thread.id if thread else None)
    assert isinstance(asked, OtherRequest) or decision.evidence
    assert all(line.endswith(".") and "{" not in line for line in evidence_lines(decision))
    assert answer_sentence(GuardAnswer(NOON, asked, decision, decision.session_id)).endswith((".", "”"))


@given(databases, st.none() | sessions)
def test_a_request_is_only_ever_put_down_to_a_thread_of_its_title_and_folder(t3: T3CodeState, missed: str | None) -> None:
    asked = CreateRequest("Report", HERE, ALLOW)
    thread = identify(asked, t3, missed).thread
    assert thread is None or (thread.title, thread.directory) == ("Report", HERE)


NEW = T3ThreadState("t1", "Report", HERE, starting=True, pending=True, asked_at=NOON)
FOLLOW_UP = replace(NEW, session_id="ses_a", had_turns=True, answered=True, last_seen_at=NOON)
ASKED = CreateRequest("Report", HERE, ALLOW)
PROVED = BoundSession("ses_b", HERE, Verdict(Reason.PROVED), has_messages=True, messages=41)


def now(*threads: T3ThreadState) -> T3CodeState:
    return T3CodeState(threads)


def test_a_new_thread_is_created_with_our_marker() -> None:
    decision = answer(ASKED, now(NEW))
    assert (decision.answer, decision.thread_id) == (GuardAction.CREATE, "t1")


def test_a_new_thread_whose_answer_was_lost_gets_the_session_that_was_made_for_it() -> None:
    made = BoundSession("ses_n", HERE, Verdict(Reason.UNPROVEN), marked=True, messages=0)
    assert answer(ASKED, now(NEW), made).session_id == "ses_n"
    assert answer(ASKED, now(NEW), replace(made, verdict=Verdict(Reason.MISSING), directory="")).answer is GuardAction.CREATE
    failing = answer(ASKED, now(NEW), replace(made, verdict=Verdict(Reason.TIMEOUT), directory=""))
    assert failing.refusal is Refusal.CANNOT_TELL


def test_a_first_message_that_failed_before_is_still_a_new_thread() -> None:
    assert answer(ASKED, now(replace(NEW, last_seen_at=NOON))).answer is GuardAction.CREATE


def test_a_deleted_session_is_refused_where_it_would_be_missing() -> None:
    decision = answer(ReadRequest("ses_a", HERE), now(FOLLOW_UP), None, UpstreamAnswer.MISSING)
    assert (decision.refusal, decision.thread_id) == (Refusal.SESSION_GONE, "t1")


def test_the_binding_that_the_user_chose_answers_in_the_missing_sessions_place() -> None:
    asked = ReadRequest("ses_a", HERE)
    assert answer(asked, now(FOLLOW_UP), replace(PROVED, chosen=True), UpstreamAnswer.MISSING).session_id == "ses_b"
    assert answer(asked, now(FOLLOW_UP), PROVED, UpstreamAnswer.MISSING).refusal is Refusal.SESSION_GONE, "nobody chose it"
    there = replace(PROVED, chosen=True, directory=THERE, verdict=Verdict(Reason.DIRECTORY_MISMATCH))
    assert answer(asked, now(FOLLOW_UP), there, UpstreamAnswer.MISSING).refusal is Refusal.ELSEWHERE
    doubtful = replace(PROVED, chosen=True, verdict=Verdict(Reason.HISTORY_LOST))
    assert answer(asked, now(FOLLOW_UP), doubtful, UpstreamAnswer.MISSING).refusal is Refusal.NOT_PROVED
    silent = replace(PROVED, chosen=True, directory="", verdict=Verdict(Reason.TIMEOUT))
    assert answer(asked, now(FOLLOW_UP), silent, UpstreamAnswer.MISSING).refusal is Refusal.CANNOT_TELL


def test_starting_afresh_is_a_choice_too() -> None:
    afresh = BoundSession("ses_n", HERE, Verdict(Reason.EMPTY), chosen=True)
    assert answer(ReadRequest("ses_a", HERE), now(FOLLOW_UP), afresh, UpstreamAnswer.MISSING).session_id == "ses_n"
    assert answer(ASKED, now(replace(FOLLOW_UP, session_id=None)), afresh).session_id == "ses_n"
    emptied = replace(afresh, has_messages=True)
    assert answer(ASKED, now(FOLLOW_UP), emptied).refusal is Refusal.NOT_PROVED, "it held messages, and holds none"


def test_a_session_that_the_user_left_is_not_gone_back_to() -> None:
    chosen = replace(PROVED, chosen=True, put_away=frozenset({"ses_a"}))
    assert answer(ReadRequest("ses_a", HERE), now(FOLLOW_UP), chosen, UpstreamAnswer.FOUND).session_id == "ses_b"
    gone = replace(chosen, verdict=Verdict(Reason.MISSING))
    assert answer(ReadRequest("ses_a", HERE), now(FOLLOW_UP), gone, UpstreamAnswer.FOUND).refusal is Refusal.SESSION_GONE, (
        "nor silently instead"
    )
    assert answer(ReadRequest("ses_a", THERE), now(FOLLOW_UP), chosen, UpstreamAnswer.FOUND).refusal is Refusal.ELSEWHERE


def test_a_session_that_is_there_is_replaced_only_where_the_user_left_exactly_that_one() -> None:
    chosen = replace(PROVED, chosen=True, put_away=frozenset({"ses_a"}))
    for bound in (
        None,
        replace(chosen, put_away=frozenset()),
        replace(chosen, put_away=frozenset({"ses_x"})),
        replace(chosen, chosen=False),
        replace(chosen, put_away=frozenset({"ses_x"}), verdict=Verdict(Reason.MISSING)),
    ):
        assert answer(ReadRequest("ses_a", HERE), now(FOLLOW_UP), bound, UpstreamAnswer.FOUND).answer is GuardAction.PASS


def test_a_session_that_no_thread_names_may_be_missing_unless_a_follow_up_waits() -> None:
    other = replace(FOLLOW_UP, session_id="ses_b", starting=False)
    assert answer(ReadRequest("ses_x", HERE), now(), None, UpstreamAnswer.MISSING).answer is GuardAction.PASS
    assert answer(ReadRequest("ses_x", HERE), now(other), None, UpstreamAnswer.MISSING).refusal is Refusal.NOT_IDENTIFIED


def test_a_follow_up_without_a_cursor_gets_the_proved_binding_or_nothing() -> None:
    lost = replace(FOLLOW_UP, session_id=None)
    decision = answer(ASKED, now(lost), PROVED)
    assert (decision.answer, decision.session_id, decision.messages) == (GuardAction.GIVE, "ses_b", 41)
    assert answer(ASKED, now(lost)).refusal is Refusal.NO_SESSION
    assert answer(ASKED, now(FOLLOW_UP)).refusal is Refusal.SESSION_GONE
    assert answer(ASKED, now(lost), replace(PROVED, verdict=Verdict(Reason.UNPROVEN))).refusal is Refusal.NOT_PROVED
    assert answer(ASKED, now(lost), replace(PROVED, verdict=Verdict(Reason.MISSING))).refusal is Refusal.SESSION_GONE
    assert answer(ASKED, now(lost), replace(PROVED, directory=THERE)).refusal is Refusal.ELSEWHERE
    gone = replace(PROVED, verdict=Verdict(Reason.DIRECTORY_MISSING))
    assert answer(ASKED, now(lost), gone).refusal is Refusal.FOLDER_GONE


def test_of_two_waiting_follow_ups_only_the_one_that_starts_is_meant() -> None:
    waiting = replace(FOLLOW_UP, id="t2", starting=False)
    assert answer(ASKED, now(waiting, FOLLOW_UP), PROVED).thread_id == "t1"
    begun = replace(FOLLOW_UP, id="t2", last_seen_at=NOON + timedelta(seconds=1))
    old = replace(FOLLOW_UP, last_seen_at=NOON - timedelta(seconds=1))
    assert answer(ASKED, now(begun, old), PROVED).thread_id == "t1"
    both = now(old, replace(old, id="t2"))
    identity = identify(ASKED, both, None)
    assert not is_settled(ASKED, identity, both)
    assert answer(ASKED, both).refusal is Refusal.NOT_IDENTIFIED


def test_a_request_without_a_title_is_known_by_its_folder() -> None:
    assert answer(replace(ASKED, title=None), now(FOLLOW_UP), PROVED).session_id == "ses_b"


def test_a_changed_runtime_mode_is_known_by_the_miss_before_it_or_by_its_event() -> None:
    resting = replace(FOLLOW_UP, starting=False, pending=False)
    assert answer(ASKED, now(resting)).answer is GuardAction.PASS, "nobody waits, and nothing names the thread"
    assert answer(ASKED, now(resting), missed="ses_a").refusal is Refusal.SESSION_GONE
    assert answer(ASKED, replace(now(resting), mode_set=frozenset({"t1"})), PROVED).session_id == "ses_b"


def test_t3_codes_own_texts_pass_even_where_its_database_cannot_be_read() -> None:
    text = CreateRequest("T3 Code generateThreadTitle", HERE, DENY)
    assert answer(text, T3CodeState(unreadable="it is locked")).answer is GuardAction.PASS
    assert answer(replace(text, rules=ALLOW), T3CodeState(unreadable="it is locked")).refusal is Refusal.T3_UNREADABLE


def test_a_t3_code_that_was_upgraded_is_stood_in_the_way_of_in_nothing() -> None:
    upgraded = T3CodeState(upgraded="statev2.sqlite")
    named = CreateRequest("T3 Code 0198c5f0-4b3e-7c11-9a55-0123456789ab", HERE)
    assert answer(named, upgraded).answer is GuardAction.PASS
    assert answer(ASKED, upgraded).answer is GuardAction.PASS, "nobody waits there"
    assert answer(ReadRequest("ses_a", HERE), upgraded, said=UpstreamAnswer.MISSING).answer is GuardAction.PASS, (
        "refused, it would wait for ever"
    )
    # Beside a T3 Code of the present version in another home, whose follow-ups are watched over as before.
    both = replace(now(replace(FOLLOW_UP, starting=False)), upgraded="statev2.sqlite")
    assert answer(named, both).answer is GuardAction.PASS and is_settled(named, identify(named, both, None), both)
    assert answer(replace(ASKED, title="Other"), both).refusal is Refusal.NOT_IDENTIFIED
    assert answer(named, replace(both, upgraded="")).refusal is Refusal.NOT_IDENTIFIED


def test_a_session_in_the_newer_dialect_is_refused_while_a_follow_up_waits() -> None:
    assert decide_newer(now(FOLLOW_UP)).refusal is Refusal.NOT_IDENTIFIED
    assert decide_newer(T3CodeState(unreadable="it is locked")).refusal is Refusal.T3_UNREADABLE
    assert decide_newer(now(replace(FOLLOW_UP, pending=False))).answer is GuardAction.PASS
    assert decide_newer(T3CodeState(upgraded="statev2.sqlite")).answer is GuardAction.PASS


def test_a_fork_follows_its_thread_and_nobody_elses_is_touched() -> None:
    assert answer(ForkRequest("ses_a", THERE), now(FOLLOW_UP)).answer is GuardAction.MOVE
    assert answer(ForkRequest("ses_x", THERE), now(FOLLOW_UP)).answer is GuardAction.PASS
    assert answer(ForkRequest("ses_a", ""), now(FOLLOW_UP)).answer is GuardAction.PASS


def test_every_binding_that_cannot_be_told_is_refused_as_such() -> None:
    for reason in Reason:
        bound = replace(PROVED, verdict=Verdict(reason), chosen=True)
        decision = answer(ASKED, now(FOLLOW_UP), bound)
        if bound.verdict.kind is Kind.RESUMABLE:
            assert decision.answer is GuardAction.GIVE
        elif bound.verdict.kind is Kind.UNKNOWN:
            assert decision.refusal is Refusal.CANNOT_TELL


def test_the_sentences_fit_into_what_t3_code_shows() -> None:
    assert set(REFUSALS) == set(Refusal)
    for sentence in (*REFUSALS.values(), SERVER_DOWN, SERVER_NOT_READY, SERVER_FAILED, GUARD_FAILED):
        assert len(sentence) <= 150
        assert sentence.startswith(("Open t3tray: ", "Send your message again: ", "Quit T3 Code, ")), "what to do comes first"
        for hidden in (
            "disconnected",
            "not connected",
            "connection",
            "socket",
            "fetch",
            "closed",
            "timed out",
            "network",
            "ping",
            "interrupt",
            "abort",
        ):
            assert hidden not in sentence.lower(), "T3 Code hides what looks like a lost connection"


@pytest.mark.parametrize("refusal", Refusal)
def test_every_refusal_is_told_in_t3tray_too_with_what_to_do(refusal: Refusal) -> None:
    told = GuardAnswer(NOON, ReadRequest("ses_1", "/w"), GuardDecision(GuardAction.REFUSE, (), "t1", refusal=refusal))
    assert answer_sentence(told).startswith("T3 Code asked for ses_1; it was refused, because ")
    assert standing_refusal((told, told)) is told
    for can_resume in (True, False):
        assert next_step(told, can_resume).endswith("send your message again in T3 Code.")


def test_the_history_is_told_in_its_order() -> None:
    given = GuardAnswer(NOON, CreateRequest(None, "/w"), GuardDecision(GuardAction.GIVE, (), "t1", "ses_2", 41), "ses_2")
    at = NOON + timedelta(seconds=1)
    left = Entry("t1", Event.SUPERSEDED, Actor.USER, "ses_2 takes its place", at, "ses_1")
    taken = Entry("t1", Event.CONFIRMED, Actor.USER, "chosen by the user", at - timedelta(milliseconds=1), "ses_2")
    resumed = GuardAnswer(at + timedelta(seconds=1), ReadRequest("ses_2"), GuardDecision(GuardAction.PASS, (), "t1"), "ses_2")
    assert [line.sentence for line in history([left, taken], [given, resumed])] == [
        "T3 Code asked for a new session; it was given ses_2 (41 messages).",
        "no longer bound to ses_1 · ses_2 takes its place · by you",
        "bound to ses_2 · chosen by the user · by you",
        "T3 Code asked for ses_2, and went on in it.",
    ]
