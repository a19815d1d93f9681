"""Giving T3 Code its memory back: what it needs, what it refuses, and what it says of its limits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import structs

from t3tray.core.domain.evidence import SessionFacts
from t3tray.core.domain.remedy import Choice, Preview, Remedy
from t3tray.core.errors import Refused
from t3tray.core.services.remedies.remedies import Remedies
from t3tray.core.services.views import ThreadDetails
from tests.support.fake_server import FakeServer, KillSwitch
from tests.support.life import Life

HEAL = Choice(Remedy.HEAL)
NOW = datetime(2026, 11, 29, tzinfo=UTC)


class Place:
    """A thread that is bound to `old`, while T3 Code goes on in `new`."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "work"
        self.folder.mkdir()
        self.server = FakeServer(KillSwitch())
        self.life = Life(root / "data", self.server, self.server.switch, 2**22, lambda: NOW)
        self.new = self.server.add_foreign_session(str(self.folder))
        made = asyncio.run(self.life.threads.create(str(self.folder), "a thread", self.server))
        self.thread = made.id
        asyncio.run(self.life.sending.send(made.id, "the codeword is LYNX", self.server))

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
    plan = asyncio.run(place.life.remedies._plan(details, HEAL, starts=True))
    place.change(UNFIT[reason])
    with pytest.raises(Refused, match=reason):
        place.preview()
    before = place.life.store.journal.entries(place.thread)
    with pytest.raises(Refused, match=reason):
        asyncio.run(plan.carry_out())
    assert place.life.store.journal.entries(place.thread) == before, "it became so after the preview"


def test_a_session_that_is_gone_by_then_is_refused_by_the_server(place: Place) -> None:
    plan = asyncio.run(place.life.remedies._plan(place.details(), HEAL, starts=True))
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
    place.life.tools = replace(place.life.tools, budget=60)
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
