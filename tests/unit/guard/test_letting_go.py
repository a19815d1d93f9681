"""T3 Code is made to close what it holds open only while nothing runs there; nothing is claimed that was not seen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import cast

import pytest

from t3tray.domain.t3code_side import LetGo
from t3tray.errors import ServerDown, ServerError, WorldError
from t3tray.guard.credentials import CredentialStore, GuardCredentials
from t3tray.guard.letting_go import LettingGo
from t3tray.opencode.connection import Connection
from t3tray.system.sql_thread import SqlThread
from t3tray.t3code.home import T3Home
from t3tray.threads.t3code_sides import HeldSession, T3Sides
from tests.support.stores import open_store
from tests.support.t3_world import NOON, World, add_thread, empty_world, writing

HELD, OURS = "ses_held", "ses_ours"


class Place(T3Sides):
    """A T3 Code that holds a session open past the guard; `on_respell` is what it does when its settings change."""

    def __init__(self, world: World, scratch: Path) -> None:
        super().__init__()
        self.world, self.scratch = world, scratch
        self.store, self.run_sql = open_store(scratch / "data", lambda: NOON), SqlThread("sql")
        self.credentials: GuardCredentials | None = GuardCredentials(4711, "secret")
        self.is_held, self.agents_work = True, False
        self.busy: frozenset[str] | ServerError = frozenset()
        self.respelled = 0
        self.on_respell: Callable[[], None] = lambda: None
        credentials = cast(CredentialStore, self)
        self.letting_go = LettingGo(
            self.store, self.run_sql, credentials, self, scratch, lambda: scratch / "opencode", self.join, lambda: NOON
        )

    @property
    def session(self) -> HeldSession:
        return HeldSession(T3Home(self.world.home), HELD, "/work", "Refactor", self.agents_work)

    def held(self, thread_id: str) -> HeldSession | None:
        return self.session if self.is_held else None

    def held_in(self, home: T3Home) -> tuple[HeldSession, ...]:
        return (self.session,)

    async def known(self) -> GuardCredentials | None:
        return self.credentials

    async def join(self) -> Connection | None:
        return cast(Connection, self)

    async def busy_sessions(self, directories: Collection[str]) -> frozenset[str]:
        if isinstance(self.busy, ServerError):
            raise self.busy
        return self.busy

    def protection(self, home: T3Home, folder: Path, now: object) -> Place:
        return self

    def respell_program(self, url: str, password: str, program: Path) -> None:
        self.respelled += 1
        self.on_respell()

    async def told(self) -> str:
        """What is said of the session, once it should be let go of."""
        (line,) = await self.letting_go.let_go("t1", OURS)
        return line


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    world = empty_world(tmp_path)
    with writing(world.state) as connection:
        add_thread(connection, "t1", HELD)
    made = Place(world, tmp_path)
    monkeypatch.setattr("t3tray.guard.letting_go.T3Protection", made.protection)
    yield made
    made.run_sql.close()
    made.store.close()


async def test_it_is_called_closed_once_the_guard_has_seen_its_end(place: Place) -> None:
    place.on_respell = lambda: place.store.let_go.note_end(HELD, NOON)
    assert (await place.told()).startswith(f"T3 Code has closed {HELD}")
    assert place.let_go == {str(place.world.home): LetGo(NOON, True)} and place.ends == {HELD: NOON}


async def test_an_end_that_nobody_saw_is_not_claimed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("t3tray.guard.letting_go.LIMIT", 0.0)
    place.store.let_go.note_end("ses_other", NOON)
    assert "it is unknown whether it has" in await place.told()
    assert place.respelled == 1 and place.let_go == {str(place.world.home): LetGo(NOON, False)}


@pytest.mark.parametrize("how", ["turn in T3 Code", "turn here", "sub-agent", "server silent", "database away"])
async def test_nothing_is_interrupted_by_it_and_what_is_not_known_counts_as_running(place: Place, how: str) -> None:
    match how:
        case "turn in T3 Code":
            with writing(place.world.state) as connection:
                add_thread(connection, "t2", "ses_2", title="At work", session_status="running", active_turn="turn-t2")
        case "turn here":
            place.busy = frozenset({HELD})
        case "sub-agent":
            place.agents_work = True
        case "server silent":
            place.busy = ServerDown("No response.")
        case "database away":
            place.world.state.unlink()
    said = await place.told()
    assert said.startswith(f"T3 Code still holds {HELD} open, and ") and place.respelled == 0
    assert "is working in “" in said or "may be working in one of its threads" in said
    assert await place.letting_go.preview_release("t1", OURS) == (said,), "it is said before, too"


async def test_without_the_guards_password_its_settings_are_not_touched(place: Place) -> None:
    place.credentials = None
    assert "the guard's password is not known" in await place.told() and place.respelled == 0


@pytest.mark.parametrize(
    ("error", "why"), [(WorldError("The settings are read-only."), "read-only"), (KeyError("odd"), "KeyError")]
)
async def test_what_fails_here_undoes_no_remedy_and_is_said(place: Place, error: Exception, why: str) -> None:
    def fail() -> None:
        raise error

    place.on_respell = fail
    said = await place.told()
    assert said.startswith(f"T3 Code still holds {HELD} open") and why in said
    assert place.store.let_go.homes() == {}, "nothing is recorded as let go of"


async def test_the_session_that_the_thread_is_given_is_not_let_go_of(place: Place) -> None:
    for gives in (HELD, None):
        assert await place.letting_go.let_go("t1", gives) == await place.letting_go.preview_release("t1", gives) == ()
    place.is_held = False
    assert await place.letting_go.let_go("t1", OURS) == () and place.respelled == 0


async def test_before_it_is_done_it_is_said_what_is_done(place: Place) -> None:
    (line,) = await place.letting_go.preview_release("t1", OURS)
    assert line.startswith(f"T3 Code holds {HELD} open. A change of its settings makes it close all")
    assert place.respelled == 0


async def test_homes_whose_settings_were_changed_are_noted_as_unsure(place: Place) -> None:
    await place.letting_go.note_unsure([Path("/home/a"), Path("/home/b")])
    await place.letting_go.learn()
    assert place.let_go == {name: LetGo(NOON, False) for name in ("/home/a", "/home/b")}
