"""A binding is replaced only if the server that would serve it confirms that, whatever the list shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from t3tray.domain.remedy import Choice, Remedy
from t3tray.domain.verdict import Reason, Verdict
from t3tray.errors import CannotTell, ExitCode, Refused, ServerError, T3TrayError, TimedOut, Unsupported
from t3tray.remedies.registry import Remedies
from t3tray.threads.snapshot import ThreadDetails
from tests.faults.test_undo import Place
from tests.support.fake_server import FakeServer, KillSwitch

ANEW = (Remedy.START_AFRESH, Remedy.CARRY)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.life.store.close()


def listed(place: Place, reason: Reason) -> ThreadDetails:
    """Return the thread as in a list that was read from another database."""
    found = place.details()
    return replace(found, row=replace(found.row, verdict=Verdict(reason)))


@pytest.mark.parametrize("remedy", ANEW)
@pytest.mark.parametrize("reason", [Reason.MISSING, Reason.EMPTY, Reason.HISTORY_LOST, Reason.OTHER_DATABASE, Reason.TIMEOUT])
async def test_a_session_that_is_there_is_not_replaced(place: Place, remedy: Remedy, reason: Reason) -> None:
    before, made = place.life.store.journal.entries(), place.server.made
    for act in (place.life.remedies.preview, place.life.remedies.apply):
        with pytest.raises(Refused, match="is there, and OpenCode's server can resume it: nothing needs mending"):
            await act(listed(place, reason), Choice(remedy))
    assert place.life.store.journal.entries() == before and place.server.made == made


@pytest.mark.parametrize("remedy", ANEW)
async def test_one_that_is_gone_is(place: Place, remedy: Remedy) -> None:
    place.server.delete(place.details().row.session_id or "")
    await place.life.remedies.apply(listed(place, Reason.PROVED), Choice(remedy))
    assert place.details().row.session_id in place.server.sessions_held


@pytest.mark.parametrize("remedy", [*ANEW, Remedy.FORK, Remedy.BIND, Remedy.JOIN])
@pytest.mark.parametrize("is_down", [True, False])
async def test_what_the_server_cannot_tell_is_no_reason_to_replace(
    place: Place, monkeypatch: pytest.MonkeyPatch, remedy: Remedy, is_down: bool
) -> None:
    details, before = listed(place, Reason.MISSING), place.life.store.journal.entries()

    async def session(_session_id: str) -> None:
        raise Unsupported("It speaks another language.")

    if is_down:
        place.server.up = False
    else:
        monkeypatch.setattr(place.server, "session", session)
    with pytest.raises(T3TrayError) as refused:
        await place.life.remedies.apply(details, Choice(remedy, place.rivals[0]))
    assert refused.value.exit_code is ExitCode.UNKNOWN
    assert not isinstance(refused.value, ServerError), "told as a verdict, in words"
    assert place.life.store.journal.entries() == before


async def test_to_let_go_needs_no_server_and_says_what_is_there(place: Place) -> None:
    preview = await place.life.remedies.preview(listed(place, Reason.MISSING), Choice(Remedy.RELEASE))
    assert any("The session is there" in line for line in preview.lost)
    place.server.up = False
    await place.life.remedies.apply(listed(place, Reason.MISSING), Choice(Remedy.RELEASE))
    assert place.details().cursor is None


UNDOES_TO_A_SESSION = (Remedy.BIND, Remedy.JOIN, Remedy.CARRY, Remedy.FORK, Remedy.START_AFRESH, Remedy.RELEASE)


async def changed(place: Place, remedy: Remedy) -> str:
    """Apply this remedy; return the session that the thread was bound to before."""
    old = place.details().row.session_id or ""
    named = place.rivals[0] if remedy in (Remedy.BIND, Remedy.JOIN) else ""
    await place.life.remedies.apply(place.details(), Choice(remedy, named))
    return old


@pytest.mark.parametrize("remedy", UNDOES_TO_A_SESSION)
async def test_nothing_is_undone_to_a_session_that_is_gone(place: Place, remedy: Remedy) -> None:
    old = await changed(place, remedy)
    place.server.delete(old)
    before, held = place.life.store.journal.entries(), dict(place.server.messages_held)
    for act in (place.life.remedies.preview, place.life.remedies.apply):
        with pytest.raises(Refused, match=f"{old}, to which it would go back, does not exist any more"):
            await act(place.details(), Choice(Remedy.UNDO))
    assert place.life.store.journal.entries() == before and place.server.messages_held == held


@pytest.mark.parametrize("remedy", UNDOES_TO_A_SESSION)
async def test_nothing_is_undone_where_the_server_cannot_tell_of_the_old_session(
    place: Place, monkeypatch: pytest.MonkeyPatch, remedy: Remedy
) -> None:
    old = await changed(place, remedy)
    before = place.life.store.journal.entries()

    async def session(_session_id: str) -> None:
        raise TimedOut("It took too long.")

    monkeypatch.setattr(place.server, "session", session)
    for act in (place.life.remedies.preview, place.life.remedies.apply):
        with pytest.raises(CannotTell, match=f"Whether {old}, to which it would go back, is still there cannot be told") as told:
            await act(place.details(), Choice(Remedy.UNDO))
        assert told.value.exit_code is ExitCode.UNKNOWN
    assert place.life.store.journal.entries() == before


async def test_before_a_server_runs_the_database_is_asked_of_an_undo(place: Place) -> None:
    old = await changed(place, Remedy.BIND)
    place.server.up = False
    assert await place.life.remedies.preview(place.details(), Choice(Remedy.UNDO))
    place.server.delete(old)
    with pytest.raises(Refused, match="does not exist any more"):
        await place.life.remedies.preview(place.details(), Choice(Remedy.UNDO))


class AnotherFile:
    """OpenCode's database as of another server: without the thread's sessions, or with an earlier state of them."""

    def __init__(self, place: Place) -> None:
        self.server = FakeServer(KillSwitch())
        self.server.sessions_held = dict(place.server.sessions_held)
        self.server.messages_held = {name: list(held) for name, held in place.server.messages_held.items()}
        place.life.tools = replace(place.life.tools, library=self.server.reading)
        place.life.remedies = Remedies(place.life.tools)


@pytest.mark.parametrize("is_there", [True, False])
async def test_a_session_is_chosen_as_the_server_tells_it_whatever_the_file_says(place: Place, is_there: bool) -> None:
    chosen = place.rivals[0]
    file = AnotherFile(place)
    if is_there:
        await place.server.prompt(chosen, "said since, on the server alone", "")
    else:
        file.server.delete(chosen)
    preview = await place.life.remedies.preview(place.details(), Choice(Remedy.BIND, chosen))
    told = f"OpenCode's server has other messages in {chosen} than the database that t3tray reads."
    assert preview.lost == (f"What the model would not know cannot be told now: {told}",)
    await place.life.remedies.apply(place.details(), Choice(Remedy.BIND, chosen), preview)
    cursor = place.details().cursor
    assert cursor and cursor.session_id == chosen and "could not be told" in cursor.lacks


@pytest.mark.parametrize("remedy", [Remedy.BIND, Remedy.JOIN])
async def test_one_that_only_the_file_has_is_not_chosen(place: Place, remedy: Remedy) -> None:
    AnotherFile(place)
    details, before = place.details(), place.life.store.journal.entries()
    place.server.delete(place.rivals[0])
    for act in (place.life.remedies.preview, place.life.remedies.apply):
        with pytest.raises(Refused, match=f"There is no session {place.rivals[0]} in OpenCode"):
            await act(details, Choice(remedy, place.rivals[0]))
    assert place.life.store.journal.entries() == before


async def test_what_a_session_lacks_is_not_told_from_a_file_that_is_another_one(place: Place) -> None:
    keep, before = place.rivals[0], place.life.store.journal.entries()
    AnotherFile(place)
    await place.server.prompt(keep, "said since, on the server alone", "")
    for act in (place.life.remedies.preview, place.life.remedies.apply):
        with pytest.raises(CannotTell, match=f"What {keep} lacks cannot be told: OpenCode's server has other messages"):
            await act(place.details(), Choice(Remedy.JOIN, keep))
    assert place.life.store.journal.entries() == before


async def test_a_fork_needs_no_word_of_the_file(place: Place) -> None:
    file = AnotherFile(place)
    file.server.delete(place.details().row.session_id or "")
    parent = place.details().row.session_id
    await place.life.remedies.apply(place.details(), Choice(Remedy.FORK))
    assert place.details().row.session_id not in (parent, None)
