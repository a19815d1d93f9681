"""`decide` is total, and each of its three values means what the design says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from t3tray.domain.carries import Carries, CarriesKind, Context, local_time
from t3tray.domain.cursor import Cursor
from t3tray.domain.evidence import Absent, Activity, Claim, Evidence, Failure, Found, MessageFacts, Role, SessionFacts
from t3tray.domain.verdict import KIND_OF, Kind, Reason, Verdict, decide
from t3tray.messages.carries import carried_words
from t3tray.messages.receipts import build_receipt
from t3tray.messages.verdicts import WORDING, receipt_text, sentence

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CURSOR = Cursor("ses_1", "/w", "a title", 1_000, "msg_1", "msg_9", "msg_9", 9, "1.18.33", context=Context(9))
AT = 1_795_000_000_000
SESSION = SessionFacts("ses_1", "/w", "a title", 1_000, 2_000)
LAST = MessageFacts("msg_9", Role.ASSISTANT, 2_000, True)


def evidence(**changed: Any) -> Evidence:
    whole: dict[str, Any] = {
        "taken_at": NOW,
        "session": Found(SESSION),
        "newest": Found(LAST),
        "tail": Found(LAST),
        "has_turns": True,
        "context": Context(9),
    }
    return Evidence(**(whole | changed))


failures = st.sampled_from(Failure)
sessions = st.builds(
    SessionFacts,
    st.just("ses_1"),
    st.sampled_from(["/w", "/elsewhere"]),
    st.just("t"),
    st.integers(0, 9),
    st.integers(0, 9),
    parent_id=st.none() | st.just("ses_0"),
    archived=st.booleans(),
    reverted_to=st.none() | st.just("msg_5"),
)
messages = st.builds(
    MessageFacts, st.sampled_from(["msg_1", "msg_9"]), st.sampled_from(Role), st.integers(0, 9), st.booleans(), st.booleans()
)
session_lookups = st.builds(Found, sessions) | st.just(Absent()) | failures
message_lookups = st.builds(Found, messages) | st.just(Absent()) | failures
claims = st.just(()) | st.just((Claim("ses_1", "cursor"), Claim("ses_2", "title")))
ids = st.none() | st.sampled_from(["msg_1", "msg_9"])
cursors = st.builds(
    Cursor,
    st.sampled_from(["ses_1", "nonsense", "", "ses_"]),
    st.just("/w"),
    first_message_id=ids,
    last_message_id=ids,
    last_finished_id=ids,
)
all_evidence = st.builds(
    Evidence,
    taken_at=st.just(NOW),
    session=session_lookups,
    newest=message_lookups,
    tail=st.none() | message_lookups,
    first=st.none() | message_lookups,
    activity=st.sampled_from(Activity) | failures,
    directory_exists=st.none() | st.booleans(),
    same_directory=st.none() | st.booleans(),
    has_turns=st.booleans(),
    others_writing=st.booleans(),
    messages_gone=st.none() | st.integers(0, 5),
    split=claims,
    conflict=claims,
    context=st.none()
    | st.builds(
        Context,
        st.integers(0, 9),
        st.none() | st.integers(0, 9),
        st.none() | st.integers(0, 2**70),
        st.booleans(),
        st.booleans(),
    ),
    opencode2=st.none() | st.integers(0, 3),
)


@given(st.none() | cursors, all_evidence)
def test_decide_is_total_and_keeps_the_rule_of_three_values(cursor: Cursor | None, found: Evidence) -> None:
    verdict = decide(cursor, found)
    assert verdict.kind is KIND_OF[verdict.reason]
    assert sentence(verdict).endswith(".")
    assert receipt_text(build_receipt("t", "/w", cursor, found, verdict))
    if verdict.reason is Reason.MISSING:
        assert isinstance(found.session, Absent)
    if verdict.reason is Reason.PROVED:
        assert isinstance(found.tail, Found) and isinstance(found.session, Found)
    if verdict.kind is Kind.RESUMABLE and cursor is not None:
        assert isinstance(found.session, Found) and not isinstance(found.activity, Failure)
        assert found.directory_exists and found.same_directory is not False
    if cursor is not None and cursor.is_well_formed and isinstance(found.session, Failure) and not found.conflict:
        assert verdict.kind is Kind.UNKNOWN


@given(st.none() | cursors, all_evidence)
def test_a_failed_lookup_alone_never_blocks(cursor: Cursor | None, found: Evidence) -> None:
    if not isinstance(found.session, Failure) or found.split or found.conflict or cursor is None or not cursor.is_well_formed:
        return
    assert decide(cursor, found) == Verdict(Reason(found.session.value))


@pytest.mark.parametrize("failure", Failure)
def test_each_failure_is_its_own_unknown(failure: Failure) -> None:
    assert decide(CURSOR, evidence(session=failure)).reason == failure.value
    assert decide(CURSOR, evidence(newest=failure)).reason == failure.value
    assert decide(CURSOR, evidence(tail=failure)).reason == failure.value
    assert decide(CURSOR, evidence(tail=Absent(), first=failure)).reason == failure.value
    assert decide(CURSOR, evidence(activity=failure)).reason == failure.value
    assert decide(Cursor("ses_1", "/w"), evidence(newest=Absent(), has_turns=False, activity=failure)).reason == failure.value


CASES: list[tuple[Reason, Cursor | None, dict[str, Any]]] = [
    (Reason.PROVED, CURSOR, {}),
    (Reason.UNPROVEN, Cursor("ses_1", "/w"), {"tail": None}),
    (Reason.NEW, Cursor("ses_1", "/w"), {"tail": None, "newest": Absent(), "has_turns": False}),
    (Reason.NEW, None, {"has_turns": False}),
    (Reason.NEW, Cursor("ses_1", "/w", afresh=True), {"newest": Absent(), "tail": None}),
    (Reason.STRANDED, CURSOR, {"newest": Absent(), "opencode2": 2}),
    (Reason.STRANDED, Cursor("ses_1", "/w"), {"newest": Absent(), "tail": None, "has_turns": False, "opencode2": 2}),
    (Reason.PROVED, CURSOR, {"opencode2": 2}),
    (Reason.INTERRUPTED, CURSOR, {"newest": Found(MessageFacts("msg_a", Role.ASSISTANT, 3_000, False))}),
    (Reason.INTERRUPTED, CURSOR, {"newest": Found(MessageFacts("msg_a", Role.USER, 3_000, True))}),
    (Reason.REWOUND, CURSOR, {"tail": Absent(), "first": Found(LAST), "messages_gone": 4}),
    (Reason.REWOUND, CURSOR, {"session": Found(structs.replace(SESSION, reverted_to=CURSOR.last_message_id)), "taken_back": 2}),
    (Reason.PROVED, CURSOR, {"session": Found(structs.replace(SESSION, reverted_to="msg_99"))}),
    (Reason.HISTORY_LOST, CURSOR, {"session": Found(structs.replace(SESSION, reverted_to=CURSOR.first_message_id))}),
    (Reason.TIMEOUT, None, {"asked_for": True}),
    (Reason.BUSY, CURSOR, {"activity": Activity.BUSY}),
    (Reason.UNBOUND, None, {}),
    (Reason.SPLIT, None, {"split": (Claim("ses_1", "title"), Claim("ses_2", "title"))}),
    (Reason.MISSING, CURSOR, {"session": Absent()}),
    (Reason.HISTORY_LOST, CURSOR, {"tail": Absent(), "first": Absent()}),
    (Reason.HISTORY_LOST, Cursor("ses_1", "/w", last_message_id="msg_9"), {"tail": Absent()}),
    (Reason.EMPTY, CURSOR, {"newest": Absent()}),
    (Reason.DIRECTORY_MISSING, CURSOR, {"directory_exists": False}),
    (Reason.DIRECTORY_UNREADABLE, CURSOR, {"directory_exists": None}),
    (Reason.DIRECTORY_MISMATCH, CURSOR, {"same_directory": False}),
    (Reason.SPLIT, CURSOR, {"split": (Claim("ses_1", "cursor"), Claim("ses_2", "title"))}),
    (Reason.CONFLICT, CURSOR, {"conflict": (Claim("ses_1", "t3tray"), Claim("ses_2", "t3code"))}),
    (Reason.CHILD, CURSOR, {"session": Found(SessionFacts("ses_1", "/w", "t", 1, 1, parent_id="ses_0"))}),
    (Reason.BAD_CURSOR, Cursor("nonsense", "/w"), {}),
    (
        Reason.OPEN_ELSEWHERE,
        CURSOR,
        {"newest": Found(MessageFacts("msg_a", Role.ASSISTANT, 3_000, False)), "others_writing": True},
    ),
]


@pytest.mark.parametrize(("reason", "cursor", "changed"), CASES, ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)])
def test_every_reason_is_reached(reason: Reason, cursor: Cursor | None, changed: dict[str, Any]) -> None:
    assert decide(cursor, evidence(**changed)).reason is reason


def test_the_cases_and_the_failures_cover_all_reasons() -> None:
    assert {case[0] for case in CASES} | {Reason(failure.value) for failure in Failure} == set(Reason)


def test_a_rewound_thread_says_how_much_is_gone() -> None:
    verdict = decide(CURSOR, evidence(tail=Absent(), first=Found(LAST), messages_gone=4))
    assert "4 messages gone" in sentence(verdict)


def test_every_reason_has_its_sentence_and_blocked_ones_a_way_out() -> None:
    assert set(WORDING) == set(Reason)
    assert all(WORDING[reason].remedies for reason in Reason if KIND_OF[reason] is not Kind.RESUMABLE)


def test_the_receipt_tells_of_a_pending_revert_and_of_a_compaction() -> None:
    session = SessionFacts("ses_1", "/w", "t", 1_000, 1, reverted_to="msg_5")
    found = evidence(session=Found(session), context=Context(4, 5, AT))
    text = receipt_text(build_receipt("t", "/w", CURSOR, found, decide(CURSOR, found)))
    assert "A revert is pending: the next message deletes everything from msg_5 on" in text and "compacted" in text


WHOLE, SINCE, PART, NOTHING, UNKNOWN = CarriesKind
REVERTED = Found(structs.replace(SESSION, reverted_to="msg_99"))
CARRIED: list[tuple[str, Carries, Cursor | None, dict[str, Any]]] = [
    ("whole", Carries(WHOLE, None, 9, 0), CURSOR, {"messages_gone": 0}),
    ("all that was looked at is there, not counted", Carries(UNKNOWN, None, 9), CURSOR, {}),
    ("one emptied", Carries(PART, None, 8, 0), CURSOR, {"messages_gone": 1, "context": Context(8, emptied=1)}),
    ("one emptied, not counted", Carries(PART, None, 8, 0), CURSOR, {"context": Context(8, emptied=1)}),
    ("one failed and is left out", Carries(PART, None, 8, 0), CURSOR, {"context": Context(8, unsent=1)}),
    ("its summary emptied", Carries(PART, None, 4, 12), CURSOR, {"context": Context(4, 12, AT, emptied=1)}),
    ("some gone from the middle", Carries(PART, None, 7, 0), CURSOR, {"messages_gone": 2, "context": Context(7)}),
    ("some gone, compacted", Carries(PART, None, 4, 10), CURSOR, {"messages_gone": 2, "context": Context(4, 10, AT)}),
    ("some gone, not read", Carries(UNKNOWN), CURSOR, {"messages_gone": 2, "context": None}),
    ("compacted", Carries(SINCE, AT, 4, 12), CURSOR, {"context": Context(4, 12, AT)}),
    ("compacted, not counted", Carries(SINCE, AT, 4, None), CURSOR, {"context": Context(4, None, AT)}),
    ("left out by a failed compaction", Carries(PART, None, 4, 0), CURSOR, {"context": Context(4, 5)}),
    ("a compaction to be made up for", Carries(UNKNOWN), CURSOR, {"context": Context(9, is_pending=True)}),
    ("gone on in OpenCode 2", Carries(PART, None, 9, 0), CURSOR, {"opencode2": 2}),
    ("stranded", Carries(NOTHING, None, 0, 0), CURSOR, {"newest": Absent(), "opencode2": 2}),
    ("nothing said yet", Carries(NOTHING, None, 0, 0), None, {"has_turns": False}),
    ("never read", Carries(UNKNOWN), CURSOR, {"context": None}),
    ("a revert pending", Carries(PART, None, 9, 0), CURSOR, {"session": REVERTED}),
    ("rewound", Carries(PART, None, 3, 0), CURSOR, {"tail": Absent(), "first": Found(LAST), "context": Context(3)}),
    ("restored from a copy", Carries(PART, None, 9, 0), structs.replace(CURSOR, restored="on a day"), {}),
    ("known to lack something", Carries(PART, None, 9, 0), structs.replace(CURSOR, lacks="a revert took back 2 messages"), {}),
    ("nothing recorded", Carries(UNKNOWN, None, 9, None), Cursor("ses_1", "/w"), {"tail": None}),
    (
        "nothing recorded, compacted",
        Carries(SINCE, AT, 4, 5),
        Cursor("ses_1", "/w"),
        {"tail": None, "context": Context(4, 5, AT)},
    ),
    ("missing", Carries(NOTHING, None, 0, 0), CURSOR, {"session": Absent()}),
    ("unbound", Carries(NOTHING, None, 0, 0), None, {}),
    ("the server is down", Carries(UNKNOWN), CURSOR, {"session": Failure.SERVER_DOWN}),
    ("in another folder", Carries(UNKNOWN), CURSOR, {"same_directory": False}),
]


@pytest.mark.parametrize(("carries", "cursor", "changed"), [case[1:] for case in CARRIED], ids=[case[0] for case in CARRIED])
def test_what_the_next_message_carries(carries: Carries, cursor: Cursor | None, changed: dict[str, Any]) -> None:
    assert decide(cursor, evidence(**changed)).carries == carries


@given(st.none() | cursors, all_evidence)
def test_the_whole_conversation_is_only_promised_where_it_is_proved(cursor: Cursor | None, found: Evidence) -> None:
    verdict = decide(cursor, found)
    if "the whole conversation." in sentence(verdict):
        assert verdict.carries.kind in (WHOLE, PART)
    if verdict.carries.kind is not WHOLE:
        assert "carries the whole" not in sentence(verdict)
        return
    assert isinstance(found.session, Found) and found.session.value.reverted_to is None
    assert isinstance(found.tail, Found) and found.context and found.context.is_all and not found.opencode2
    assert verdict.reason in (Reason.PROVED, Reason.INTERRUPTED, Reason.BUSY)


@pytest.mark.parametrize(("gone", "words"), [(1, "1 recorded message is gone"), (2, "2 recorded messages are gone")])
def test_recorded_messages_that_are_gone_are_told(gone: int, words: str) -> None:
    verdict = decide(CURSOR, evidence(messages_gone=gone, context=Context(4)))
    assert sentence(verdict) == (
        "The session is there and its last recorded message was found. Your next message carries 4 messages, which is not"
        f" the whole conversation ({words} from the session)."
    )


def test_a_compaction_is_said_with_its_time_and_how_much_is_in_its_summary() -> None:
    verdict = decide(CURSOR, evidence(context=Context(4, 212, AT)))
    assert sentence(verdict) == (
        "The session is there and its last recorded message was found. Your next message carries what was said since "
        f"{local_time(AT)}, and a summary of what was before (212 messages)."
    )
    assert carried_words(verdict.carries) == "4 messages and a summary of 212"
    receipt = build_receipt("t", "/w", CURSOR, evidence(context=Context(4, 212, AT)), verdict)
    assert "the model gets: 4 messages and a summary of 212" in receipt_text(receipt)


def test_a_compaction_that_was_never_finished_is_said() -> None:
    assert "may not answer" in sentence(decide(CURSOR, evidence(context=Context(9, is_pending=True))))


@pytest.mark.parametrize(("reason", "cursor", "changed"), CASES, ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)])
def test_a_binding_in_doubt_is_never_proved_and_says_why(reason: Reason, cursor: Cursor | None, changed: dict[str, Any]) -> None:
    plain = decide(cursor, evidence(**changed))
    doubted = decide(cursor, evidence(**changed, in_doubt="its binding is of 2026-11-24 12:00 UTC"))
    assert doubted.reason is (Reason.UNPROVEN if plain.reason is Reason.PROVED else plain.reason)
    assert ("its binding is of" in sentence(doubted)) is (plain.kind is Kind.RESUMABLE)


def test_a_newest_message_of_the_future_is_said() -> None:
    soon = round(NOW.timestamp() * 1000) + 3_600_000
    ahead = evidence(newest=Found(MessageFacts("msg_9", Role.ASSISTANT, soon, True)))
    assert ahead.dated_ahead_ms == soon
    assert "may store your message without asking the model" in sentence(decide(CURSOR, ahead))
    assert evidence().dated_ahead_ms is None


def test_what_is_of_the_future_goes_by_the_clock_of_the_server_that_was_asked() -> None:
    now = round(NOW.timestamp() * 1000)
    newest = Found(MessageFacts("msg_9", Role.ASSISTANT, now + 3_600_000, True))
    assert evidence(newest=newest, server_time_ms=now + 3_600_000).dated_ahead_ms is None, "ours is an hour behind"
    newest = Found(MessageFacts("msg_9", Role.ASSISTANT, now, True))
    assert evidence(newest=newest, server_time_ms=now - 3_600_000).dated_ahead_ms == now, "ours is an hour ahead"


def test_a_thread_without_a_session_is_not_told_that_one_is_there() -> None:
    new = decide(None, evidence(has_turns=False))
    assert (new.kind, "session is there" in sentence(new)) == (Kind.RESUMABLE, False)
    assert "OpenCode 2 holds this conversation" in sentence(decide(CURSOR, evidence(newest=Absent(), opencode2=2)))


def test_what_the_session_lacks_is_told_as_long_as_it_does() -> None:
    found = decide(structs.replace(CURSOR, lacks="the oldest 5 messages were left out for length"), evidence())
    assert sentence(found) == (
        "The session is there and its last recorded message was found. Your next message carries 9 messages, which is not the"
        " whole conversation (the oldest 5 messages were left out for length)."
    )


def test_a_message_that_is_just_being_stored_is_not_told_as_deleted() -> None:
    """OpenCode stores a user's message first and its text a moment later."""
    newest = Found(MessageFacts("msg_a", Role.USER, 3_000, True, is_emptied=True))
    context = Context(8, emptied=1)
    stored = decide(CURSOR, evidence(newest=newest, activity=Activity.BUSY, context=context))
    assert stored.reason is Reason.BUSY and "was deleted" not in sentence(stored)
    for others in ({"activity": Activity.IDLE}, {"activity": Activity.BUSY, "newest": Found(LAST)}):
        assert "was deleted" in sentence(decide(CURSOR, evidence(**{"newest": newest, "context": context} | others)))
