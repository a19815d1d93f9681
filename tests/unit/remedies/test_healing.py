"""Giving T3 Code its memory back: its conditions, its refusals, and the limits that it states."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import structs

from t3tray.domain.carries import CarriesKind
from t3tray.domain.evidence import Evidence, MessageFacts, Role, SessionFacts
from t3tray.domain.remedy import Choice, Preview, Remedy
from t3tray.domain.transcript import Message, Origin, Transcript
from t3tray.domain.verdict import decide
from t3tray.errors import Refused
from t3tray.messages.verdicts import sentence
from t3tray.opencode.records import MessageRecord
from t3tray.remedies.collecting import losses
from t3tray.remedies.registry import Remedies
from t3tray.threads.evidence import Surroundings, ThreadRecord, evidence_from_server
from t3tray.threads.snapshot import ThreadDetails
from tests.support.fake_server import FakeServer, KillSwitch
from tests.support.life import Life

HEAL = Choice(Remedy.HEAL)
NOW = datetime(2026, 11, 29, tzinfo=UTC)


class Place:
    """A thread that is bound to `old`, while T3 Code uses `new`."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "work"
        self.folder.mkdir()
        self.server = FakeServer(KillSwitch())
        self.life = Life(root / "data", self.server, self.server.switch, 2**22, lambda: NOW)
        self.new = self.server.add_foreign_session(str(self.folder))
        # The only ones, where a test sets them.
        self.copies: tuple[Transcript, ...] | None = None
        kept = self.life.tools.copies

        def copies(thread_id: str, session_id: str | None) -> Iterator[Transcript]:
            return kept(thread_id, session_id) if self.copies is None else iter(self.copies)

        self.life.tools = replace(self.life.tools, copies=copies)
        self.life.remedies = Remedies(self.life.tools)
        made = asyncio.run(self.life.threads.create(str(self.folder), "a thread", self.server))
        self.thread = made.id
        asyncio.run(self._say("the codeword is LYNX"))

    async def _say(self, text: str) -> None:
        async for _ in self.life.sending.converse(self.thread, text, self.server):
            pass

    @property
    def old(self) -> str:
        cursor = self.life.store.journal.binding(self.thread).cursor
        assert cursor
        return cursor.session_id

    def details(self, t3_names: str | None = None) -> ThreadDetails:
        return self.life.details(self.thread, self.server, (self.new,), self.new if t3_names is None else t3_names)

    def preview(self, choice: Choice = HEAL) -> Preview:
        return asyncio.run(self.life.remedies.preview(self.details(), choice))

    def apply(self) -> Preview:
        return asyncio.run(self.life.remedies.apply(self.details(), HEAL))

    def change(self, change: Callable[[SessionFacts], SessionFacts]) -> None:
        record = self.server.sessions_held[self.new]
        self.server.sessions_held[self.new] = replace(record, facts=change(record.facts))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.life.store.close()


def test_only_what_t3_code_shows_and_goes_on_in_can_be_healed(place: Place) -> None:
    with pytest.raises(Refused, match="not one of T3 Code's"):
        asyncio.run(place.life.remedies.preview(place.details(""), HEAL))
    with pytest.raises(Refused, match=f"goes on in {place.new}, not in {place.old}"):
        place.preview(Choice(Remedy.HEAL, place.old))


UNFIT: dict[str, Callable[[SessionFacts], SessionFacts]] = {
    "works in": lambda facts: structs.replace(facts, directory="/elsewhere"),
    "sub-agent": lambda facts: structs.replace(facts, parent_id="ses_parent"),
    "revert is pending": lambda facts: structs.replace(facts, reverted_to="msg_00001"),
}


@pytest.mark.parametrize("reason", UNFIT)
def test_an_unfit_session_is_refused_at_the_preview_and_again_by_the_server(place: Place, reason: str) -> None:
    details = place.details()
    plan = asyncio.run(place.life.remedies.plan(details, HEAL, starts=True))
    place.change(UNFIT[reason])
    with pytest.raises(Refused, match=reason):
        place.preview()
    before = place.life.store.journal.entries(place.thread)
    with pytest.raises(Refused, match=reason):
        asyncio.run(plan.carry_out())
    assert place.life.store.journal.entries(place.thread) == before, "it became so after the preview"


def test_a_session_that_is_gone_by_then_is_refused_by_the_server(place: Place) -> None:
    plan = asyncio.run(place.life.remedies.plan(place.details(), HEAL, starts=True))
    place.server.delete(place.new)
    with pytest.raises(Refused, match="no session"):
        asyncio.run(plan.carry_out())
    with pytest.raises(Refused, match="no session"):
        place.preview()


def test_the_session_of_another_thread_is_refused(place: Place) -> None:
    other = asyncio.run(place.life.threads.adopt(place.new, place.server))
    with pytest.raises(Refused, match=f"already bound to thread {other.id}"):
        place.preview()


def test_what_is_there_is_told_by_its_session_and_what_is_gone_by_its_copy(place: Place) -> None:
    place.apply()
    assert "the codeword is LYNX" in place.server.messages_held[place.new][-1].text
    assert place.old == place.new


def test_the_kept_copy_stands_for_a_session_that_is_gone(place: Place) -> None:
    place.server.delete(place.old)
    preview = place.preview()
    assert any("T3 Code's session lacks 1 message, which t3tray's vault has:" in line for line in preview.before)
    place.apply()
    assert "the codeword is PELICAN" in place.server.messages_held[place.new][-1].text


def test_what_is_left_out_for_length_is_said_before(place: Place) -> None:
    whole = place.preview()
    assert not any("length" in line for line in whole.lost)
    place.life.tools = replace(place.life.tools, budget=lambda: 60)
    place.life.remedies = Remedies(place.life.tools)
    preview = place.preview()
    assert "Left out for length: the oldest 1 message." in preview.lost
    assert any("1 message goes into T3 Code's session as one message of" in line for line in preview.after)


def test_done_twice_there_is_nothing_left_to_do(place: Place) -> None:
    place.apply()
    told = len(place.server.messages_held[place.new])
    with pytest.raises(Refused, match="holds all of this conversation"):
        place.apply()
    assert len(place.server.messages_held[place.new]) == told


def compacted(place: Place) -> None:
    """Compact the session that T3 Code uses, and add one message."""
    held = place.server.messages_held[place.new]
    requests = MessageFacts("msg_90", Role.USER, 90, True, compaction=True)
    summary = MessageFacts("msg_91", Role.ASSISTANT, 91, True, True, "msg_90", True, True)
    later = MessageFacts("msg_92", Role.USER, 92, True)
    held += [MessageRecord(facts, place.new, text=f"words of {facts.id}") for facts in (requests, summary, later)]


def test_an_undo_says_what_the_model_would_know_no_more(place: Place) -> None:
    place.apply()
    undo = place.preview(Choice(Remedy.UNDO))
    assert any("is deleted from it" in line for line in undo.after)
    assert any(line.startswith("What that message tells: the model would know it no more") for line in undo.lost)


def test_an_undo_of_what_carried_nothing_deletes_nothing(place: Place) -> None:
    place.copies = ()
    for messages in place.server.messages_held.values():
        messages.clear()
    place.server.answer(place.new, "all that there is")
    assert any(line.startswith("Nothing has to be carried") for line in place.apply().after)
    undo = place.preview(Choice(Remedy.UNDO))
    assert not any("deleted" in line for line in undo.after) and not any("know it no more" in line for line in undo.lost)


def test_what_is_before_a_compaction_is_told_as_a_summary_and_not_as_whole(place: Place) -> None:
    compacted(place)
    preview = place.preview()
    assert (
        preview.before[0] == f"T3 Code goes on in {place.new}, of which the model gets 1 message and a summary of the 2 before."
    )
    assert f"Of 2 messages in {place.new} the model has a summary only, and that stays so." in preview.lost
    place.apply()
    with pytest.raises(Refused, match=r"holds all of this conversation, 2 messages of it as a summary only\."):
        place.preview()
    assert losses(place.life.tools, place.details(), place.new) == (
        f"Of 2 messages of {place.new} the model would get a summary only.",
    )


def test_what_a_failed_compaction_dropped_is_lacking(place: Place) -> None:
    """It was to keep a tail and made no summary, so the older messages do not reach the model any more."""
    held = place.server.messages_held[place.new]
    tail = held[-1].facts.id
    requests = MessageFacts("msg_90", Role.USER, 90, True, compaction=True, keeps_from=tail)
    failed = MessageFacts("msg_91", Role.ASSISTANT, 91, True, True, "msg_90", True, False, True)
    held += [MessageRecord(facts, place.new) for facts in (requests, failed)]
    place.copies = (Transcript(Origin.T3CODE, (Message("t:1", Role.USER, held[0].facts.created_ms, "hello"),)),)
    preview = place.preview()
    assert any("hello" in line for line in preview.before)
    assert preview.before[0] == f"T3 Code goes on in {place.new}, which holds 1 message."


def test_a_preview_says_from_which_session_to_which_the_binding_moves(place: Place) -> None:
    old = place.old
    place.copies = ()
    place.server.messages_held[old] = place.server.messages_held[place.new][:1]
    preview = place.preview()
    assert "Nothing has to be carried: T3 Code's session holds everything." in preview.after
    assert f"The thread is bound to {old} here." in preview.before
    assert f"The thread is bound to {place.new} here, no more to {old}." in preview.after
    assert preview.lost == ()
    joined = asyncio.run(place.life.remedies.preview(place.details(), Choice(Remedy.JOIN, place.new)))
    assert f"The thread is bound to {place.new} here, no more to {old}." in joined.after


T3_SHOWS = Transcript(Origin.T3CODE, (Message("t:1", Role.USER, 2, "typed in T3 Code"),))
LOST = "1 turn that was sent from t3tray is not in it"


def healed_from(place: Place, *copies: Transcript) -> tuple[Preview, str]:
    """Return the preview, and what the session lacks afterwards; the old session is gone and only these copies remain."""
    place.server.delete(place.old)
    place.copies = copies
    preview = place.apply()
    cursor = place.life.store.journal.binding(place.thread).cursor
    assert cursor and cursor.session_id == place.new
    return preview, cursor.lacks


def test_what_was_sent_from_t3tray_stays_lacking_where_only_t3_code_has_a_copy(place: Place) -> None:
    preview, lacks = healed_from(place, T3_SHOWS)
    assert any("typed in T3 Code" in line for line in preview.before)
    assert f"Not brought back: {LOST}." in preview.lost and lacks == LOST
    verdict = decide(place.life.store.journal.binding(place.thread).cursor, proof_of(place))
    assert verdict.carries.kind is CarriesKind.PART and LOST in sentence(verdict)


def test_it_is_brought_where_a_kept_copy_has_it(place: Place) -> None:
    ids = [record.facts for record in place.server.messages_held[place.old]]
    said = tuple(Message(facts.id, facts.role, facts.created_ms, "the codeword is LYNX") for facts in ids)
    preview, lacks = healed_from(place, Transcript(Origin.VAULT, said, place.old), T3_SHOWS)
    assert lacks == "" and not any("Not brought back" in line for line in preview.lost)


def test_what_was_lacking_stays_so_where_t3_codes_copy_brings_nothing(place: Place) -> None:
    old = place.old
    asyncio.run(place.life.remedies.apply(place.details(), Choice(Remedy.BIND, place.new)))
    place.server.delete(old)
    shown = [
        Message(f"t:{record.facts.id}", record.facts.role, record.facts.created_ms, record.text)
        for record in place.server.messages_held[place.new]
    ]
    place.copies = (Transcript(Origin.T3CODE, tuple(shown)),)
    with pytest.raises(Refused, match="Nobody can bring back what ses_001 lacks: 2 messages of this conversation were left out"):
        place.preview()


def test_what_was_left_out_for_length_does_not_hide_what_nobody_has(place: Place) -> None:
    place.life.tools = replace(place.life.tools, budget=lambda: 60)
    place.life.remedies = Remedies(place.life.tools)
    long = Transcript(Origin.T3CODE, tuple(Message(f"t:{at}", Role.USER, at, "word " * 10) for at in (2, 3)))
    _, lacks = healed_from(place, long)
    assert lacks == f"the oldest 1 message and the beginning of a very long message were left out for length; {LOST}"


def proof_of(place: Place) -> Evidence:
    """Return the server's evidence after the heal."""
    cursor = place.life.store.journal.binding(place.thread).cursor
    assert cursor
    recorded = ThreadRecord(place.life.store.threads.find(place.thread), cursor, True)
    return asyncio.run(evidence_from_server(place.server, recorded, cursor, Surroundings(lambda: NOW, lambda: False)))
