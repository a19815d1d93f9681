"""Whatever the list says, a binding is replaced only as the server that would serve tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from t3tray.core.domain.remedy import Choice, Remedy
from t3tray.core.domain.verdict import Reason, Verdict
from t3tray.core.errors import ExitCode, Refused, ServerError, T3TrayError, Unsupported
from t3tray.core.services.views import ThreadDetails
from tests.faults.test_undo import Place

ANEW = (Remedy.START_AFRESH, Remedy.CARRY)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.life.store.close()


def listed(place: Place, reason: Reason) -> ThreadDetails:
    """As a list that was read from another database says."""
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
