"""The main case as a whole: T3 Code switches a thread silently, the alarm, one remedy while T3 Code runs, and it remembers.

T3 Code is imitated by its recorded requests, on a server of its own beside t3tray's, like the real one.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from t3tray.backend.backend import Backend
from t3tray.domain.alarm import AlarmKind
from t3tray.domain.remedy import Choice, Remedy
from t3tray.domain.verdict import Kind, Reason
from t3tray.domain.versions import Ability
from t3tray.errors import Refused
from t3tray.threads.remedy_offers import answer_to_alarm
from tests.integration.test_live_switch import Watcher
from tests.integration.test_remedies import repository
from tests.support.opencode import OpenCodeHome, RawServer
from tests.support.played_t3 import PlayedT3
from tests.support.stub_model import StubModel
from tests.support.t3_world import World, empty_world

ASK = "what is the codeword?"
HEAL = Choice(Remedy.HEAL)
LIMIT = 90.0


@pytest.fixture
def server(shared_server: RawServer) -> RawServer:
    """T3 Code's own server."""
    return shared_server


@pytest.fixture
def world(tmp_path: Path, opencode_home: OpenCodeHome, server: RawServer) -> World:
    made = empty_world(tmp_path / "world")
    return World(made.home, opencode_home.database, made.code)


@pytest.fixture
def t3(world: World, server: RawServer) -> Iterator[PlayedT3]:
    player = PlayedT3(world.state, server.url, server.password)
    yield player
    player.quit()


@pytest_asyncio.fixture
async def watcher(
    world: World, t3: PlayedT3, opencode_home: OpenCodeHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Watcher]:
    for name, value in {**opencode_home.environment, "T3CODE_HOME": str(world.home)}.items():
        monkeypatch.setenv(name, value)
    backend = await Backend.open(str(tmp_path / "data"), "tray")
    found = Watcher(backend)
    running = asyncio.create_task(backend.run(found.publish))
    yield found
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await backend.close()


async def turn(t3: PlayedT3, thread: str, text: str) -> str:
    return await asyncio.to_thread(t3.turn, thread, text)


@pytest.mark.parametrize("how", ["cursor lost", "session deleted"])
async def test_t3_code_switches_in_silence_and_remembers_after_one_remedy(
    server: RawServer, world: World, t3: PlayedT3, watcher: Watcher, model: StubModel, how: str
) -> None:
    thread = t3.thread("Report", world.code / "proj")
    old = await turn(t3, thread, "the codeword is PELICAN")
    await watcher.until(lambda seen: seen.rows and seen.rows[0].verdict.reason is Reason.PROVED, LIMIT)
    await watcher.until_kept(2, LIMIT, thread)
    await asyncio.to_thread(t3.restart)
    if how == "cursor lost":
        t3.set_cursor(thread, None)
    else:
        with server.http() as http:
            http.delete(f"/session/{old}").raise_for_status()
    await watcher.until(lambda seen: [alarm.kind for alarm in seen.alarms] == [AlarmKind.LOST], LIMIT)

    new = await turn(t3, thread, ASK)
    assert new != old and "PELICAN" not in model.words_sent(), "the silent switch"
    snapshot = await watcher.until(lambda seen: any(alarm.kind is AlarmKind.SWITCHED for alarm in seen.alarms), LIMIT)
    assert snapshot.rows[0].verdict.kind is Kind.BLOCKED
    assert answer_to_alarm(snapshot.rows[0].remedies, is_complete=True) is Remedy.HEAL, "the button of the notice"
    await turn(t3, thread, "say: a second turn in the new session")

    details = await watcher.backend.details.read(thread)
    assert details.offered[0] is Remedy.HEAL
    preview = await watcher.backend.remedies.preview(thread, HEAL)
    assert f"T3 Code goes on in {new}, which holds 4 messages." in preview.before
    assert any("PELICAN" in line for line in preview.before) and not any("second turn" in line for line in preview.before)
    await watcher.backend.remedies.apply(thread, HEAL, preview)

    snapshot = await watcher.until(lambda seen: not seen.alarms and seen.rows[0].verdict.reason is Reason.PROVED, LIMIT)
    assert snapshot.rows[0].session_id == new
    assert await turn(t3, thread, ASK) == new, "T3 Code was never stopped"
    sent = model.words_sent()
    assert sent.count("the codeword is PELICAN") == 1 and sent.count("a second turn") == 2, "its prompt and its answer"
    with pytest.raises(Refused, match="holds all of this conversation"):
        await watcher.backend.remedies.preview(thread, HEAL)
    await watcher.until(lambda seen: not seen.alarms and seen.rows[0].verdict.reason is Reason.PROVED, LIMIT)


async def test_what_was_given_back_is_taken_out_again_by_an_undo(
    world: World, t3: PlayedT3, watcher: Watcher, model: StubModel
) -> None:
    thread, old, new = await switched(world, t3, watcher)
    await watcher.backend.remedies.apply(thread, HEAL, await watcher.backend.remedies.preview(thread, HEAL))
    undo = await watcher.backend.remedies.preview(thread, Choice(Remedy.UNDO))
    assert any("is deleted from it" in line for line in undo.after)
    await watcher.backend.remedies.apply(thread, Choice(Remedy.UNDO), undo)
    details = await watcher.backend.details.read(thread)
    assert details.row.session_id == old and details.row.verdict.reason is Reason.CONFLICT
    assert details.offered[0] is Remedy.HEAL, "it can be done again"
    assert await turn(t3, thread, ASK) == new
    assert "PELICAN" not in model.words_sent()


async def test_nothing_is_given_while_a_turn_runs(
    server: RawServer, world: World, t3: PlayedT3, watcher: Watcher, model: StubModel
) -> None:
    """T3 Code's own server runs it, so that ours does not know it."""
    thread, _, new = await switched(world, t3, watcher)
    asked = len(model.chats())
    running = asyncio.create_task(turn(t3, thread, "hold"))
    await asyncio.to_thread(model.wait_for_chats, asked + 1, LIMIT)
    preview = await watcher.backend.remedies.preview(thread, HEAL)
    before = await watcher.backend.details.read(thread)
    with pytest.raises(Refused, match="A turn is running"):
        await watcher.backend.remedies.apply(thread, HEAL, preview)
    assert (await watcher.backend.details.read(thread)).journal == before.journal
    model.release()
    assert await running == new
    await watcher.backend.remedies.apply(thread, HEAL, await watcher.backend.remedies.preview(thread, HEAL))
    await turn(t3, thread, ASK)
    assert "PELICAN" in model.words_sent()


async def test_twice_at_once_it_is_given_once(world: World, t3: PlayedT3, watcher: Watcher, model: StubModel) -> None:
    thread, old, new = await switched(world, t3, watcher)
    preview = await watcher.backend.remedies.preview(thread, HEAL)
    await watcher.backend.remedies.apply(thread, HEAL, preview)
    with pytest.raises(Refused, match=r"has changed|holds all"):
        await watcher.backend.remedies.apply(thread, HEAL, preview)
    await turn(t3, thread, ASK)
    assert model.words_sent().count("the codeword is PELICAN") == 1
    assert new != old


@pytest.mark.needs(Ability.MOVE_SESSION)
async def test_a_thread_that_was_moved_and_forked_is_moved_first_and_then_goes_on_whole(
    world: World, t3: PlayedT3, watcher: Watcher, model: StubModel, tmp_path: Path
) -> None:
    """T3 Code's fork stays in the old folder, so that each start forks again; no other remedy lasts before it is moved."""
    project = repository(world.code / "repo")
    thread = t3.thread("Report", project)
    old = await turn(t3, thread, "the codeword is PELICAN")
    await watcher.until_kept(2, LIMIT, thread)
    await asyncio.to_thread(t3.restart)
    subprocess.run(["git", "-C", str(project), "worktree", "add", str(tmp_path / "wt")], check=True, capture_output=True)
    t3.move(thread, tmp_path / "wt")
    fork = await asyncio.to_thread(t3.set_mode, thread)
    assert fork != old
    await asyncio.to_thread(t3.restart)
    await watcher.until(lambda seen: seen.rows and seen.rows[0].verdict.kind is Kind.BLOCKED, LIMIT)

    details = await watcher.backend.details.read(thread)
    assert details.offered[0] is Remedy.MOVE_SESSION and not {Remedy.REPAIR, Remedy.HEAL} & {*details.offered}
    move = Choice(Remedy.MOVE_SESSION)
    preview = await watcher.backend.remedies.preview(thread, move)
    assert preview.title == f"Move {fork} to {tmp_path / 'wt'}", "the one that T3 Code goes on in"
    await watcher.backend.remedies.apply(thread, move, preview)
    details = await watcher.backend.details.read(thread)
    if details.row.verdict.kind is not Kind.RESUMABLE:
        assert details.offered[0] is Remedy.HEAL
        await watcher.backend.remedies.apply(thread, HEAL, await watcher.backend.remedies.preview(thread, HEAL))
    assert await turn(t3, thread, ASK) == fork, "no other fork was made"
    assert model.words_sent().count("the codeword is PELICAN") == 1
    await watcher.until(lambda seen: not seen.alarms and seen.rows[0].verdict.reason is Reason.PROVED, LIMIT)


async def switched(world: World, t3: PlayedT3, watcher: Watcher) -> tuple[str, str, str]:
    """A thread whose cursor T3 Code lost, and the new session that it uses now; both exist."""
    thread = t3.thread("Report", world.code / "proj")
    old = await turn(t3, thread, "the codeword is PELICAN")
    await watcher.until_kept(2, LIMIT, thread)
    await asyncio.to_thread(t3.restart)
    t3.set_cursor(thread, None)
    await watcher.until(lambda seen: seen.alarms, LIMIT)
    return thread, old, await turn(t3, thread, "say: not knowing anything")
