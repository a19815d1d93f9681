"""What T3 Code asks about sessions, through a guard with real records and a small server of sessions on loopback."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from t3tray.domain.alarm import AlarmKind
from t3tray.domain.guard import GuardAction, Refusal, T3CodeState, T3ThreadState
from t3tray.domain.journal import Event
from t3tray.errors import StoreError
from t3tray.guard.facts import GuardFacts
from t3tray.messages.guard import REFUSALS
from t3tray.opencode.markers import marker_in
from t3tray.opencode.records import SessionRecord
from tests.support.fake_server import FakeServer, KillSwitch
from tests.support.guard_life import GuardLife, Lives, make
from tests.support.raw_http import Arrived, exchange, guard_before, request, status_of, upstream

DIRECTORY = b"x-opencode-directory: "
Ask = Callable[[T3CodeState, bytes, bytes], Any]


class Sessions:
    """OpenCode's routes of sessions, over HTTP, on the sessions of a fake server."""

    def __init__(self) -> None:
        self.held = FakeServer(KillSwitch())
        self.asked: list[str] = []
        self.can_move = True

    async def answer(self, arrived: Arrived) -> None:
        body = json.loads(await arrived.read_body() or b"{}")
        method, path, _ = arrived.line.decode().split()
        self.asked.append(f"{method} {path}")
        status, found = await self._answered(method, path.split("/")[1:], body, dict(arrived.headers))
        content = json.dumps(found).encode()
        head = b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        await arrived.send(head % (status, len(content)) + content)

    async def _answered(
        self, method: str, path: list[str], body: dict[str, Any], headers: dict[bytes, bytes]
    ) -> tuple[int, object]:
        match (method, *path):
            case ("POST", "session"):
                marker = marker_in(json.dumps(body.get("metadata", {})).encode())
                assert marker, "no session without our mark is made here"
                folder = headers[b"x-opencode-directory"].decode()
                return 200, _on_the_wire(await self.held.create_session(folder, body.get("title", ""), marker))
            case ("POST", "experimental", "control-plane", "move-session"):
                if not self.can_move:
                    return 400, {"name": "BadRequest"}
                await self.held.move_session(body["sessionID"], body["destination"]["directory"])
                return 200, True
            case (_, "session", name, *_) if name not in self.held.sessions_held:
                return 404, {"name": "NotFoundError", "data": {"message": f"Session not found: {name}"}}
            case ("POST", "session", name, "fork"):
                return 200, _on_the_wire(await self.held.fork_session(name, (await self.held.session(name)).facts.directory))
            case ("GET" | "PATCH", "session", name):
                if metadata := body.get("metadata"):
                    await self.held.set_metadata(name, metadata)
                return 200, _on_the_wire(await self.held.session(name))
        return 200, True


def _on_the_wire(record: SessionRecord) -> dict[str, Any]:
    facts = record.facts
    found = {"id": facts.id, "directory": facts.directory, "title": facts.title}
    return {
        **found,
        "time": {"created": facts.created_ms, "updated": facts.updated_ms},
        "metadata": json.loads(record.metadata or "{}"),
    }


@pytest.fixture
def sessions() -> Sessions:
    return Sessions()


@pytest.fixture
def life(tmp_path: Path, sessions: Sessions) -> Iterator[GuardLife]:
    lives = Lives(tmp_path / "data", sessions.held, KillSwitch())
    yield lives.begin()
    lives.end()


@pytest.fixture
def thread(tmp_path: Path) -> T3ThreadState:
    (tmp_path / "work").mkdir()
    return T3ThreadState("t1", "Report", str(tmp_path / "work"), starting=True, pending=True)


@pytest.fixture
def ask(sessions: Sessions, life: GuardLife, thread: T3ThreadState) -> Ask:
    """Send a request for the thread's folder while T3 Code's database is as given; return the status and the JSON answer."""

    async def asked(t3: T3CodeState, line: bytes, body: bytes = b"") -> tuple[int, Any]:
        async with upstream(sessions.answer) as server, guard_before(server.url, t3, life.facts) as guard:
            answer = await exchange(guard, request(guard, line, DIRECTORY + thread.directory.encode(), body=body), within=90.0)
        return status_of(answer), json.loads(answer.partition(b"\r\n\r\n")[2])

    return asked


def sentence(told: Any) -> str:
    found: str = told["data"]["message"]
    return found


CREATE = b'{"title": "Report", "permission": []}'


async def test_a_new_threads_session_is_marked_and_bound(
    ask: Ask, life: GuardLife, sessions: Sessions, thread: T3ThreadState
) -> None:
    status, made = await ask(T3CodeState((thread,)), b"POST /session", CREATE)
    assert status == 200 and life.events("t1") == [(Event.INTENDED, None), (Event.CONFIRMED, made["id"])]
    marker = sessions.held.sessions_held[made["id"]].marker
    assert marker and marker.thread == "t1" and life.heard[-1].decision.answer is GuardAction.CREATE
    assert life.heard[-1].session_id == made["id"]


async def test_a_thread_that_lost_its_cursor_is_given_its_own_session(
    ask: Ask, life: GuardLife, sessions: Sessions, thread: T3ThreadState
) -> None:
    made = await make(life, sessions.held, thread)
    await sessions.held.prompt(made, "hello", thread.directory)
    await life.facts.seen(made, None)
    follow_up = replace(thread, had_turns=True)
    status, given = await ask(T3CodeState((follow_up,)), b"POST /session", CREATE)
    assert status == 200 and given["id"] == made and list(sessions.held.sessions_held) == [made]
    assert f"PATCH /session/{made}" in sessions.asked, "with the permissions that come only in this request"


async def test_a_follow_up_without_a_session_that_counts_is_refused_and_gets_none(
    ask: Ask, life: GuardLife, sessions: Sessions, thread: T3ThreadState
) -> None:
    follow_up = replace(thread, had_turns=True)
    status, told = await ask(T3CodeState((follow_up,)), b"POST /session", CREATE)
    assert status >= 400 and sentence(told) == REFUSALS[Refusal.NO_SESSION]
    made = await make(life, sessions.held, thread)
    sessions.held.delete(made)
    for line, body in ((b"POST /session", CREATE), (b"GET /session/" + made.encode(), b"")):
        status, told = await ask(T3CodeState((replace(follow_up, session_id=made),)), line, body)
        assert status >= 400 and sentence(told) == REFUSALS[Refusal.SESSION_GONE]
    assert sessions.held.sessions_held == {} and life.heard[-1].decision.refusal is Refusal.SESSION_GONE


async def test_where_t3_code_cannot_be_read_no_session_is_made(ask: Ask, sessions: Sessions) -> None:
    unreadable = T3CodeState(unreadable="its database is locked")
    for line in (b"POST /session", b"POST /api/session"):
        status, told = await ask(unreadable, line, CREATE)
        assert status >= 400 and sentence(told) == REFUSALS[Refusal.T3_UNREADABLE]
    assert sessions.asked == []


async def test_a_session_that_is_read_renews_its_proof_and_one_that_the_user_left_is_answered_by_the_chosen_one(
    ask: Ask, life: GuardLife, sessions: Sessions, thread: T3ThreadState
) -> None:
    first = await make(life, sessions.held, thread)
    await sessions.held.prompt(first, "hello", thread.directory)
    follow_up = T3CodeState((replace(thread, had_turns=True, session_id=first),))
    status, found = await ask(follow_up, b"GET /session/" + first.encode(), b"")
    assert (status, found["id"]) == (200, first) and life.events("t1")[-1] == (Event.PROVEN, first)
    chosen = sessions.held.add_foreign_session(thread.directory)
    await life.choose("t1", chosen, sessions.held)
    status, found = await ask(follow_up, b"GET /session/" + first.encode(), b"")
    assert (status, found["id"]) == (200, chosen) and life.heard[-1].decision.answer is GuardAction.GIVE


async def test_a_binding_that_cannot_be_written_changes_no_answer_and_stays_open(
    ask: Ask, life: GuardLife, thread: T3ThreadState, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(GuardFacts, "confirm", full)
    status, made = await ask(T3CodeState((thread,)), b"POST /session", CREATE)
    binding = life.store.journal.binding("t1")
    assert status == 200 and made["id"] and binding.cursor is None and len(binding.pending) == 1


async def test_an_intent_that_cannot_be_written_ahead_makes_no_session(
    ask: Ask, life: GuardLife, sessions: Sessions, thread: T3ThreadState, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(life.store.journal, "append", full)
    status, told = await ask(T3CodeState((thread,)), b"POST /session", CREATE)
    assert status >= 400 and sentence(told) == REFUSALS[Refusal.NOT_RECORDED] and sessions.asked == []


async def test_a_message_is_passed_on_and_one_that_went_astray_is_an_alarm(
    ask: Ask, life: GuardLife, sessions: Sessions, thread: T3ThreadState
) -> None:
    bound, other = await make(life, sessions.held, thread), sessions.held.add_foreign_session(thread.directory)
    for name in (bound, other):
        t3 = T3CodeState((replace(thread, had_turns=True, session_id=name),))
        assert (await ask(t3, b"POST /session/%s/prompt_async" % name.encode(), b"{}"))[0] == 200
    (alarm,) = life.store.alarms.standing()["t1"]
    assert (alarm.kind, alarm.before.session_id, alarm.now.session_id) == (AlarmKind.SWITCHED, bound, other)
    sessions.held.delete(bound)
    t3 = T3CodeState((replace(thread, had_turns=True, session_id=bound),))
    status, told = await ask(t3, b"POST /session/%s/prompt_async" % bound.encode(), b"{}")
    assert (status, told["name"], sentence(told)) == (404, "NotFoundError", REFUSALS[Refusal.SESSION_GONE])
    status, told = await ask(T3CodeState(), b"POST /session/ses_nobody/prompt_async", b"{}")
    assert (status, sentence(told)) == (404, "Session not found: ses_nobody"), "of no thread: OpenCode's own answer"


async def test_what_t3_code_ends_is_recorded(ask: Ask, life: GuardLife, sessions: Sessions, thread: T3ThreadState) -> None:
    made = await make(life, sessions.held, thread)
    assert (await ask(T3CodeState(), b"POST /session/%s/abort" % made.encode(), b""))[0] == 200
    assert life.store.let_go.ends()[made] > datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize("can_move", [True, False])
async def test_a_fork_for_another_folder_is_moved_there_and_bound_or_put_away(
    ask: Ask, life: GuardLife, sessions: Sessions, thread: T3ThreadState, tmp_path: Path, can_move: bool
) -> None:
    (tmp_path / "before").mkdir()
    sessions.can_move = can_move
    first = await make(life, sessions.held, replace(thread, directory=str(tmp_path / "before")))
    t3 = T3CodeState((replace(thread, had_turns=True, session_id=first),))
    status, told = await ask(t3, b"POST /session/%s/fork" % first.encode(), b"{}")
    (fork,) = set(sessions.held.sessions_held) - {first}
    if can_move:
        assert status == 200 and (told["id"], told["directory"]) == (fork, thread.directory)
        assert life.events("t1")[-2:] == [(Event.SUPERSEDED, first), (Event.CONFIRMED, fork)]
    else:
        assert status >= 400 and sentence(told) == REFUSALS[Refusal.MOVE_REFUSED]
        assert life.events("t1")[-2:] == [(Event.PUT_AWAY, fork), (Event.ABANDONED, fork)]
        bound = life.store.journal.binding("t1")
        assert bound.cursor and bound.cursor.session_id == first and not bound.pending
