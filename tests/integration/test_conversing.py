"""Conversations, approvals and questions on the real OpenCode, through the backend that the window works with."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from t3tray.backend.backend import Backend
from t3tray.domain.conversation import Conversation
from t3tray.domain.evidence import Role
from t3tray.domain.pending_request import ApprovalRequest, PendingRequest, QuestionRequest, Reply
from t3tray.domain.server import ServerState
from t3tray.domain.transcript import PieceKind, Prompt
from t3tray.errors import T3TrayError
from t3tray.messages.pending_requests import GONE, request_sentence
from t3tray.threads.snapshot import Snapshot
from t3tray.threads.verify import NotResumable
from tests.support.opencode import OpenCodeHome, RawServer
from tests.support.stub_model import StubModel

LIMIT = 90.0


class Watched:
    """A running backend, with the last conversation that it published."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.snapshot: Snapshot | None = None
        self.shown: Conversation | None = None
        self.pictures: list[Conversation] = []
        self._tasks = [asyncio.create_task(self.backend.run(self._on_snapshot))]
        self._news = asyncio.Event()

    def follow(self, thread_id: str) -> None:
        self._tasks.append(asyncio.create_task(self.backend.conversations.follow(thread_id, self._on_conversation)))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.backend.close()

    async def until(self, condition: Callable[[Watched], bool], what: str) -> None:
        """Check after each published state."""
        try:
            async with asyncio.timeout(LIMIT):
                while not condition(self):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            pytest.fail(f"{what} did not come; asks {self.asks}, conversation {self.shown}")

    async def ask(self) -> PendingRequest:
        await self.until(lambda watched: bool(watched.asks), "an approval or a question")
        (ask,) = self.asks
        return ask

    async def until_idle(self, replies: int) -> Conversation:
        """Wait until this many turns have ended and none runs."""
        await self.until(lambda watched: watched.replies >= replies and not watched.conversation.is_busy, "the turn's end")
        return self.conversation

    async def until_answered(self, reply: str) -> None:
        """Wait until a turn has ended with this reply; the number of messages beside it is not checked."""
        await self.until(lambda watched: watched.newest == reply and not watched.conversation.is_busy, f"the reply {reply}")

    @property
    def newest(self) -> str | None:
        """The text of the last message, once that is complete and the model's."""
        newest = self.conversation.messages[-1] if self.conversation.messages else None
        return newest.text if newest and newest.role is Role.ASSISTANT and newest.finished else None

    @property
    def replies(self) -> int:
        """Number of the model's messages that end a turn."""
        return sum(each.role is Role.ASSISTANT and each.finished for each in self.conversation.messages)

    @property
    def asks(self) -> tuple[PendingRequest, ...]:
        return self.snapshot.pending_requests if self.snapshot else ()

    @property
    def conversation(self) -> Conversation:
        return self.shown or Conversation("none")

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._news.set()

    def _on_conversation(self, shown: Conversation) -> None:
        self.shown = shown
        self.pictures.append(shown)
        self._news.set()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "opencode.json").write_text('{"permission": {"bash": "ask"}}')
    return folder


@pytest_asyncio.fixture
async def managing(tmp_path: Path, opencode_home: OpenCodeHome, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    """A backend with a server of its own."""
    for name, value in opencode_home.environment.items():
        monkeypatch.setenv(name, value)
    async with opened(tmp_path / "data") as running:
        yield running


@pytest_asyncio.fixture
async def watched(tmp_path: Path, shared_server: RawServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    for name, value in shared_server.environment.items():
        monkeypatch.setenv(name, value)
    async with opened(tmp_path / "data") as running:
        yield running


async def thread_of(watched: Watched, work: Path, prompt: str) -> str:
    """Create and follow a thread, and send this prompt; return its id."""
    thread = await watched.backend.new_thread(str(work), "Refactor the parser")
    watched.follow(thread)
    await watched.until(lambda watched: watched.conversation.session_id is not None, "the conversation")
    await watched.backend.conversations.send(thread, prompt)
    return thread


async def test_a_reply_streams_in_and_stays_when_the_server_ends(managing: Watched, work: Path, model: StubModel) -> None:
    watched = managing
    thread = await thread_of(watched, work, "hold the line")
    await watched.until(lambda watched: any(u.text == "I am " for u in watched.conversation.messages), "the first words")
    assert watched.conversation.is_busy and not watched.conversation.messages[-1].finished
    model.release()
    shown = await watched.until_idle(1)
    assert [each.text for each in shown.messages] == ["hold the line", "I am done."]
    await watched.backend.server.stop()
    await watched.until(
        lambda watched: bool(watched.snapshot and watched.snapshot.server.state is ServerState.STOPPED), "the end"
    )
    pictures = len(watched.pictures)
    watched.follow(thread)
    await watched.until(lambda watched: len(watched.pictures) > pictures, "the same from the database")
    assert watched.conversation == shown


async def test_thoughts_and_tools_stand_in_their_order(watched: Watched, work: Path) -> None:
    await thread_of(watched, work, "think: hm, hm")
    shown = await watched.until_idle(1)
    assert [(piece.kind, piece.text) for piece in shown.messages[-1].in_order] == [
        (PieceKind.THOUGHT, "hm, hm"),
        (PieceKind.TEXT, "OK."),
    ]


async def test_an_approval_is_given_once(watched: Watched, work: Path) -> None:
    thread = await thread_of(watched, work, "run: touch made")
    ask = await watched.ask()
    assert isinstance(ask, ApprovalRequest)
    assert (request_sentence(ask), ask.always) == ("Refactor the parser ▸ wants to run touch made", ("touch *",))
    assert ask.requester.thread_id == thread
    assert await watched.backend.conversations.reply(ask, Reply.ONCE) == ""
    shown = await watched.until_idle(1)
    await watched.until(lambda watched: not watched.asks, "the end of the asking")
    assert (work / "made").exists()
    (tool,) = shown.messages[1].tools
    assert (tool.name, tool.status, tool.title) == ("bash", "completed", "touch made")
    assert await watched.backend.conversations.reply(ask, Reply.ONCE) == GONE


async def test_an_approval_is_refused(watched: Watched, work: Path) -> None:
    await thread_of(watched, work, "run: touch made")
    ask = await watched.ask()
    assert isinstance(ask, ApprovalRequest)
    await watched.backend.conversations.reply(ask, Reply.REJECT)
    await watched.until(lambda watched: not watched.asks, "the end of the asking")
    await watched.until(lambda watched: not watched.conversation.is_busy, "the end of the turn")
    assert not (work / "made").exists() and watched.conversation.messages[1].tools[0].status == "error"


async def test_a_question_is_answered_and_another_left(watched: Watched, work: Path) -> None:
    thread = await thread_of(watched, work, "ask: Shall I?")
    ask = await watched.ask()
    assert isinstance(ask, QuestionRequest) and [option.label for option in ask.questions[0].options] == ["Yes", "No"]
    assert request_sentence(ask) == "Refactor the parser ▸ asks: Shall I?"
    assert await watched.backend.conversations.answer(ask, (("Yes",),)) == ""
    shown = await watched.until_idle(1)
    assert '"Shall I?"="Yes"' in shown.messages[1].tools[0].output
    await watched.until(lambda watched: not watched.asks, "the end of the asking")
    await watched.backend.conversations.send(thread, "ask: And now?")
    again = await watched.ask()
    assert isinstance(again, QuestionRequest) and again.id != ask.id
    await watched.backend.conversations.answer(again, None)
    await watched.until(lambda watched: not watched.asks, "the end of the asking")
    assert await watched.backend.conversations.answer(again, None) == GONE


async def test_a_sub_agents_wish_is_shown_under_its_thread_again_after_a_restart_and_gone_once_answered_elsewhere(
    watched: Watched, work: Path, tmp_path: Path, shared_server: RawServer
) -> None:
    async with opened(tmp_path / "shared") as first:
        thread = await thread_of(first, work, "task: run: touch made")
        ask = await first.ask()
        assert request_sentence(ask) == "Refactor the parser ▸ general ▸ wants to run touch made"
        assert ask.requester.thread_id == thread and ask.requester.session_id != first.conversation.session_id
        await first.until(lambda watched: bool(watched.conversation.agents), "the sub-agent")
        agent = first.conversation.agent(first.conversation.messages[-1].tools[0].child_session)
        assert agent is not None and agent.session_id == ask.requester.session_id
    async with opened(tmp_path / "shared") as again:
        assert await again.ask() == ask
        await asyncio.to_thread(answer_elsewhere, shared_server, ask)
        await again.until(lambda watched: not watched.asks, "the end of the asking")
        assert isinstance(ask, ApprovalRequest)
        assert await again.backend.conversations.reply(ask, Reply.ONCE) == GONE


@asynccontextmanager
async def opened(data: Path) -> AsyncIterator[Watched]:
    running = Watched(await Backend.open(str(data), "tray"))
    try:
        yield running
    finally:
        await running.close()


def answer_elsewhere(raw: RawServer, ask: PendingRequest) -> None:
    with raw.http() as http:
        body = {"reply": "once"}
        answer: httpx.Response = http.post(
            f"/permission/{ask.id}/reply", params={"directory": ask.requester.directory}, json=body
        )
        answer.raise_for_status()


async def test_a_turn_is_stopped_and_what_it_asked_for_is_gone(watched: Watched, work: Path) -> None:
    thread = await thread_of(watched, work, "run: touch made")
    await watched.ask()
    await watched.backend.conversations.stop_turn(thread)
    await watched.until(lambda watched: not watched.asks and not watched.conversation.is_busy, "the end of the turn")
    await watched.until(lambda watched: watched.conversation.messages[-1].stopped, "the word that it was stopped")
    assert not (work / "made").exists()


async def test_a_models_error_is_told_in_its_message_and_the_thread_goes_on(watched: Watched, work: Path) -> None:
    thread = await thread_of(watched, work, "fail: no credit left")
    shown = await watched.until_idle(1)
    assert shown.messages[-1].error == "no credit left" and not shown.messages[-1].stopped and not shown.trouble
    await watched.backend.conversations.send(thread, "say: better")
    assert (await watched.until_idle(2)).messages[-1].text == "better"


async def test_what_is_refused_is_kept_as_the_draft(watched: Watched, work: Path) -> None:
    thread = await thread_of(watched, work, "say: one")
    await watched.until_idle(1)
    work.rename(work.with_name("moved"))
    # As the field does: what was typed until then is replaced before it is sent.
    await watched.backend.conversations.save_draft(thread, "never l")
    await watched.backend.conversations.save_draft(thread, "never lost")
    with pytest.raises(NotResumable) as caught:
        await watched.backend.conversations.send(thread, "never lost")
    assert isinstance(caught.value, T3TrayError)
    assert (await watched.backend.details.read(thread)).row.thread.draft == "never lost"
    work.with_name("moved").rename(work)
    await watched.backend.conversations.send(thread, "say: two")
    assert (await watched.until_idle(2)).messages[-1].text == "two"
    assert (await watched.backend.details.read(thread)).row.thread.draft == "never lost", "another text was sent"
    await watched.backend.conversations.send(thread, "never lost")
    assert (await watched.backend.details.read(thread)).row.thread.draft == ""


async def test_what_arrived_unseen_is_no_draft_on_the_page_that_shows_what_was_published(watched: Watched, work: Path) -> None:
    """As after an app that was killed between the message's arrival and its own record of it."""
    thread = await thread_of(watched, work, "say: one")
    await watched.until_idle(1)
    snapshots = watched.backend.snapshots
    await watched.until(lambda _: bool(snapshots.published and thread in snapshots.published[1].by_id), "the row")
    published = snapshots.published
    (said, _), session = watched.conversation.messages, watched.conversation.session_id
    assert session is not None
    store, now = watched.backend.store, datetime.now(UTC)
    await watched.backend.run_sql(store.threads.set_draft, thread, "say: one")
    await watched.backend.run_sql(store.prompts.add, Prompt(said.id, thread, session, "say: one", now), lambda _: False, "")
    snapshots.published = published
    assert (await watched.backend.details.read(thread)).row.thread.draft == ""
    assert await watched.backend.run_sql(store.prompts.of, thread) == ()


async def test_a_remedy_has_the_servers_marks_compared_before_it_sends_anything(
    shared_server: RawServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A binding that our journal lacks may be the thread's latest."""
    for name, value in shared_server.environment.items():
        monkeypatch.setenv(name, value)
    command = await Backend.open(str(tmp_path / "data"), "command")
    try:
        assert command.restoring.has_compared(await command.tools.connect())
    finally:
        await command.close()


async def test_older_messages_come_in_pages(watched: Watched, work: Path) -> None:
    thread = await thread_of(watched, work, "say: 0")
    for number in range(1, 22):
        await watched.until_answered(str(number - 1))
        await watched.backend.conversations.send(thread, f"say: {number}")
    await watched.until_answered("21")
    watched.follow(thread)
    # Not an earlier state: it may have been read again in between, with more messages.
    await watched.until(lambda watched: watched.conversation.has_older and len(watched.conversation.messages) == 40, "a page")
    await watched.backend.conversations.show_older()
    await watched.until(lambda watched: not watched.conversation.has_older, "the oldest page")
    said = [each.text for each in watched.conversation.messages]
    assert said == [words for number in range(22) for words in (f"say: {number}", str(number))]


async def test_a_message_that_was_stored_and_the_model_not_asked_is_told_there_and_nothing_is_being_sent(
    managing: Watched, work: Path, opencode_home: OpenCodeHome, model: StubModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session's model is gone; a page that is opened later gets no error event."""
    watched = managing
    thread = await thread_of(watched, work, "say: ready")
    await watched.until_idle(1)
    await watched.backend.server.stop()
    config = json.loads(opencode_home.environment["OPENCODE_CONFIG_CONTENT"])
    stub = config["provider"]["stub"]
    config = {"provider": {"stub": {**stub, "models": {"stub-2": stub["models"]["stub-1"]}}}, "model": "stub/stub-2"}
    monkeypatch.setenv("OPENCODE_CONFIG_CONTENT", json.dumps(config))
    await watched.backend.start_server()
    chats = len(model.chats())
    await watched.backend.conversations.send(thread, "are you there?")
    await watched.until(lambda watched: bool(watched.conversation.trouble), "what OpenCode said of it")
    assert "Model not found" in watched.conversation.trouble
    watched.follow(thread)
    await watched.until(lambda watched: bool(watched.conversation.unanswered), "a message without an answer")
    shown = watched.conversation
    (left,) = (each for each in shown.messages if each.id in shown.unanswered)
    assert left.text == "are you there?" and shown.messages[-1] is left
    assert (shown.is_busy, shown.why_unanswered) == (False, "")
    # The event of the turn's end may have come only after the view was opened again.
    assert not shown.trouble or "Model not found" in shown.trouble
    assert len(model.chats()) == chats
