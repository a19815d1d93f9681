"""T3 Code's side: where its next message goes, by every fact that decides it."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import structs

from t3tray.domain.evidence import Absent, Failure, Found, SessionFacts
from t3tray.domain.remedy import Remedy
from t3tray.domain.t3code_side import CONTINUES, GuardSide, NextCase, NextReason, T3Side, next_message
from t3tray.domain.verdict import Kind, Reason, Verdict
from t3tray.messages.t3code_side import next_sentence

OURS, OTHER = "ses_ours", "ses_other"
PROVED, MISSING = Verdict(Reason.PROVED), Verdict(Reason.MISSING)
CONFLICT, EMPTY, SPLIT = Verdict(Reason.CONFLICT), Verdict(Reason.EMPTY), Verdict(Reason.SPLIT)
MISMATCH, UNBOUND, DOWN = Verdict(Reason.DIRECTORY_MISMATCH), Verdict(Reason.UNBOUND), Verdict(Reason.SERVER_DOWN)
B, R, U = Kind.BLOCKED, Kind.RESUMABLE, Kind.UNKNOWN
ON, OFF, NOT_UP, UNPROVED = GuardSide.ON, GuardSide.OFF, GuardSide.DOWN, GuardSide.UNPROVED
THERE = Found(SessionFacts(OURS, "/w", "", 0, 0))


def side(**facts: Any) -> T3Side:
    """T3 Code names our session, which exists and works in the thread's folder."""
    return structs.replace(T3Side(names=OURS, named=THERE, bound=OURS), **facts)


NULL: dict[str, Any] = {"names": None, "named": None, "same_folder": None}
GONE: dict[str, Any] = {"named": Absent()}
ELSE: dict[str, Any] = {"names": OTHER, "named_messages": 4}
ELSE_GONE: dict[str, Any] = {"names": OTHER, "named": Absent()}
CHANGED: dict[str, Any] = {"instance": "opencode", "was_instance": "codex"}
AWAY: dict[str, Any] = {"instance": "codex", "was_instance": "opencode", "is_opencode": False}

CASES: list[tuple[dict[str, Any], Verdict, GuardSide, Kind, NextReason, str]] = [
    ({}, PROVED, OFF, R, NextReason.CONTINUES, "continues this conversation"),
    ({}, PROVED, ON, R, NextReason.GUARDED, "or fails with a clear message"),
    ({}, MISSING, ON, B, NextReason.GUARDED, "fails with a clear message, and nothing is lost"),
    ({}, DOWN, ON, U, NextReason.GUARDED, "which of them cannot be told"),
    ({}, PROVED, NOT_UP, B, NextReason.FAILS, "which does not answer"),
    ({}, PROVED, UNPROVED, U, NextReason.UNKNOWN, "cannot be told now"),
    ({}, Verdict(Reason.OPEN_ELSEWHERE), OFF, R, NextReason.CONTINUES, "continues"),
    ({"named": Failure.SERVER_DOWN}, DOWN, OFF, U, NextReason.UNKNOWN, "cannot be told"),
    # Known to lack something.
    ({"lacks": "2 gone"}, PROVED, OFF, R, NextReason.PARTIAL, "holds only a part of this conversation (2 gone)."),
    ({"lacks": "2 gone", "live": OURS}, PROVED, OFF, R, NextReason.PARTIAL, "only a part of this conversation (2 gone)"),
    ({"thinned": "2 gone"}, PROVED, OFF, R, NextReason.PARTIAL, "only a part of this conversation (2 gone)"),
    ({"thinned": "2 gone"}, PROVED, ON, R, NextReason.PARTIAL, "only a part of this conversation, or fails with a clear message"),
    ({**GONE, "thinned": "2 gone"}, MISSING, OFF, B, NextReason.SESSION_GONE, "would start empty"),
    ({"lacks": "2 gone"}, PROVED, ON, R, NextReason.PARTIAL, "only a part of this conversation, or fails with a clear message"),
    ({"lacks": "2 gone", **NULL, "live": OURS}, PROVED, OFF, R, NextReason.LIVE, "goes on with only a part"),
    ({"lacks": "2 gone", **ELSE}, PROVED, OFF, B, NextReason.OTHER_SESSION, "another session"),
    ({"lacks": "2 gone"}, MISSING, ON, B, NextReason.GUARDED, "fails with a clear message"),
    # Nothing is named.
    (NULL, PROVED, OFF, B, NextReason.STARTS_EMPTY, "would start empty: T3 Code knows no session"),
    (NULL, UNBOUND, OFF, B, NextReason.STARTS_EMPTY, "would start empty"),
    (NULL, PROVED, ON, R, NextReason.GUARDED, "continues"),
    (NULL, UNBOUND, ON, B, NextReason.GUARDED, "fails with a clear message"),
    ({**NULL, "has_turns": False}, Verdict(Reason.UNPROVEN), OFF, R, NextReason.NEW, "begins this conversation"),
    ({**NULL, "has_turns": False}, Verdict(Reason.UNPROVEN), ON, R, NextReason.NEW, "begins"),
    ({**NULL, "is_v2": True}, PROVED, OFF, B, NextReason.HAND_OFF, "only a summary"),
    # It is gone.
    (GONE, MISSING, OFF, B, NextReason.SESSION_GONE, "would start empty: the session that T3 Code names no longer exists"),
    ({**GONE, "is_v2": True}, MISSING, OFF, B, NextReason.SESSION_GONE, "only a summary"),
    ({**GONE, "live": OURS}, MISSING, OFF, B, NextReason.SESSION_GONE, "fails with “Session not found”"),
    ({**GONE, "live": OURS}, MISSING, ON, B, NextReason.SESSION_GONE, "after T3 Code was started again it fails with a clear"),
    (ELSE_GONE, PROVED, OFF, B, NextReason.SESSION_GONE, "would start empty"),
    (ELSE_GONE, PROVED, ON, R, NextReason.GUARDED, "continues"),
    # Another one.
    (ELSE, PROVED, OFF, B, NextReason.OTHER_SESSION, "another session (4 messages), not to the one that is used here"),
    (ELSE, CONFLICT, OFF, B, NextReason.OTHER_SESSION, "another session"),
    (ELSE, PROVED, ON, R, NextReason.GUARDED, "continues"),
    (ELSE | {"named": Failure.TIMEOUT, "named_messages": None}, PROVED, OFF, B, NextReason.OTHER_SESSION, "another session, not"),
    (ELSE | {"live": OTHER}, PROVED, OFF, B, NextReason.LIVE_ELSEWHERE, "holds another session open (4 messages)"),
    (
        ELSE | {"live": OTHER},
        PROVED,
        ON,
        B,
        NextReason.LIVE_ELSEWHERE,
        "Quit T3 Code and start it again, and it goes into this one",
    ),
    (
        ELSE | {"live": OTHER, "live_in_doubt": True},
        PROVED,
        ON,
        U,
        NextReason.UNKNOWN,
        "may still hold another session open. Quit",
    ),
    (ELSE_GONE | {"live": OTHER}, PROVED, ON, B, NextReason.SESSION_GONE, "still holds a session open that is gone. Quit"),
    # The session that T3 Code holds open counts, whatever its cursor is.
    (NULL | {"live": OURS}, PROVED, OFF, R, NextReason.LIVE, "as long as T3 Code holds its session open. After that it would"),
    (ELSE | {"live": OURS}, PROVED, OFF, R, NextReason.LIVE, "After that it goes to another session"),
    (NULL | {"live": OURS}, PROVED, ON, R, NextReason.GUARDED, "continues"),
    ({"live": OURS}, PROVED, OFF, R, NextReason.CONTINUES, "continues"),
    ({"live": OURS}, PROVED, ON, R, NextReason.CONTINUES, "continues"),
    # Another provider.
    (CHANGED, PROVED, OFF, B, NextReason.INSTANCE_CHANGED, "would start empty: the thread was set from “codex” to “opencode”"),
    (CHANGED | NULL, UNBOUND, OFF, B, NextReason.INSTANCE_CHANGED, "would start empty"),
    (CHANGED | {"live": OURS}, PROVED, OFF, B, NextReason.INSTANCE_CHANGED, "would start empty"),
    (CHANGED, PROVED, ON, R, NextReason.GUARDED, "continues"),
    (AWAY, PROVED, ON, B, NextReason.INSTANCE_CHANGED, "from “opencode” to “codex”"),
    (CHANGED | {"is_v2": True}, PROVED, OFF, U, NextReason.INSTANCE_CHANGED, "summary only"),
    (CHANGED | {"was_instance": ""}, PROVED, OFF, R, NextReason.CONTINUES, "continues"),
    # The second orchestrator's hand-off.
    (
        {**NULL, "is_v2": True, "handed_over": True, "imported_characters": 41_692},
        UNBOUND,
        OFF,
        B,
        NextReason.HAND_OFF,
        "only the last 32,000 of 41,692 characters",
    ),
    (
        {**NULL, "is_v2": True, "handed_over": True, "imported_characters": 108},
        UNBOUND,
        OFF,
        R,
        NextReason.HAND_OFF,
        "a written copy of the whole conversation (108 characters)",
    ),
    ({**NULL, "is_v2": True, "handed_over": True}, UNBOUND, OFF, B, NextReason.HAND_OFF, "only at most the last 32,000"),
    ({**NULL, "is_v2": True, "handed_over": True}, PROVED, ON, B, NextReason.HAND_OFF, "32,000"),
    # Another folder.
    ({"same_folder": False}, MISMATCH, OFF, B, NextReason.WOULD_FORK, "a copy of the session that works in another folder"),
    ({"same_folder": False, "is_v2": True}, MISMATCH, OFF, B, NextReason.WOULD_FORK, "is answered in another folder"),
    ({"same_folder": False, "live": OURS}, MISMATCH, OFF, B, NextReason.WOULD_FORK, "is answered in another folder"),
    ({"same_folder": False}, MISMATCH, ON, B, NextReason.GUARDED, "fails with a clear message"),
    # A part of it.
    ({"shown": 4, "known": 2}, PROVED, OFF, B, NextReason.PARTIAL, "knows 2 of the 4 answers shown there"),
    ({}, SPLIT, OFF, B, NextReason.PARTIAL, "holds only a part"),
    ({}, EMPTY, OFF, B, NextReason.STARTS_EMPTY, "holds nothing of this conversation"),
    ({}, Verdict(Reason.DIRECTORY_MISSING), OFF, B, NextReason.AS_HERE, "same trouble as here"),
    ({}, Verdict(Reason.BAD_CURSOR), OFF, B, NextReason.FAILS, "is not the id of one"),
    # Stuck.
    (
        {"reply_at": datetime(2026, 11, 29, 14, 37, tzinfo=UTC)},
        PROVED,
        OFF,
        B,
        NextReason.STUCK,
        "Quit T3 Code and start it again",
    ),
    (
        {"reply_at": datetime(2026, 11, 29, 14, 37, tzinfo=UTC), "same_folder": False},
        MISMATCH,
        OFF,
        B,
        NextReason.STUCK,
        "Move the session first, then quit T3 Code",
    ),
]


@pytest.mark.parametrize(("facts", "verdict", "guard", "kind", "reason", "words"), CASES)
def test_where_the_next_message_goes(
    facts: dict[str, Any], verdict: Verdict, guard: GuardSide, kind: Kind, reason: NextReason, words: str
) -> None:
    told = next_message(side(**facts), verdict, guard)
    assert (told.kind, told.reason) == (kind, reason)
    assert words in next_sentence(told) and next_sentence(told).endswith(".")


def test_every_case_is_met_here() -> None:
    met = {next_message(side(**facts), verdict, guard).case for facts, verdict, guard, *_ in CASES}
    assert met == set(NextCase)


def test_only_what_carries_the_conversation_and_stays_so_is_fine() -> None:
    fine = {
        (reason, kind) for facts, verdict, guard, kind, reason, _ in CASES if next_message(side(**facts), verdict, guard).is_fine
    }
    assert fine == {(NextReason.CONTINUES, R), (NextReason.GUARDED, R), (NextReason.NEW, R)}


def test_nothing_is_called_fine_that_would_not_carry_the_conversation() -> None:
    """Every combination: total, one sentence without an id, and never resumable if the session is another one, or is gone."""
    several = itertools.product(
        (None, OURS, OTHER),
        (None, THERE, Absent(), Failure.TIMEOUT),
        (None, OURS),
        (None, OURS, OTHER),
        (False, True),
        (True, False),
        (True, False, None),
        (PROVED, MISSING, DOWN, UNBOUND),
        GuardSide,
        (CHANGED, {}),
    )
    for names, named, bound, live, is_v2, has_turns, same, verdict, guard, instance in several:
        if (names is None) is not (named is None):
            continue
        facts = {"names": names, "named": named, "bound": bound, "live": live, "is_v2": is_v2, "has_turns": has_turns}
        given = side(**facts, same_folder=same, **instance)
        told = next_message(given, verdict, guard)
        assert next_sentence(told) and "ses_" not in next_sentence(told)
        assert Remedy.REPAIR not in told.remedies or not is_v2
        if told.is_fine and has_turns:
            assert guard not in (GuardSide.DOWN, GuardSide.UNPROVED)
            assert told.kind is R and not (told.reason is NextReason.CONTINUES and not isinstance(named, Found))
            assert told.reason is NextReason.GUARDED or (live in (None, names) and (bound is None or names == bound))
            assert told.reason is NextReason.GUARDED or same is not False
            assert told.reason is NextReason.GUARDED or not given.instance_changed


def test_each_sentence_is_one_that_is_read_by_itself() -> None:
    for facts, verdict, guard, *_ in CASES:
        told = next_sentence(next_message(side(**facts), verdict, guard))
        assert "T3 Code" in told and not re.search(r"\s{2}|\.\.|None", told)
    assert next_sentence(CONTINUES) == "In T3 Code your next message continues this conversation."


@pytest.mark.parametrize(
    ("facts", "verdict", "first"),
    [
        (NULL, PROVED, Remedy.REPAIR),
        (ELSE_GONE, PROVED, Remedy.REPAIR),
        ({"same_folder": False}, MISMATCH, Remedy.MOVE_SESSION),
        (NULL | {"bound": None}, UNBOUND, None),
    ],
)
def test_the_first_remedy_is_one_that_mends_t3_codes_side(facts: dict[str, Any], verdict: Verdict, first: Remedy | None) -> None:
    told = next_message(side(**facts), verdict)
    assert (told.remedies[0] if told.remedies else None) is first


@pytest.mark.parametrize(("count", "what"), [(None, "messages"), (1, "1 message"), (2, "2 messages")])
def test_a_revert_that_is_pending_there_is_told_and_nothing_is_brought_into_it(count: int | None, what: str) -> None:
    told = next_message(side(**ELSE, reverting=True, taken_back=count), CONFLICT)
    assert next_sentence(told) == (
        "In T3 Code your next message goes to another session (4 messages), not to the one that is used here."
        f" A revert is pending there: your next message deletes {what} for good."
    )
    assert Remedy.HEAL not in told.remedies and Remedy.REPAIR in told.remedies
    for facts, reason in ((NULL, NextReason.STARTS_EMPTY), (GONE, NextReason.SESSION_GONE)):
        assert next_message(side(**facts), PROVED).reason is reason
        assert "revert" not in next_sentence(next_message(side(**facts), PROVED))
