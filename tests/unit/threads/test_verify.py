"""A verification: its receipt is stored, its proof is renewed only over a history that is there, and it changes no binding."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from t3tray.domain.cursor import Cursor
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.remedy import Remedy
from t3tray.domain.verdict import Kind, Reason
from t3tray.domain.verification import Verification
from t3tray.errors import BinaryNotFound, ServerDown, ServerFault, TimedOut, Unauthorized, Unsupported, WorldError
from t3tray.opencode.records import MessageRecord, SessionRecord
from t3tray.threads.evidence import Surroundings
from tests.support.scripted_server import Place
from tests.support.t3_world import NOON


class Checked(Place):
    """A thread whose session has three more turns, of which nothing is recorded yet."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.server.messages_held[self.session].clear()
        self.bind(Cursor(self.session, self.store.threads.find(self.thread).directory, afresh=True))
        for text in ("one", "two", "three"):
            self.server.answer(self.session, text)

    def bind(self, cursor: Cursor) -> None:
        self.unbind()
        entry = Entry(self.thread, Event.CONFIRMED, Actor.USER, "a test", NOON, cursor.session_id, cursor=cursor)
        self.store.journal.append(entry)

    def unbind(self) -> None:
        left = self.cursor.session_id
        self.store.journal.append(Entry(self.thread, Event.RELEASED, Actor.USER, "unbound", NOON, left))

    @property
    def cursor(self) -> Cursor:
        cursor = self.store.journal.binding(self.thread).cursor
        assert cursor
        return cursor

    async def verify(self, despite_others: bool = False) -> Verification:
        return await self.verifier.verify(self.thread, self.server, despite_others)

    async def renew(self) -> bool:
        return await self.verifier.renew(self.thread, self.server, Actor.USER, "a test")

    def take_back(self, count: int) -> None:
        """A revert is made final: the last messages are gone, and another turn follows."""
        del self.server.messages_held[self.session][-count:]
        self.server.answer(self.session, "instead")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Checked]:
    made = Checked(tmp_path)
    yield made
    made.store.close()


async def test_what_is_new_is_recorded_at_the_first_verification_and_proved_at_the_next(place: Checked) -> None:
    first = await place.verify()
    assert first.verdict.reason is Reason.UNPROVEN and place.store.receipts.last(place.thread) == first.receipt
    newest = place.server.messages_held[place.session][-1].facts.id
    assert (place.cursor.last_message_id, place.cursor.message_count) == (newest, 6)
    events = place.events()
    assert events[-1] is Event.PROVEN
    second = await place.verify()
    assert second.verdict.reason is Reason.PROVED and second.session_id == place.session
    assert place.events() == events, "nothing is new"


async def test_a_blocked_thread_gets_a_receipt_and_remedies_and_nothing_else(place: Checked) -> None:
    await place.verify()
    events = place.events()
    place.server.delete(place.session)
    found = await place.verify()
    assert (found.verdict.reason, found.verdict.kind) == (Reason.MISSING, Kind.BLOCKED)
    assert Remedy.START_AFRESH in found.remedies and place.store.receipts.last(place.thread) == found.receipt
    assert place.events() == events and place.server.made == 1 and place.cursor.session_id == place.session


async def test_an_assessment_stores_nothing(place: Checked) -> None:
    events, receipt = place.events(), place.store.receipts.last(place.thread)
    found = await place.verifier.assess(place.thread, place.server)
    assert found.has_news and found.verdict == await place.verifier.verdict_of(place.thread, place.server)
    assert (place.events(), place.store.receipts.last(place.thread)) == (events, receipt)


async def test_a_thread_in_which_another_process_may_be_at_work_is_resumed_only_if_the_user_wants_it(place: Checked) -> None:
    await place.verify()
    place.surroundings = Surroundings(lambda: NOON, lambda: True)
    place.server.hold(place.session, "msg_open", "begun elsewhere", int(NOON.timestamp() * 1000))
    found = await place.verify()
    assert (found.verdict.reason, found.verdict.kind) == (Reason.OPEN_ELSEWHERE, Kind.UNKNOWN)
    warned = await place.verify(despite_others=True)
    assert (warned.verdict.reason, warned.verdict.kind) == (Reason.INTERRUPTED, Kind.RESUMABLE)
    assert any("the user chose to go on all the same" in note for note in warned.receipt.notes)
    assert not any("the user chose" in note for note in found.receipt.notes)


@pytest.mark.parametrize(
    ("error", "reason", "detail"),
    [
        (ServerDown("No response."), Reason.SERVER_DOWN, ""),
        (BinaryNotFound("No program.", "Install it."), Reason.SERVER_DOWN, ""),
        (Unauthorized("The password is wrong."), Reason.UNAUTHORIZED, ""),
        (TimedOut("It hangs."), Reason.TIMEOUT, ""),
        (ServerFault("The disk is full."), Reason.SERVER_ERROR, "The disk is full"),
        (Unsupported("It is another program."), Reason.UNSUPPORTED, "It is another program"),
    ],
)
async def test_without_a_server_it_is_unknown_and_the_receipt_says_why(
    place: Checked, error: WorldError, reason: Reason, detail: str
) -> None:
    events = place.events()
    found = await place.verifier.unreachable(place.thread, error)
    assert (found.verdict.reason, found.verdict.kind, found.verdict.detail) == (reason, Kind.UNKNOWN, detail)
    assert f"{error.title}: {error.message}" in found.receipt.notes
    assert error.hint is None or error.hint in found.receipt.notes
    assert place.store.receipts.last(place.thread) == found.receipt and place.events() == events


async def test_what_needs_no_server_is_decided_without_one(place: Checked) -> None:
    place.bind(Cursor("codex-7", place.cursor.directory))
    place.server.up = False
    assert (await place.verify()).verdict.reason is Reason.BAD_CURSOR
    place.unbind()
    assert (await place.verify()).verdict.reason is Reason.UNBOUND
    assert (await place.verifier.unreachable(place.thread, ServerDown("No response."))).verdict.reason is Reason.UNBOUND


async def test_what_of_a_thread_could_not_be_read_makes_it_unknown_whatever_else_is_known(place: Checked) -> None:
    load_record = place.load_record
    place.load_record = lambda thread_id: structs.replace(load_record(thread_id), unread="its journal has a damaged line")
    found = await place.verify()
    assert (found.verdict.reason, found.verdict.detail) == (Reason.SERVER_ERROR, "its journal has a damaged line")
    assert Event.PROVEN not in place.events()[2:]


@pytest.mark.parametrize("is_still_so", [True, False])
async def test_why_a_server_failed_is_said_in_its_words_as_long_as_it_is_so(
    place: Checked, monkeypatch: pytest.MonkeyPatch, is_still_so: bool
) -> None:
    ask, asked = place.server.session, 0

    async def failing(session_id: str) -> SessionRecord:
        nonlocal asked
        asked += 1
        if asked == 1 or is_still_so:
            raise ServerFault("The server answered with 500: no space left.")
        return await ask(session_id)

    monkeypatch.setattr(place.server, "session", failing)
    verdict = await place.verifier.verdict_of(place.thread, place.server)
    assert verdict.reason is Reason.SERVER_ERROR
    assert verdict.detail == ("The server answered with 500: no space left" if is_still_so else "")


async def test_after_a_final_revert_the_record_says_what_the_session_lacks(place: Checked) -> None:
    assert await place.renew()
    place.take_back(2)
    assert await place.renew()
    entry = place.store.journal.entries(place.thread)[-1]
    assert entry.event is Event.PROVEN and entry.why == "a test; what had been recorded last was taken back before"
    assert place.cursor.lacks == "a revert took back 2 messages"
    place.bind(structs.replace(place.cursor, message_count=None, lacks=""))
    place.take_back(2)
    assert await place.renew() and place.cursor.lacks == "a revert took back messages", "how many was not recorded"


async def test_a_proof_is_not_renewed_over_a_history_that_is_lost(place: Checked) -> None:
    assert await place.renew()
    before, events = place.cursor, place.events()
    place.take_back(6)
    assert not await place.renew()
    assert (place.cursor, place.events()) == (before, events)


async def test_a_proof_is_not_renewed_over_a_history_that_cannot_be_looked_up(
    place: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await place.renew()
    before = place.cursor
    place.take_back(2)

    async def silent(session_id: str, message_id: str) -> MessageRecord:
        raise TimedOut("It hangs.")

    monkeypatch.setattr(place.server, "message", silent)
    assert not await place.renew() and place.cursor == before


async def test_a_binding_that_is_left_meanwhile_is_not_renewed(place: Checked) -> None:
    def unbind() -> None:
        if place.store.journal.binding(place.thread).cursor:
            place.unbind()

    place.server.on_page = unbind
    assert not await place.renew()
    assert place.store.journal.binding(place.thread).cursor is None
    assert not await place.renew(), "there is nothing to renew"


async def test_data_that_was_put_back_is_in_doubt_until_the_thread_is_verified(place: Checked) -> None:
    await place.verify()
    place.store.restores.note_gap(NOON, "was put back from a copy")
    place.server.up = False
    await place.verify()
    assert place.store.restores.in_doubt() == {place.thread}, "nothing was verified"
    place.server.up = True
    found = await place.verify()
    assert found.verdict.reason is Reason.UNPROVEN and place.store.restores.in_doubt() == frozenset()
    entry = place.store.journal.entries(place.thread)[-1]
    assert (entry.event, entry.why) == (Event.PROVEN, "verified after t3tray's data was put back from a copy")
    assert (await place.verify()).verdict.reason is Reason.PROVED


async def test_what_the_model_gets_is_recorded_where_an_older_version_did_not(place: Checked) -> None:
    await place.verify()
    place.bind(structs.replace(place.cursor, context=None))
    await place.verify()
    assert place.cursor.context and place.cursor.context.messages == 6


async def test_a_session_that_another_database_holds_is_not_missing(place: Checked) -> None:
    place.server.delete(place.session)
    elsewhere = Path("/old/opencode.db")
    place.surroundings = Surroundings(lambda: NOON, lambda: False, holder_of=lambda _: elsewhere)
    verdict = (await place.verify()).verdict
    assert (verdict.reason, verdict.kind) == (Reason.OTHER_DATABASE, Kind.UNKNOWN)
    assert f"The session is in {elsewhere}, which this server does not use" in verdict.detail


async def test_an_empty_session_whose_messages_opencode_2_has_is_not_called_empty(
    place: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def held(session_id: str) -> frozenset[str]:
        return frozenset({"msg_v2_1", "msg_v2_2"})

    monkeypatch.setattr(place.server, "opencode2_messages", held)
    assert "OpenCode 2 holds 2 more messages" in (await place.verify()).verdict.detail
    place.server.messages_held[place.session].clear()
    verdict = (await place.verify()).verdict
    assert (verdict.reason, verdict.kind) == (Reason.STRANDED, Kind.UNKNOWN)


async def test_an_answer_that_nobody_expected_makes_this_thread_unknown(place: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    async def odd(session_id: str) -> SessionRecord:
        raise KeyError(session_id)

    monkeypatch.setattr(place.server, "session", odd)
    found = await place.verify()
    assert (found.verdict.reason, found.verdict.kind) == (Reason.SERVER_ERROR, Kind.UNKNOWN)
    assert place.store.receipts.last(place.thread) == found.receipt
