"""The guard's answers about a session that OpenCode does not have, or that several threads name."""

from __future__ import annotations

from dataclasses import replace

from t3tray.domain.guard import (
    CreateRequest,
    ForkRequest,
    GuardAction,
    GuardDecision,
    GuardRequestKind,
    OtherRequest,
    PromptRequest,
    ReadRequest,
    Refusal,
    T3CodeState,
    T3ThreadState,
    UpstreamAnswer,
    kind_of,
)
from t3tray.domain.guard_rules import decide, decide_gone, identify, is_astray

HERE = "/code/proj"


def decided(asked: ReadRequest, t3: T3CodeState, said: UpstreamAnswer) -> GuardDecision:
    return decide(asked, identify(asked, t3, None), t3, None, said)


def test_a_message_into_a_session_that_is_gone_is_answered_by_what_its_thread_can_do() -> None:
    asked = PromptRequest("ses_a")
    named = T3CodeState((T3ThreadState("t1", "Report", HERE, "ses_a", had_turns=True),))

    def told(t3: T3CodeState, bound: str | None) -> tuple[GuardAction, Refusal | None, str | None]:
        decision = decide_gone(asked, identify(asked, t3, None), bound)
        assert decision.evidence, "it says why"
        return decision.answer, decision.refusal, decision.thread_id

    for bound in ("ses_a", None):
        assert told(named, bound) == (GuardAction.REFUSE, Refusal.SESSION_GONE, "t1")
    assert told(named, "ses_b") == (GuardAction.REFUSE, Refusal.HELD_IS_GONE, "t1"), "T3 Code holds another one open"
    assert told(T3CodeState(), "ses_a") == (GuardAction.PASS, None, None), "nobody's: OpenCode answers it"
    assert told(T3CodeState(unreadable="it is damaged"), None)[0] is GuardAction.PASS, "a message is never refused for that"


def test_a_message_is_astray_only_if_its_thread_is_bound_elsewhere() -> None:
    asked = PromptRequest("ses_a")
    assert is_astray(asked, "ses_b") and not is_astray(asked, "ses_a") and not is_astray(asked, None)


def test_a_session_that_two_threads_name_is_the_one_that_is_starting_or_nobodys() -> None:
    asked = ReadRequest("ses_a", HERE)
    one, two = (T3ThreadState(name, "Report", HERE, "ses_a", had_turns=True) for name in ("t1", "t2"))
    both = identify(asked, T3CodeState((one, two)), None)
    assert both.thread is None and both.claimants == (one, two)
    starting = replace(two, starting=True)
    assert identify(asked, T3CodeState((one, starting)), None).thread == starting
    decision = decided(asked, T3CodeState((one, two)), UpstreamAnswer.MISSING)
    assert decision.refusal is Refusal.NOT_IDENTIFIED, "either could lose its conversation"


def test_an_answer_that_is_none_of_opencodes_is_not_passed_on_as_a_missing_session() -> None:
    thread = T3ThreadState("t1", "Report", HERE, "ses_a", had_turns=True)
    decision = decided(ReadRequest("ses_a", HERE), T3CodeState((thread,)), UpstreamAnswer.UNCLEAR)
    assert (decision.answer, decision.refusal) == (GuardAction.REFUSE, Refusal.CANNOT_TELL)


def test_each_request_has_a_word_of_its_own() -> None:
    each = (ReadRequest("s", ""), CreateRequest(None, "", ()), ForkRequest("s", ""), PromptRequest("s"), OtherRequest())
    assert [kind_of(asked) for asked in each] == [*GuardRequestKind]
    assert identify(OtherRequest(), T3CodeState(), None).thread is None
