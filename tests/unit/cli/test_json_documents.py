"""The shapes of the JSON documents, name by name: scripts rely on them, and docs/command-line.md describes them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from msgspec import structs

from t3tray.cli import json_documents
from t3tray.domain.carries import Carries, CarriesKind
from t3tray.domain.cursor import Cursor
from t3tray.domain.evidence import Absent, Evidence
from t3tray.domain.guard import CreateRequest, GuardAction, GuardAnswer, GuardDecision, ReadRequest, Refusal
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.reaper import ReaperPhase, ReaperState
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.split import Candidate
from t3tray.domain.t3code_side import UNKNOWN, GuardSide, T3Side, next_message
from t3tray.domain.thread import Source, Thread
from t3tray.domain.verdict import Reason, Verdict
from t3tray.domain.verification import Verification
from t3tray.errors import ServerDown
from t3tray.messages.receipts import build_receipt
from t3tray.threads.remedy_offers import offers
from t3tray.threads.snapshot import ThreadDetails, ThreadRow
from tests.support.views import in_t3

AT = datetime(2026, 11, 24, 12, 30, 1, 250_000, UTC)
STAMP = "2026-11-24T12:30:01.250Z"
CURSOR = Cursor("ses_1", "/work", "Parser", 1, "msg_1", "msg_2", "msg_2", 2, "1.18.33")
THREAD = Thread("3f2a", "Parser", "/work", Source.T3TRAY, AT, AT, draft="unsent")
MISSING = Verdict(Reason.MISSING, carries=Carries(CarriesKind.NOTHING, messages=0, summary=0))
ROW = ThreadRow(THREAD, "ses_1", MISSING, ReaperState(ReaperPhase.AT_RISK), remedies=offers(MISSING))
EVIDENCE = Evidence(
    taken_at=AT, session=Absent(), newest=Absent(), directory_exists=True, has_turns=True, asked="OpenCode 1.18.33"
)
RECEIPT = build_receipt(THREAD.id, THREAD.directory, CURSOR, EVIDENCE, MISSING)
ENTRY = Entry("3f2a", Event.CONFIRMED, Actor.USER, "adopted", AT, "ses_1", cursor=CURSOR, seq=1)

VERDICT = {
    "kind": "blocked",
    "reason": "missing",
    "sentence": "The session that held this conversation no longer exists in OpenCode.",
    "remedies": ["bind", "carry-transcript", "start-afresh", "release"],
}
THREAD_DOCUMENT = {
    "id": "3f2a",
    "title": "Parser",
    "source": "t3tray",
    "directory": "/work",
    "created_at": STAMP,
    "last_activity_at": STAMP,
    "archived_at": None,
    "draft": "unsent",
}
ROW_DOCUMENT: dict[str, object] = {
    **THREAD_DOCUMENT,
    "session_id": "ses_1",
    "session_directory": None,
    "verdict": VERDICT,
    "carries": {"kind": "nothing", "since": None, "messages": 0, "summary": 0},
    "reaper": {"state": "at-risk", "reap_at": None},
    "t3code": None,
    "t3code_trouble": None,
    "served": [],
}


def test_a_row_is_the_thread_with_its_session_verdict_and_reaper() -> None:
    assert json_documents.row_document(ROW) == ROW_DOCUMENT


def test_what_t3_code_says_is_not_known_rather_than_nothing_while_it_cannot_be_read() -> None:
    theirs = replace(ROW, thread=structs.replace(THREAD, source=Source.T3CODE), next_message=UNKNOWN)
    told = json_documents.row_document(theirs)
    assert (told["t3code"], told["t3code_trouble"]) == (None, "What T3 Code says of this thread cannot be read now.")
    assert json_documents.row_document(in_t3(theirs))["t3code_trouble"] is None


def test_an_imported_thread_says_what_its_next_message_in_t3_code_gets() -> None:
    side = T3Side(is_v2=True, has_turns=True, handed_over=True, imported_characters=41_692)
    imported = replace(in_t3(ROW, handed_over=True), next_message=next_message(side, MISSING, GuardSide.OFF))
    told = json_documents.row_document(imported)["t3code"]
    assert isinstance(told, dict) and (told["session_id"], told["handed_over"]) == (None, True)
    assert told["next_message"] == {
        "kind": "blocked",
        "reason": "hand-off",
        "sentence": "In T3 Code your next message would carry only the last 32,000 of 41,692 characters of this conversation,"
        " into a new session.",
        "remedies": [],
    }


def test_what_the_next_message_carries_is_told_with_the_time_of_the_compaction() -> None:
    carries = Carries(CarriesKind.SINCE_COMPACTION, round(AT.timestamp() * 1000), 14, 212)
    told = {"kind": "since-compaction", "since": STAMP, "messages": 14, "summary": 212}
    assert json_documents.carries_document(carries) == told
    assert json_documents.carries_document(structs.replace(carries, since_ms=2**70))["since"] is None


def test_a_resumption_holds_the_verdict_and_the_receipt_also_when_it_refuses() -> None:
    document = json_documents.verification_document(Verification(THREAD, "ses_1", MISSING, RECEIPT, offers(MISSING)))
    assert (document["thread"], document["session_id"], document["verdict"]) == ("3f2a", "ses_1", VERDICT)
    receipt = document["receipt"]
    assert isinstance(receipt, dict)
    assert set(receipt) == {"thread", "session_id", "verdict", "taken_at", "asked", "checks", "notes"}
    assert receipt["checks"][0] == {"name": "session exists", "recorded": "ses_1", "found": "not found", "passed": False}
    assert receipt["taken_at"] == STAMP


def test_an_entry_tells_who_why_and_what_was_known() -> None:
    document = json_documents.entry_document(ENTRY)
    assert document | {"cursor": None} == {
        "seq": 1,
        "at": STAMP,
        "thread": "3f2a",
        "event": "confirmed",
        "session_id": "ses_1",
        "actor": "user",
        "why": "adopted",
        "intent": None,
        "cursor": None,
        "remedy": None,
    }
    assert document["cursor"] == {
        "session_id": "ses_1",
        "directory": "/work",
        "title": "Parser",
        "session_created_ms": 1,
        "first_message_id": "msg_1",
        "last_message_id": "msg_2",
        "last_finished_id": "msg_2",
        "message_count": 2,
        "server_version": "1.18.33",
        "restored": "",
        "afresh": False,
        "chosen_over": None,
        "context": None,
        "lacks": "",
    }


def test_the_details_hold_everything() -> None:
    document = json_documents.details_document(
        ThreadDetails(ROW, CURSOR, (ENTRY,), RECEIPT, (Candidate("ses_0", ("journal",), exists=False),))
    )
    assert set(document) == {"thread", "deleted", "cursor", "offered", "candidates", "alarms", "journal", "answers", "receipt"}
    assert document["thread"] == ROW_DOCUMENT
    assert document["candidates"] == [
        {
            "session_id": "ses_0",
            "learnt_from": ["journal"],
            "exists": False,
            "directory": "",
            "title": "",
            "parent_id": None,
            "archived": False,
            "messages": 0,
            "first_at": None,
            "last_at": None,
            "input_tokens": 0,
        }
    ]


def test_the_server_and_an_error() -> None:
    status = ServerStatus(ServerState.WAITING, until=AT, attempt=2, reason="it ended by itself")
    assert json_documents.server_document(status) == {
        "state": "waiting",
        "url": "",
        "pid": None,
        "version": "",
        "until": STAMP,
        "attempt": 2,
        "reason": "it ended by itself",
        "log_tail": "",
        "memory": None,
    }
    assert json_documents.error_document(ServerDown("Nobody listens.", "Start it.")) == {
        "error": {"title": "The OpenCode server does not answer", "message": "Nobody listens.", "hint": "Start it.", "code": 4}
    }


def test_an_answer_of_the_guard_tells_what_was_asked_and_what_was_given() -> None:
    decision = GuardDecision(GuardAction.GIVE, (), "3f2a", "ses_1", 41)
    evidence = ("OpenCode has no ses_0.",)
    told = GuardAnswer(AT, CreateRequest("Parser", "/work"), decision, "ses_1", evidence=evidence)
    assert json_documents.answer_document(told) == {
        "at": STAMP,
        "thread": "3f2a",
        "asked": "create",
        "asked_session": None,
        "title": "Parser",
        "folder": "/work",
        "answer": "give",
        "refusal": None,
        "session_id": "ses_1",
        "messages": 41,
        "sentence": "T3 Code asked for a new session called “Parser”; it was given ses_1 (41 messages).",
        "evidence": ["OpenCode has no ses_0."],
        "seen_at": None,
    }
    refused = GuardDecision(GuardAction.REFUSE, (), "3f2a", refusal=Refusal.SESSION_GONE)
    document = json_documents.answer_document(GuardAnswer(AT, ReadRequest("ses_0", "/work"), refused, seen_at=AT))
    assert (document["asked"], document["asked_session"], document["answer"]) == ("read", "ses_0", "refuse")
    assert (document["refusal"], document["seen_at"]) == ("session-gone", STAMP)


def test_every_document_is_json_and_every_field_is_told_in_the_contract() -> None:
    told = (Path(__file__).parents[3] / "docs" / "command-line.md").read_text("utf-8")
    answer = json_documents.answer_document(GuardAnswer(AT, ReadRequest("ses_1"), GuardDecision(GuardAction.PASS, ())))
    shown = (json_documents.row_document(ROW), json_documents.entry_document(ENTRY), json_documents.receipt_document(RECEIPT))
    for document in (*shown, answer):
        json.dumps(document)
        assert all(f'"{name}"' in told for name in document)
