"""Every recorded scenario behind the guard, on the real opencode: a follow-up carries its context, or is refused and visible.

The player imitates T3 Code as recorded; without the guard it behaves as in the original report, which the first tests check.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from t3tray.domain.guard import GuardAction, Refusal
from t3tray.domain.journal import Event
from t3tray.domain.remedy import Choice, Remedy
from t3tray.domain.versions import Ability
from t3tray.messages.guard import REFUSALS, answer_sentence
from tests.support.guard_scenes import (
    ASK,
    TELL,
    delete,
    guarded,
    made_world,
    project,
    remembers,
    server,
    sessions,
    shapes,
    t3,
    told,
    world,
)
from tests.support.guarded import Guarded
from tests.support.opencode import OpenCodeHome, RawServer
from tests.support.played_t3 import PlayedT3, TurnRefused
from tests.support.stub_model import StubModel
from tests.support.t3_traffic import recorded
from tests.support.t3_world import World, add_v2, make_v2

__all__ = ["guarded", "project", "t3", "world"]

# Without the guard: the player imitates the recorded T3 Code, and loses the context as in the report.


@pytest.mark.parametrize("scenario", ["c", "d"])
def test_without_the_guard_the_context_is_lost_in_silence(
    world: World, project: Path, shared_server: RawServer, model: StubModel, scenario: str
) -> None:
    t3 = PlayedT3(world.state, shared_server.url, shared_server.password)
    thread = t3.thread("Report", project)
    old = t3.turn(thread, TELL)
    t3.restart()
    if scenario == "c":
        with shared_server.http() as http:
            http.delete(f"/session/{old}").raise_for_status()
    else:
        t3.set_cursor(thread, None)
    t3.sent.clear()
    new = t3.turn(thread, ASK)
    assert t3.sent == shapes(scenario)
    assert new != old and t3.cursor(thread) == new and t3.status(thread) == ("ready", None)
    assert TELL not in model.words_sent()
    t3.quit()


def test_the_player_asks_what_was_recorded(world: World, project: Path, shared_server: RawServer) -> None:
    t3 = PlayedT3(world.state, shared_server.url, shared_server.password)
    thread = t3.thread("Report", project)
    t3.turn(thread, TELL)
    t3.turn(thread, ASK)
    assert t3.sent == shapes("a")
    t3.restart()
    t3.sent.clear()
    t3.turn(thread, ASK)
    assert t3.sent == shapes("b")
    t3.quit()


# Behind the guard.


def test_a_new_thread_gets_a_session_with_our_marker(guarded: Guarded, t3: PlayedT3, world: World, project: Path) -> None:
    thread = t3.thread("Grüße", project)
    session = t3.turn(thread, TELL)
    assert t3.cursor(thread) == session and sessions(world) == 1
    entries = guarded.call(guarded.backend.journal(thread))
    assert [(entry.event, entry.session_id) for entry in entries[:2]] == [(Event.INTENDED, None), (Event.CONFIRMED, session)]
    found = told(guarded, session)
    marker = found["metadata"]["t3tray"]
    assert [*found["metadata"]] == ["t3tray"] and (marker["thread"], marker["intent"]) == (thread, entries[0].intent)
    assert (found["title"], found["permission"]) == ("Grüße", t3.permission)
    assert answer_sentence(guarded.last) == f"T3 Code asked for a new session called “Grüße” for a new thread; it got {session}."


def test_a_request_that_comes_again_while_the_first_one_waits_gives_the_same_session(
    guarded: Guarded, t3: PlayedT3, world: World, project: Path
) -> None:
    thread = t3.thread("Report", project)
    t3.ask(thread, TELL)
    t3.set_status(thread, "starting")
    line = recorded("a", "POST", "/session")
    with ThreadPoolExecutor(4) as pool:
        work = [pool.submit(t3.send, line, str(project), title="Report", permission=t3.permission) for _ in range(4)]
        given = {each.result().json()["id"] for each in work}
    assert len(given) == 1 and sessions(world) == 1
    entries = guarded.call(guarded.backend.journal(thread))
    assert [entry.event for entry in entries if entry.event is not Event.PROVEN] == [Event.INTENDED, Event.CONFIRMED]


def test_after_a_restart_the_session_is_read_and_the_context_is_there(
    guarded: Guarded, t3: PlayedT3, model: StubModel, project: Path
) -> None:
    thread = t3.thread("Report", project)
    session = t3.turn(thread, TELL)
    t3.restart()
    t3.sent.clear()
    assert t3.turn(thread, ASK) == session and remembers(model)
    assert t3.sent == shapes("b")
    assert guarded.decisions[-1].answer is GuardAction.PASS and guarded.decisions[-1].thread_id == thread


def test_no_session_request_waits_for_what_t3tray_reads_for_itself(
    guarded: Guarded, t3: PlayedT3, model: StubModel, project: Path
) -> None:
    """A scan, a search, a copy: all of them run on the one thread that is occupied here."""
    thread = t3.thread("Report", project)
    session = t3.turn(thread, TELL)
    t3.restart()
    free = threading.Event()
    occupied = guarded.begin(guarded.backend.run_sql(free.wait, 90))
    try:
        assert t3.turn(thread, ASK) == session and remembers(model)
        assert t3.turn(t3.thread("Another", project), TELL) != session
        assert not occupied.done()
    finally:
        free.set()


def test_a_deleted_session_is_refused_until_the_user_chose_another(
    guarded: Guarded, t3: PlayedT3, model: StubModel, world: World, project: Path
) -> None:
    thread = t3.thread("Report", project)
    old = t3.turn(thread, TELL)
    with server(guarded) as http:
        copy = http.post(f"/session/{old}/fork").json()["id"]
    t3.restart()
    delete(guarded, old)
    before, asked = sessions(world), len(model.chats())

    with pytest.raises(TurnRefused, match=r"Open t3tray: this thread's session is gone\."):
        t3.turn(thread, ASK)
    assert (t3.cursor(thread), sessions(world), len(model.chats())) == (old, before, asked)
    assert t3.status(thread) == ("error", REFUSALS[Refusal.SESSION_GONE])
    assert t3.sent[-1] == "GET /session/ID", "no session was asked for after that"

    guarded.call(guarded.backend.remedies.apply(thread, Choice(Remedy.BIND, copy)))
    assert t3.turn(thread, ASK) == copy and remembers(model)
    assert t3.cursor(thread) == copy and sessions(world) == before
    assert f"it was given {copy} (2 messages)." in answer_sentence(guarded.last)
    t3.restart()
    assert t3.turn(thread, ASK) == copy, "from now on it is T3 Code's own cursor"


def test_a_lost_cursor_is_found_again_with_the_permissions_of_the_request(
    guarded: Guarded, t3: PlayedT3, model: StubModel, world: World, project: Path
) -> None:
    thread = t3.thread("Report", project)
    session = t3.turn(thread, TELL)
    t3.restart()
    t3.set_cursor(thread, None)
    t3.permission = [
        {"permission": "*", "pattern": "*", "action": "ask"},
        {"permission": "read", "pattern": "*", "action": "allow"},
    ]
    assert t3.turn(thread, ASK) == session and remembers(model)
    assert t3.cursor(thread) == session and sessions(world) == 1
    assert told(guarded, session)["permission"][-2:] == t3.permission


def test_a_lost_cursor_of_a_thread_that_we_never_saw_is_refused(
    guarded: Guarded, t3: PlayedT3, model: StubModel, world: World, project: Path
) -> None:
    guard = t3.url, t3.password
    endpoint = guarded.call(guarded.backend.server.ensure_ready())
    t3.url, t3.password = endpoint.url, endpoint.password or ""
    thread = t3.thread("Before the guard", project)
    t3.turn(thread, TELL)
    t3.restart()
    t3.set_cursor(thread, None)
    t3.url, t3.password = guard
    before, asked = sessions(world), len(model.chats())
    with pytest.raises(TurnRefused, match="no session is known for this thread"):
        t3.turn(thread, ASK)
    assert (t3.cursor(thread), sessions(world), len(model.chats())) == (None, before, asked)
    assert guarded.decisions[-1].refusal is Refusal.NO_SESSION


def test_a_refusal_is_mended_by_starting_afresh_only_when_the_user_says_so(
    guarded: Guarded, t3: PlayedT3, model: StubModel, world: World, project: Path
) -> None:
    thread = t3.thread("Report", project)
    old = t3.turn(thread, TELL)
    t3.restart()
    delete(guarded, old)
    with pytest.raises(TurnRefused):
        t3.turn(thread, ASK)
    with server(guarded) as http:
        fresh = http.post("/session", params={"directory": str(project)}, json={}).json()["id"]
    guarded.call(guarded.backend.remedies.apply(thread, Choice(Remedy.BIND, fresh)))
    assert t3.turn(thread, ASK) == fresh and t3.cursor(thread) == fresh


def test_a_session_that_the_user_left_is_not_gone_back_to(
    guarded: Guarded, t3: PlayedT3, model: StubModel, project: Path
) -> None:
    thread = t3.thread("Report", project)
    first = t3.turn(thread, TELL)
    with server(guarded) as http:
        copy = http.post(f"/session/{first}/fork").json()["id"]
    t3.restart()
    guarded.call(guarded.backend.remedies.apply(thread, Choice(Remedy.BIND, copy)))
    assert t3.turn(thread, ASK) == copy and remembers(model)


def test_text_generation_is_not_taken_for_the_thread_that_starts(
    guarded: Guarded, t3: PlayedT3, world: World, project: Path
) -> None:
    thread = t3.thread("New thread", project)
    t3.ask(thread, TELL)
    t3.set_status(thread, "starting")
    made = t3.generate_title(str(project))
    assert "metadata" not in told(guarded, made)
    session = t3.work(thread, TELL)
    assert session != made and t3.cursor(thread) == session and sessions(world) == 2


def test_of_two_waiting_follow_ups_each_gets_its_own_session(
    guarded: Guarded, t3: PlayedT3, model: StubModel, world: World, project: Path
) -> None:
    one, other = t3.thread("Same title", project), t3.thread("Same title", project)
    bound = {one: t3.turn(one, "the codeword is ONE"), other: t3.turn(other, "the codeword is OTHER")}
    t3.restart()
    for thread in bound:
        t3.set_cursor(thread, None)
        t3.ask(thread, ASK)
    for thread, word in ((other, "OTHER"), (one, "ONE")):
        assert t3.work(thread, ASK) == bound[thread]
        assert f"the codeword is {word}" in model.words_sent()
    assert sessions(world) == 2


@pytest.mark.parametrize("lost", ["deleted", "null"])
def test_a_changed_runtime_mode_does_not_replace_the_session(
    guarded: Guarded, t3: PlayedT3, world: World, project: Path, lost: str
) -> None:
    thread = t3.thread("Report", project)
    session = t3.turn(thread, TELL)
    t3.restart()
    if lost == "deleted":
        delete(guarded, session)
        with pytest.raises(TurnRefused):
            t3.set_mode(thread)
        assert (t3.cursor(thread), sessions(world)) == (session, 0)
    else:
        t3.set_cursor(thread, None)
        assert t3.set_mode(thread) == session and sessions(world) == 1


@pytest.mark.needs(Ability.MOVE_SESSION)
def test_a_thread_that_moved_to_a_worktree_works_there_with_its_context(
    guarded: Guarded, t3: PlayedT3, model: StubModel, world: World, project: Path
) -> None:
    thread = t3.thread("Report", project)
    first = t3.turn(thread, TELL)
    t3.restart()
    t3.move(thread, world.code / "wt")
    fork = t3.turn(thread, ASK)
    assert fork != first and remembers(model)
    found = told(guarded, fork)
    assert (found["directory"], found["metadata"]["t3tray"]["thread"]) == (str(world.code / "wt"), thread)
    entries = guarded.call(guarded.backend.journal(thread))
    assert {(entry.event, entry.session_id) for entry in entries} >= {(Event.SUPERSEDED, first), (Event.CONFIRMED, fork)}
    t3.restart()
    assert t3.turn(thread, ASK) == fork, "the fork is where the thread is, so nothing is forked again"
    assert sessions(world) == 2


@pytest.mark.parametrize("target", ["other", pytest.param("wt", marks=pytest.mark.lacks(Ability.MOVE_SESSION))])
def test_a_thread_that_moved_where_its_session_cannot_go_is_refused_and_the_fork_is_left_as_it_is(
    guarded: Guarded, t3: PlayedT3, world: World, project: Path, target: str
) -> None:
    thread = t3.thread("Report", project)
    first = t3.turn(thread, TELL)
    t3.restart()
    t3.move(thread, world.code / target)
    with pytest.raises(TurnRefused, match="moved to a folder where its session cannot follow"):
        t3.turn(thread, ASK)
    assert (t3.cursor(thread), sessions(world)) == (first, 2)
    entries = guarded.call(guarded.backend.journal(thread))
    (fork,) = [entry.session_id for entry in entries if entry.event is Event.PUT_AWAY]
    assert fork not in (first, None) and told(guarded, fork or ""), "nobody knows who has opened it meanwhile"
    assert [entry.event for entry in entries if entry.session_id == fork][-1] is Event.ABANDONED
    assert [entry.session_id for entry in entries if entry.event is Event.CONFIRMED] == [first]
    found = guarded.call(guarded.backend.inspection.findings())
    assert any(finding.name == "abandoned session" and (fork or "") in finding.detail for finding in found)
    assert not any(finding.name == "split thread" for finding in found)
    t3.move(thread, project)
    assert t3.turn(thread, ASK) == first


def test_the_guard_restarted_between_two_messages_is_not_noticed(
    guarded: Guarded, t3: PlayedT3, model: StubModel, project: Path
) -> None:
    thread = t3.thread("Report", project)
    session = t3.turn(thread, TELL)
    t3.restart()
    guarded.restart_service()
    assert t3.turn(thread, ASK) == session and remembers(model)


def test_a_t3_code_that_was_upgraded_under_the_guard_is_answered_as_if_there_were_none(
    guarded: Guarded, t3: PlayedT3, world: World, project: Path
) -> None:
    thread = t3.thread("Report", project)
    session = t3.turn(thread, "the codeword is PELICAN")
    delete(guarded, session)
    t3.set_cursor(thread, None)
    t3.ask(thread, "a follow-up that waited when it was upgraded")
    t3.quit()
    add_v2(make_v2(world), "imported", at=datetime.now(UTC))
    headers = {"x-opencode-directory": str(project)}
    with httpx.Client(base_url=guarded.url, auth=("opencode", guarded.password), trust_env=False, verify=False) as http:
        gone = http.get(f"/session/{session}", params={"directory": str(project)})
        assert (gone.status_code, gone.json()["name"]) == (404, "NotFoundError")
        made = http.post("/session", json={"title": f"T3 Code {thread}"}, headers=headers)
    assert made.status_code == 200, "refused, it would try five times and then wait for ever"
    t3.open()
    assert guarded.last.decision.answer is GuardAction.PASS


# On a server that t3tray started itself.


@dataclass
class Managed:
    world: World
    guarded: Guarded
    t3: PlayedT3


@pytest.fixture
def managed(tmp_path: Path, opencode_home: OpenCodeHome, monkeypatch: pytest.MonkeyPatch) -> Iterator[Managed]:
    world = made_world(tmp_path / "world", opencode_home.environment, opencode_home, monkeypatch)
    with Guarded(str(tmp_path / "data")) as running:
        player = PlayedT3(world.state, running.url, running.password)
        yield Managed(world, running, player)
        player.quit()


def test_a_server_that_was_stopped_is_started_by_the_next_message(managed: Managed, model: StubModel) -> None:
    guarded, t3, project = managed.guarded, managed.t3, managed.world.code / "proj"
    thread = t3.thread("Report", project)
    session = t3.turn(thread, TELL)
    t3.restart()
    assert guarded.call(guarded.backend.server.retire())
    assert t3.turn(thread, ASK) == session and remembers(model)


def test_a_server_that_is_down_for_good_fails_the_turn_and_keeps_the_cursor(
    managed: Managed, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded, t3, world, project = managed.guarded, managed.t3, managed.world, managed.world.code / "proj"
    thread = t3.thread("Report", project)
    session = t3.turn(thread, TELL)
    t3.restart()
    guarded.call(guarded.backend.server.retire())
    monkeypatch.setattr(guarded.backend.launching, "program", _no_program)
    with pytest.raises(TurnRefused, match="Open t3tray: the OpenCode server cannot be started"):
        t3.turn(thread, ASK)
    assert t3.cursor(thread) == session and sessions(world) == 1


def _no_program() -> None:
    from t3tray.errors import BinaryNotFound

    raise BinaryNotFound("There is no opencode.")
