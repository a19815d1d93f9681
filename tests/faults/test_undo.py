"""Each remedy and its undo: the thread is as before, whatever had been done to it earlier."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from t3tray.domain.journal import last_remedy, put_away
from t3tray.domain.remedy import Choice, Remedy
from t3tray.domain.split import split_of
from t3tray.errors import T3TrayError
from t3tray.remedies.binding import choices
from t3tray.threads.snapshot import ThreadDetails
from tests.support.fake_server import FakeServer, KillSwitch
from tests.support.life import Life
from tests.support.rounds import rounds

ACTS = st.tuples(
    st.sampled_from((Remedy.BIND, Remedy.JOIN, Remedy.CARRY, Remedy.FORK, Remedy.START_AFRESH, Remedy.RELEASE, Remedy.UNDO)),
    st.integers(0, 9),
    st.booleans(),
)


class Place:
    """A thread with three sessions that claim it, each with messages of its own."""

    def __init__(self, root: Path) -> None:
        (root / "work").mkdir()
        self.server = FakeServer(KillSwitch())
        seconds = itertools.count()
        self.life = Life(
            root / "data",
            self.server,
            KillSwitch(),
            2**22,
            lambda: datetime(2026, 11, 24, tzinfo=UTC) + timedelta(0, next(seconds)),
        )
        self.thread = asyncio.run(self.life.threads.create(str(root / "work"), "a thread", self.server)).id
        asyncio.run(self.life.sending.send(self.thread, "the first words", self.server))
        self.rivals = [self.server.add_foreign_session(str(root / "work")) for _ in range(3)]

    def details(self) -> ThreadDetails:
        return self.life.details(self.thread, self.server, self.rivals)

    def act(self, remedy: Remedy, number: int, talks: bool) -> bool:
        """Return whether it was done. `talks`: a message is sent to the bound session then."""
        sessions = sorted(self.server.sessions_held)
        named = sessions[number % len(sessions)] if remedy in (Remedy.BIND, Remedy.JOIN) else ""
        try:
            asyncio.run(self.life.remedies.apply(self.details(), Choice(remedy, named)))
        except T3TrayError:
            return False
        if talks:
            with contextlib.suppress(T3TrayError):
                asyncio.run(self.life.sending.send(self.thread, f"more words {number}", self.server))
        return True

    def state(self, known: frozenset[str]) -> tuple[object, ...]:
        """Return the inputs of a verdict and its offers, of these sessions. A new one may only exist and be put away."""
        details = self.details()
        away, bound = put_away(details.journal), details.cursor.session_id if details.cursor else None
        claims = split_of(bound, details.candidates, away)
        return (
            details.cursor,
            details.row.verdict,
            frozenset(found for found in details.candidates if found.session_id in known),
            frozenset(found.session_id for found in choices(details) if found.session_id in known),
            away & known,
            frozenset(claim.session_id for claim in claims),
            last_remedy(details.journal),
        )


@settings(max_examples=rounds(60), deadline=None)
@given(earlier=st.lists(ACTS, max_size=5), act=ACTS)
def test_undone_it_is_exactly_as_before(earlier: list[tuple[Remedy, int, bool]], act: tuple[Remedy, int, bool]) -> None:
    with tempfile.TemporaryDirectory() as root:
        place = Place(Path(root))
        try:
            for each in earlier:
                place.act(*each)
            known = frozenset(place.server.sessions_held)
            before = place.state(known)
            remedy, number, _ = act
            if remedy is not Remedy.UNDO and place.act(remedy, number, False):
                assert place.act(Remedy.UNDO, 0, False)
                assert place.state(known) == before
        finally:
            place.life.store.close()
