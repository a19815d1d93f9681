"""What the next message carries, on the real opencode: the model is sent what was promised, by API and database alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from t3tray.domain.carries import Carries, CarriesKind
from t3tray.domain.cursor import Cursor
from t3tray.domain.evidence import Evidence
from t3tray.domain.thread import Source, Thread
from t3tray.domain.verdict import decide
from t3tray.domain.versions import Ability
from t3tray.messages.carries import carried_words
from t3tray.opencode.connection import Connection
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.threads.evidence import Surroundings, ThreadRecord, cursor_now, evidence_from_server
from t3tray.threads.file_evidence import evidence_from_database
from tests.support.opencode import OpenCodeHome, RawServer, opencode_version
from tests.support.opencode2 import in_opencode2
from tests.support.stub_model import SUMMARY, StubModel

pytestmark = pytest.mark.timeout(1_800)

WORD = "PELICAN"
TELL = f"the codeword is {WORD}"
ASK = "what is the codeword?"
LONG = "say: " + "word " * 1_500
# What OpenCode makes of a compaction for the model.
ASKS_SUMMARY = "What did we do so far?"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Talk:
    """One session of a real server, driven without any code of t3tray, and t3tray's evidence of it."""

    def __init__(self, home: OpenCodeHome, server: RawServer, http: httpx.Client, model: StubModel, folder: Path) -> None:
        self.http, self.model, self._home, self._server = http, model, home, server
        self.folder = str(folder)
        made = http.post("/session", params={"directory": self.folder}, json={"title": "a talk"})
        self.id: str = made.json()["id"]

    def say(self, *texts: str) -> None:
        for text in texts:
            self._post("message", {"parts": [{"type": "text", "text": text}]})

    def note(self, text: str) -> None:
        self._post("message", {"noReply": True, "parts": [{"type": "text", "text": text}]})

    def summarize(self) -> None:
        self._post("summarize", {"providerID": "stub", "modelID": "stub-1"})

    def summarize_in_vain(self) -> None:
        """Request a summary that the model refuses."""
        self.model.refuses = True
        self.summarize()
        self.model.refuses = False

    def revert_to(self, place: int) -> None:
        ids = [message["info"]["id"] for message in self.http.get(f"/session/{self.id}/message").json()]
        self._post("revert", {"messageID": ids[place]})

    def delete(self, *places: int) -> None:
        ids = [message["info"]["id"] for message in self.http.get(f"/session/{self.id}/message").json()]
        for place in places:
            self.http.delete(f"/session/{self.id}/message/{ids[place]}").raise_for_status()

    def empty(self, *places: int) -> None:
        """Delete all parts of these messages."""
        held = self.http.get(f"/session/{self.id}/message").json()
        for place in places:
            for part in held[place]["parts"]:
                path = f"/session/{self.id}/message/{held[place]['info']['id']}/part/{part['id']}"
                self.http.delete(path).raise_for_status()

    def cursor(self, before: Cursor | None = None) -> Cursor:
        async def ask() -> Cursor:
            client = Connection(self._server.url, self._server.password, opencode_version())
            try:
                return await cursor_now(client, (await client.session(self.id)).facts, before)
            finally:
                await client.aclose()

        return asyncio.run(ask())

    def evidence(self, cursor: Cursor) -> tuple[Evidence, Evidence]:
        """Return the evidence of the server, and that of the database."""
        recorded = ThreadRecord(Thread("t", "a talk", self.folder, Source.T3TRAY, NOON, NOON), cursor, has_turns=True)
        until = OpenCodeDatabase(self._home.database).count_until
        surroundings = Surroundings(lambda: NOON, lambda: False, count_until=until)

        async def ask() -> Evidence:
            client = Connection(self._server.url, self._server.password, opencode_version())
            try:
                return await evidence_from_server(client, recorded, cursor, surroundings)
            finally:
                await client.aclose()

        told = asyncio.run(ask())
        with OpenCodeDatabase(self._home.database).reading() as reader:
            return told, evidence_from_database(reader, recorded, cursor, surroundings)

    def sent_before(self, text: str) -> list[str]:
        """Send this; return what the model is sent before it, message by message."""
        self.say(text)
        (*sent, _) = [str(message["content"]) for message in self.model.chats()[-1]["messages"] if message["role"] != "system"]
        return sent

    def sent_next(self, text: str) -> tuple[int, bool]:
        """Send this; return the number of those messages, without compactions, and whether the first is a compaction."""
        sent = self.sent_before(text)
        return sum(words not in (ASKS_SUMMARY, SUMMARY) for words in sent), sent[:1] == [ASKS_SUMMARY]

    def words(self) -> list[str]:
        """Return the session's texts, message by message, without those of compactions."""
        held = self.http.get(f"/session/{self.id}/message").json()
        requests = {message["info"]["id"] for message in held if any(part["type"] == "compaction" for part in message["parts"])}
        said = [one for one in held if one["info"]["id"] not in requests and one["info"].get("mode") != "compaction"]
        return ["".join(part.get("text", "") for part in message["parts"]) for message in said]

    def _post(self, what: str, body: dict[str, Any]) -> None:
        self.http.post(f"/session/{self.id}/{what}", json=body).raise_for_status()


@pytest.fixture
def talk(shared_server: RawServer, opencode_home: OpenCodeHome, model: StubModel, tmp_path: Path) -> Iterator[Talk]:
    (tmp_path / "work").mkdir()
    with shared_server.http() as http:
        http.timeout = httpx.Timeout(90)
        yield Talk(opencode_home, shared_server, http, model, tmp_path / "work")


def told_alike(talk: Talk, *cursors: Cursor) -> Carries:
    """Return what the next message carries, the same by server and database, whatever was known before, field by field."""
    found = set()
    for cursor in cursors:
        told, read = talk.evidence(cursor)
        # Only a server has the time of its own clock.
        read = msgspec.structs.replace(read, server_time_ms=told.server_time_ms)
        # An older server does not know what OpenCode 2 holds; the file does.
        changed_names = {"asked", "taken_at"} | ({"opencode2"} if told.opencode2 is None else set())
        assert [
            (name, getattr(told, name), getattr(read, name))
            for name in told.__struct_fields__
            if name not in changed_names and getattr(told, name) != getattr(read, name)
        ] == []
        assert decide(cursor, told) == decide(cursor, read)
        found.add(decide(cursor, told).carries)
    (carries,) = found
    return carries


def test_before_and_after_a_compaction_what_is_promised_is_what_the_model_is_sent(talk: Talk) -> None:
    talk.say(TELL, *(f"say: answer {number}" for number in range(5)))
    early = talk.cursor()
    assert told_alike(talk, early, replace(early, context=None)) == Carries(CarriesKind.WHOLE, None, 12, 0)
    talk.summarize()
    talk.say("say: more", "say: and more")
    late = talk.cursor(early)
    assert late == talk.cursor()
    carries = told_alike(talk, early, late, replace(late, context=None))
    assert carries.since_ms is not None and carries.messages is not None
    # How much of its end a compaction keeps is OpenCode's own: the last two turns to 1.17, what fits into a budget later.
    assert carries == Carries(CarriesKind.SINCE_COMPACTION, carries.since_ms, carries.messages, 16 - carries.messages)
    assert carries.messages in (4, 8)
    assert carried_words(carries) == f"{carries.messages} messages and a summary of {16 - carries.messages}"
    held = talk.words()
    assert talk.sent_before(ASK) == [ASKS_SUMMARY, SUMMARY, *held[-carries.messages :]]
    assert WORD not in talk.model.words_sent()


def test_a_tail_that_a_compaction_keeps_counts_as_said(opencode_home: OpenCodeHome, talk: Talk) -> None:
    talk.say(TELL, *(LONG for _ in range(3)))
    early = talk.cursor()
    talk.summarize()
    talk.say("say: more")
    carries = told_alike(talk, early, talk.cursor(early))
    assert (carries.messages, True) == talk.sent_next("say: x")
    # Every message stands on one side, but for the two of the compaction itself.
    assert (carries.messages or 0) + (carries.summary or 0) == 10


def test_a_compaction_that_failed_is_told_and_so_is_what_it_leaves_out(talk: Talk) -> None:
    talk.say(TELL, "say: one")
    early = talk.cursor()
    talk.summarize_in_vain()
    pending = talk.cursor(early)
    assert told_alike(talk, early, pending) == Carries(CarriesKind.UNKNOWN)
    assert "may not answer" in decide(pending, talk.evidence(pending)[0]).detail
    asked = len(talk.model.chats())
    talk.say("say: this is not answered")
    (*_, instead) = talk.model.chats()[asked]["messages"]
    assert "anchored summary" in str(instead), "it was asked for that"
    later = talk.cursor(pending)
    carries = told_alike(talk, early, pending, later)
    talk.say(ASK)
    assert (carries.kind is CarriesKind.WHOLE) == (WORD in talk.model.words_sent())


@pytest.mark.parametrize(("place", "left"), [(2, Carries(CarriesKind.PART, None, 2, 0)), (8, None)])
def test_a_pending_revert_is_counted_off(talk: Talk, place: int, left: Carries | None) -> None:
    talk.say(TELL, "say: one")
    talk.summarize()
    talk.say("say: two", "say: three")
    known = talk.cursor()
    talk.revert_to(place)
    carries = told_alike(talk, known, replace(known, context=None))
    assert left is None or carries == left
    assert talk.sent_next("say: four") == (carries.messages, carries.kind is CarriesKind.SINCE_COMPACTION)
    assert told_alike(talk, known).kind is (carries.kind)


def test_messages_deleted_from_the_middle_stay_told(talk: Talk) -> None:
    talk.say("say: one", TELL, "say: three")
    known = talk.cursor()
    talk.delete(2, 3)
    assert told_alike(talk, known, replace(known, context=None)) == Carries(CarriesKind.PART, None, 4, 0)
    assert decide(known, talk.evidence(known)[0]).detail.startswith("2 recorded messages are gone from the session")
    talk.say("say: more")
    later = talk.cursor(known)
    assert told_alike(talk, known, later, replace(later, context=None)) == Carries(CarriesKind.PART, None, 6, 0)
    assert talk.sent_next(ASK) == (6, False)
    assert WORD not in talk.model.words_sent()


@pytest.mark.parametrize("places", [(2,), (3,), (5,)])
def test_a_message_of_which_all_parts_were_deleted_is_not_carried(talk: Talk, places: tuple[int, ...]) -> None:
    talk.say("say: one", TELL, "say: three")
    known = talk.cursor()
    talk.empty(*places)
    assert len(talk.http.get(f"/session/{talk.id}/message").json()) == 6, "the message itself stays"
    assert told_alike(talk, known, replace(known, context=None)) == Carries(CarriesKind.PART, None, 5, 0)
    detail = decide(known, talk.evidence(known)[0]).detail
    assert detail.startswith("1 message of it is empty, because what was said there was deleted")
    assert talk.sent_next(ASK)[0] == 5


def test_a_turn_that_failed_is_not_taken_for_an_emptied_one(talk: Talk) -> None:
    talk.say(TELL)
    talk.model.refuses = True
    talk.say("say: this fails")
    talk.model.refuses = False
    talk.say("say: more")
    known = talk.cursor()
    assert known.context and known.context.emptied == 0
    assert told_alike(talk, known, replace(known, context=None)).kind is CarriesKind.WHOLE


def test_an_answer_that_broke_off_with_an_error_is_shown_and_not_carried(talk: Talk) -> None:
    """OpenCode leaves a failed answer out of the model's input, whatever text it had (1.18.33)."""
    talk.say("say: one")
    early = talk.cursor()
    talk.say(f"break: {TELL}")
    broken = talk.cursor(early)
    assert told_alike(talk, early, broken, replace(broken, context=None)) == Carries(CarriesKind.PART, None, 3, 0)
    assert "1 answer that failed is shown, and OpenCode gives nothing of it" in decide(broken, talk.evidence(broken)[0]).detail
    talk.say("say: more")
    later = talk.cursor(broken)
    assert told_alike(talk, early, later, replace(later, context=None)) == Carries(CarriesKind.PART, None, 5, 0)
    assert talk.sent_next(ASK)[0] == 5
    assert f"assistant: {WORD}" not in talk.model.words_sent()


def test_a_note_that_asked_nothing_of_the_model_is_carried(talk: Talk) -> None:
    talk.say(TELL)
    early = talk.cursor()
    talk.note("a note")
    carries = told_alike(talk, early, talk.cursor(early))
    assert carries.messages == 3
    assert talk.sent_next(ASK)[0] == 3


@pytest.mark.needs(Ability.OPENCODE2_MESSAGES)
def test_what_opencode2_holds_is_told_by_the_server_too(opencode_home: OpenCodeHome, talk: Talk) -> None:
    talk.say(TELL)
    known = talk.cursor()
    in_opencode2(opencode_home, talk.id, *["user", "assistant"] * 70, "agent-switched")
    assert told_alike(talk, known) == Carries(CarriesKind.PART, None, 2, 0)
    told, read = talk.evidence(known)
    assert told.opencode2 == read.opencode2 == 140


def say_as_promised(talk: Talk) -> None:
    """Send one more message, which carries what was promised before it; nothing is promised while a compaction is pending."""
    promised = told_alike(talk, talk.cursor())
    sent = talk.sent_next("say: once more")
    if promised.kind is not CarriesKind.UNKNOWN:
        assert sent == (promised.messages, promised.kind is CarriesKind.SINCE_COMPACTION)


CHANGES: tuple[Callable[[Talk], None], ...] = (
    say_as_promised,
    Talk.summarize,
    lambda talk: talk.note("a note"),
    Talk.summarize_in_vain,
    lambda talk: talk.revert_to(-1),
)


def test_whatever_happens_both_tell_the_same_and_the_model_is_sent_it(talk: Talk) -> None:
    """Each change after each other, with the cursors of all the moments before."""
    talk.say(TELL, "say: one")
    known = [talk.cursor()]
    for first in CHANGES:
        for second in (*CHANGES, CHANGES[0]):
            first(talk)
            second(talk)
            for cursor in known[-3:]:
                told_alike(talk, cursor)
            known.append(talk.cursor(known[-1]))
