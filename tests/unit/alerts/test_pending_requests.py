"""Pending requests: mapped to their threads, read when there is a reason, removed once they are answered."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from t3tray.alerts.pending_requests import PendingRequests
from t3tray.domain.evidence import SessionFacts
from t3tray.domain.pending_request import Answers, ApprovalRequest, Option, Question, QuestionRequest, Reply, Requester
from t3tray.domain.thread import Source, Thread
from t3tray.errors import ServerDown, SessionMissing
from t3tray.messages.pending_requests import request_sentence, wish
from t3tray.opencode import wire
from t3tray.opencode.events import Connected, ServerEvent
from t3tray.opencode.records import SessionRecord
from t3tray.opencode.wire import decode

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
THREAD = Thread("t1", "Refactor the parser", "/work", Source.T3TRAY, NOON, NOON)
OWNERS = {"ses_root": THREAD}
PUSH = wire.Permission("per_2", "ses_leaf", "bash", ("git push",), ("git *",))
CHOICE = (
    b'{"id": "que_1", "sessionID": "ses_root", "questions": [{"question": "Which?", "header": "A choice", "options":'
    b' [{"label": "One", "description": "the first"}], "multiple": true}]}'
)


class Server:
    """A root session with a sub-agent that has one of its own; the test sets the pending requests and busy sessions."""

    def __init__(self) -> None:
        self.waiting: dict[str, tuple[wire.Permission, ...]] = {"/work": (PUSH,)}
        self.asked: dict[str, tuple[wire.QuestionSet, ...]] = {}
        self.busy = frozenset({"ses_root", "ses_child", "ses_leaf"})
        self.sessions = {"ses_leaf": ("ses_child", "explore"), "ses_child": ("ses_root", "general"), "ses_root": (None, "build")}
        self.looks: list[str] = []
        self.answers: list[tuple[str, str, object]] = []
        self.down = False
        self.takes = True

    async def permissions(self, directory: str) -> tuple[wire.Permission, ...]:
        self.looks.append(directory)
        if self.down:
            raise ServerDown("Nobody answers.")
        return self.waiting.get(directory, ())

    async def questions(self, directory: str) -> tuple[wire.QuestionSet, ...]:
        return self.asked.get(directory, ())

    async def busy_in(self, directory: str) -> frozenset[str]:
        return self.busy

    async def session(self, session_id: str) -> SessionRecord:
        if session_id not in self.sessions:
            raise SessionMissing("Session not found.")
        parent, agent = self.sessions[session_id]
        return SessionRecord(SessionFacts(session_id, "/work", "A session", 1, 1, parent_id=parent), None, agent)

    async def reply_permission(self, permission_id: str, directory: str, reply: str) -> bool:
        self.answers.append((permission_id, directory, reply))
        return self.takes

    async def answer_question(self, question_id: str, directory: str, answers: Answers) -> bool:
        self.answers.append((question_id, directory, answers))
        return self.takes

    async def reject_question(self, question_id: str, directory: str) -> bool:
        self.answers.append((question_id, directory, None))
        return self.takes


async def test_a_sub_agents_wish_is_told_under_its_thread() -> None:
    (ask,) = await PendingRequests().read(Server(), {"/work"}, lambda: OWNERS)
    requester = Requester("ses_leaf", "/work", "Refactor the parser", "t1", ("general", "explore"))
    assert ask == ApprovalRequest("per_2", requester, "bash", ("git push",), ("git *",))
    assert request_sentence(ask) == "Refactor the parser ▸ general ▸ explore ▸ wants to run git push"


async def test_questions_come_with_their_options_and_the_longest_waiting_first() -> None:
    server = Server()
    server.asked["/work"] = (decode(CHOICE, wire.QuestionSet, "a question"),)
    first, second = await PendingRequests().read(server, {"/work"}, lambda: OWNERS)
    question = Question("Which?", "A choice", (Option("One", "the first"),), multiple=True, custom=True)
    assert isinstance(first, QuestionRequest) and first.questions == (question,) and first.requester.agents == ()
    assert request_sentence(first) == "Refactor the parser ▸ asks: Which?"
    assert isinstance(second, ApprovalRequest)


async def test_what_a_broken_off_turn_left_behind_waits_for_nobody() -> None:
    server = Server()
    server.busy = frozenset()
    assert await PendingRequests().read(server, {"/work"}, lambda: OWNERS) == ()


async def test_a_session_of_no_thread_is_told_by_its_own_title_and_a_missing_one_not_at_all() -> None:
    server = Server()
    (ask,) = await PendingRequests().read(server, {"/work"}, dict)
    assert (ask.requester.thread_id, ask.requester.path) == (None, "A session ▸ general ▸ explore")
    del server.sessions["ses_child"]
    assert await PendingRequests().read(server, {"/work"}, dict) == ()


async def test_a_family_without_a_root_is_given_up() -> None:
    server = Server()
    server.sessions["ses_root"] = ("ses_leaf", "odd")
    assert await PendingRequests().read(server, {"/work"}, dict) == ()


async def test_it_is_read_only_when_there_is_reason_to() -> None:
    server, requests = Server(), PendingRequests()
    server.waiting = {}
    for _ in range(3):
        assert await requests.read(server, {"/work"}, lambda: OWNERS) == ()
    assert server.looks == ["/work"]
    requests.handle(ServerEvent("message.updated", "/work", "ses_root", {}))
    await requests.read(server, {"/work"}, lambda: OWNERS)
    assert server.looks == ["/work"]
    server.waiting = {"/other": (PUSH,)}
    requests.handle(ServerEvent("permission.asked", "/other", "ses_leaf", {}))
    assert len(await requests.read(server, {"/work"}, lambda: OWNERS)) == 1
    server.waiting = {}
    assert await requests.read(server, {"/work"}, lambda: OWNERS) == (), "what is open is looked at each time"
    looks = len(server.looks)
    requests.handle(Connected())
    await requests.read(server, {"/work"}, lambda: OWNERS)
    assert len(server.looks) > looks


async def test_without_a_server_nothing_waits_and_one_that_cannot_say_changes_nothing() -> None:
    server, requests = Server(), PendingRequests()
    (ask,) = await requests.read(server, {"/work"}, lambda: OWNERS)
    server.down = True
    assert await requests.read(server, {"/work"}, lambda: OWNERS) == (ask,)
    server.down = False
    server.waiting = {}
    assert await requests.read(server, {"/work"}, lambda: OWNERS) == ()
    assert await requests.read(None, {"/work"}, lambda: OWNERS) == ()


@pytest.mark.parametrize("is_waited_for", [True, False])
async def test_answers_go_to_the_directory_that_asked(is_waited_for: bool) -> None:
    server, requests = Server(), PendingRequests()
    server.takes = is_waited_for
    requester = Requester("ses_leaf", "/work", "T")
    approval, inquiry = ApprovalRequest("per_1", requester, "bash"), QuestionRequest("que_1", requester, ())
    assert await requests.reply(server, approval, Reply.ALWAYS) is is_waited_for
    assert await requests.answer(server, inquiry, (("One",),)) is is_waited_for
    assert await requests.answer(server, inquiry, None) is is_waited_for
    assert server.answers == [("per_1", "/work", "always"), ("que_1", "/work", (("One",),)), ("que_1", "/work", None)]


@pytest.mark.parametrize(
    ("permission", "patterns", "expected"),
    [
        ("bash", ("git push",), "wants to run git push"),
        ("edit", ("a.py", "b.py"), "wants to change a.py, b.py"),
        ("external_directory", ("/etc/*",), "wants to work outside its folder, in /etc/*"),
        ("some_mcp_tool", ("{x}",), "wants to use some_mcp_tool: {x}"),
        ("odd{name}", (), "wants to use odd{name}: something that it does not name"),
    ],
)
def test_every_wish_is_a_sentence(permission: str, patterns: tuple[str, ...], expected: str) -> None:
    assert wish(ApprovalRequest("per_1", Requester("s", "/w", "T"), permission, patterns)) == expected


def test_several_questions_are_told_as_such() -> None:
    requester = Requester("s", "/w", "T")
    assert request_sentence(QuestionRequest("que_1", requester, (Question("A?"), Question("B?")))) == "T ▸ asks: A? (and 1 more)"
    assert request_sentence(QuestionRequest("que_1", requester, ())) == "T ▸ asks: "
