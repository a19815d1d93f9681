"""The feed of a conversation: when a page is read, how often a state is published, and what happens without a source."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from t3tray.conversation import feed as module
from t3tray.conversation.feed import FRAME, PAGE, ConversationPlace
from t3tray.domain.conversation import Conversation, CopyInfo
from t3tray.domain.evidence import Role, SessionFacts
from t3tray.domain.transcript import Message, Origin, Piece, PieceKind, ToolCall, Transcript
from t3tray.domain.verdict import Kind
from t3tray.errors import ServerDown
from t3tray.messages.conversation import dated_ahead_sentence
from t3tray.opencode.events import Connected
from tests.support.following import ASKED, CHILD, REPLY, Follower, Server, following, messages_in
from tests.support.transcripts import SESSION, event, grew, info, message, part_told, text, told, tool


async def test_the_first_picture_is_what_was_read() -> None:
    async with following(Server(ASKED, REPLY)) as follower:
        shown = await follower.until(1)
    assert messages_in(shown) == ["what is it?", "so"]
    assert (shown.thread_id, shown.session_id, shown.has_older, shown.notice) == ("thread", SESSION, False, "")


async def test_a_thread_without_a_session_has_nothing_to_tell() -> None:
    follower = Follower(Server())
    follower.place = None
    running = asyncio.create_task(follower.feed.run())
    assert await follower.until(1) == Conversation("thread")
    follower.place = ConversationPlace(SESSION, "/work")
    follower.server.held[SESSION].append(ASKED)
    follower.feed.refresh()
    assert messages_in(await follower.until(2)) == ["what is it?"]
    running.cancel()


async def test_a_burst_of_words_is_one_picture_a_frame() -> None:
    async with following(Server(ASKED)) as follower:
        await follower.until(1)
        follower.may_go_on = asyncio.Semaphore(0)
        empty = text(1, "", done=False)
        for each in (told(info(1)), part_told(empty), *(grew(empty, "a ") for _ in range(5000))):
            follower.feed.handle(each)
        await follower.until(2)
        for each in (grew(empty, "b "),) * 100:
            follower.feed.handle(each)
        await asyncio.sleep(0)
        assert len(follower.pictures) == 2
        follower.may_go_on.release()
        shown = await follower.until(3)
    assert messages_in(shown)[-1] == "a " * 5000 + "b " * 100
    assert set(follower.slept) == {FRAME}


async def test_older_pages_come_when_they_are_asked_for() -> None:
    server = Server(*(message(info(number), text(number, f"{number}")) for number in range(PAGE + 5)))
    async with following(server) as follower:
        shown = await follower.until(1)
        assert len(shown.messages) == PAGE and shown.has_older
        follower.feed.show_older()
        shown = await follower.until(2)
        assert messages_in(shown)[:2] == ["0", "1"] and len(shown.messages) == PAGE + 5 and not shown.has_older
        follower.feed.show_older()
        follower.feed.refresh()
        await follower.until_asked(3)
    assert server.asked == [(SESSION, PAGE, None), (SESSION, PAGE, "5"), (SESSION, PAGE + 5, None)]


async def test_after_a_gap_everything_is_read_again() -> None:
    async with following(Server(ASKED)) as follower:
        await follower.until(1)
        follower.feed.handle(told(info(7)))
        follower.feed.handle(part_told(text(7, "a rumour")))
        await follower.until(2)
        follower.server.held[SESSION].append(REPLY)
        follower.feed.handle(Connected())
        assert messages_in(await follower.until(3)) == ["what is it?", "so"]


async def test_a_gap_while_a_page_is_under_way_never_shows_an_empty_conversation() -> None:
    async with following(Server(ASKED)) as follower:
        await follower.until(1)
        gate = follower.server.gate = asyncio.Event()
        follower.feed.refresh()
        await follower.until_asked(2)
        follower.feed.handle(Connected())
        gate.set()
        await follower.until_asked(3)
        follower.server.held[SESSION].append(REPLY)
        follower.feed.refresh()
        await follower.until(2)
    assert all(messages_in(shown) for shown in follower.pictures)


async def test_what_cannot_be_read_stays_with_the_reason_and_is_tried_again() -> None:
    async with following(Server(ASKED)) as follower:
        await follower.until(1)
        follower.server.error = ServerDown("Nobody answers.")
        follower.feed.handle(Connected())
        shown = await follower.until(2)
        assert (messages_in(shown), shown.notice) == (["what is it?"], "Nobody answers.")
        follower.server.error = None
        follower.feed.handle(event("session.status", status={"type": "busy"}))
        shown = await follower.until(3)
        assert (messages_in(shown), shown.notice) == (["what is it?"], "")


async def test_the_end_of_a_turn_is_read() -> None:
    async with following(Server(ASKED)) as follower:
        await follower.until(1)
        follower.server.held[SESSION].append(REPLY)
        follower.feed.handle(event("session.idle"))
        assert messages_in(await follower.until(2)) == ["what is it?", "so"]


async def test_another_binding_is_another_conversation() -> None:
    async with following(Server(ASKED)) as follower:
        await follower.until(1)
        follower.server.held["ses_2"] = [REPLY]
        follower.place = ConversationPlace("ses_2", "/work")
        follower.feed.refresh()
        shown = await follower.until(2)
    assert (shown.session_id, messages_in(shown)) == ("ses_2", ["so"])


async def test_another_programs_writing_is_a_reason_to_look_but_not_in_a_turn() -> None:
    async with following(Server(ASKED)) as follower:
        await follower.until(1)
        follower.feed.compare(SessionFacts(SESSION, "/work", "t", 1, 1), Kind.RESUMABLE)
        await follower.until_asked(2)
        follower.feed.compare(SessionFacts(SESSION, "/work", "t", 1, 1), Kind.RESUMABLE)
        follower.server.held[SESSION].append(REPLY)
        follower.feed.compare(SessionFacts(SESSION, "/work", "t", 1, 2), Kind.RESUMABLE)
        assert messages_in(await follower.until(2)) == ["what is it?", "so"]
        follower.feed.handle(event("session.status", status={"type": "busy"}))
        await follower.until(3)
        follower.feed.compare(SessionFacts(SESSION, "/work", "t", 1, 3), Kind.RESUMABLE)
        follower.feed.handle(event("session.status", status={"type": "retry", "message": "overloaded"}))
        await follower.until(4)
    assert len(follower.server.asked) == 3


async def test_a_sub_agent_at_work_is_followed_and_another_when_it_is_asked_for() -> None:
    task = tool(1, "task", status="running", metadata={"sessionId": CHILD}, input={"subagent_type": "explore"})
    done = tool(1, "task", 1, status="completed", metadata={"sessionId": "ses_done"})
    server = Server(ASKED, message(info(1), task, done))
    server.held |= {CHILD: [message(info(2), text(2, "looking"))], "ses_done": [message(info(3), text(3, "found"))]}
    async with following(server) as follower:
        shown = await follower.until(1)
        assert shown.messages[1].tools[0].agent == "explore"
        assert [(agent.session_id, agent.messages[0].text) for agent in shown.agents] == [(CHILD, "looking")]
        follower.feed.handle(event("message.part.updated", CHILD, part=text(2, "still looking")))
        shown = await follower.until(2)
        assert (agent := shown.agent(CHILD)) and agent.messages[0].text == "still looking"
        follower.feed.show_agent("ses_done")
        shown = await follower.until(3)
        assert (agent := shown.agent("ses_done")) and agent.messages[0].text == "found"
        follower.feed.handle(event("session.created", "ses_new", info={"id": "ses_new", "parentID": CHILD}))
        await follower.until(4)
        follower.feed.handle(event("session.created", "ses_else", info={"id": "ses_else", "parentID": "ses_other"}))
    assert [session for session, _, _ in server.asked] == [SESSION, CHILD, "ses_done", "ses_new"]


def kept(count: int, *more: Message) -> Transcript:
    told = (Message(f"msg_{number:06}", Role.USER, number, f"{number}") for number in range(count))
    return Transcript(Origin.VAULT, (*told, *more), SESSION, ("One is damaged.",))


async def test_a_copy_stands_in_where_the_session_is_gone_and_goes_when_that_is_there_again() -> None:
    server = Server(ASKED)
    async with following(server) as follower:
        assert (await follower.until(1)).kept is None
        held, follower.copy = server.held.pop(SESSION), kept(3)
        follower.feed.handle(event("session.deleted"))
        shown = await follower.until(2)
        assert (messages_in(shown), shown.session_id, shown.notice, shown.has_older) == (["0", "1", "2"], SESSION, "", False)
        assert shown.kept == CopyInfo(Origin.VAULT, 3, None, ("One is damaged.",))
        server.held[SESSION] = held
        follower.feed.compare(SessionFacts(SESSION, "/work", "t", 1, 1), Kind.RESUMABLE)
        shown = await follower.until(3)
    assert (messages_in(shown), shown.kept) == (["what is it?"], None)


async def test_a_thread_without_a_session_shows_its_copy_until_it_has_one() -> None:
    follower = Follower(Server(ASKED))
    follower.place, follower.copy = None, kept(1)
    running = asyncio.create_task(follower.feed.run())
    shown = await follower.until(1)
    assert (messages_in(shown), shown.session_id) == (["0"], None)
    follower.place = ConversationPlace(SESSION, "/work")
    follower.feed.compare(SessionFacts(SESSION, "/work", "t", 1, 1), Kind.RESUMABLE)
    shown = await follower.until(2)
    assert (messages_in(shown), shown.kept) == (["what is it?"], None)
    running.cancel()


async def test_a_copy_stands_in_for_an_empty_session_for_one_that_holds_something_else_and_for_one_that_cannot_be_read() -> None:
    for prepare in (
        lambda follower: follower.server.held.update({SESSION: []}),
        lambda follower: setattr(follower, "place", ConversationPlace(SESSION, "/work", is_lost=True)),
        lambda follower: setattr(follower.server, "error", ServerDown("Nobody answers.")),
    ):
        follower = Follower(Server(ASKED))
        follower.copy = kept(1)
        prepare(follower)
        running = asyncio.create_task(follower.feed.run())
        shown = await follower.until(1)
        running.cancel()
        assert (messages_in(shown), shown.notice, shown.is_busy) == (["0"], "", False)
        assert shown.kept and shown.session_id == SESSION


async def test_without_a_copy_everything_is_told_as_it_is() -> None:
    async with following(Server()) as follower:
        assert await follower.until(1) == Conversation("thread", SESSION)
        follower.place = ConversationPlace(SESSION, "/work", is_lost=True)
        follower.server.held[SESSION] = [REPLY]
        follower.feed.refresh()
        assert messages_in(await follower.until(2)) == ["so"]
        del follower.server.held[SESSION]
        follower.feed.refresh()
        shown = await follower.until(3)
    assert (messages_in(shown), shown.notice, shown.kept) == (["so"], "Session not found.", None)


async def test_words_that_are_on_the_screen_stay_while_nobody_can_tell_them_anew() -> None:
    async with following(Server(ASKED)) as follower:
        await follower.until(1)
        follower.server.error, follower.copy = ServerDown("Nobody answers."), kept(1)
        follower.feed.refresh()
        shown = await follower.until(2)
    assert (messages_in(shown), shown.notice, follower.copies_asked) == (["what is it?"], "Nobody answers.", 0)


async def test_a_long_copy_is_told_in_pages_and_as_much_of_it_after_another_look() -> None:
    follower = Follower(Server())
    follower.copy = kept(10_000)
    running = asyncio.create_task(follower.feed.run())
    shown = await follower.until(1)
    assert shown.kept and shown.kept.messages == 10_000
    assert (messages_in(shown)[0], len(shown.messages), shown.has_older) == (f"{10_000 - PAGE}", PAGE, True)
    follower.feed.show_older()
    older = await follower.until(2)
    assert len(older.messages) == 2 * PAGE and older.messages[PAGE:] == shown.messages
    assert follower.copies_asked == 1
    follower.copy = kept(10_001)
    follower.feed.refresh()
    shown = await follower.until(3)
    assert (messages_in(shown)[-1], len(shown.messages)) == ("10000", 2 * PAGE)
    running.cancel()


async def test_what_a_sub_agent_answered_is_told_without_its_session() -> None:
    task = ToolCall("task", "completed", "Look", output="found", child_session=CHILD, agent="explore")
    plain = ToolCall("read", "completed", "a.py")
    pieces = (
        Piece("p1", PieceKind.TEXT, "I look."),
        Piece("p2", PieceKind.TOOL, tool=task),
        Piece("p3", PieceKind.TOOL, tool=plain),
    )
    follower = Follower(Server())
    follower.copy = kept(0, Message("msg_1", Role.ASSISTANT, 1, "I look.", (task, plain), pieces=pieces))
    running = asyncio.create_task(follower.feed.run())
    (said,) = (await follower.until(1)).messages
    running.cancel()
    assert [tool.child_session for tool in said.tools] == [None, None]
    tools = [piece.tool for piece in said.in_order if piece.tool]
    assert tools == list(said.tools) and (tools[0].output, tools[0].agent, tools[1]) == ("found", "explore", plain)


async def test_a_message_that_no_answer_follows_in_an_idle_session_is_told() -> None:
    async with following(Server(ASKED, REPLY, message(info(2, "user"), text(2, "and?")))) as follower:
        shown = await follower.until(1)
        assert (shown.unanswered, shown.why_unanswered) == (("msg_0002",), "")
        follower.feed.handle(event("session.status", status={"type": "busy"}))
        assert (await follower.until(2)).unanswered == (), "it is asked now"
        follower.server.held[SESSION].append(message(info(3), text(3, "so")))
        follower.feed.handle(event("session.idle"))
        follower.feed.handle(event("session.status", status={"type": "idle"}))
        shown = await follower.until(3)
    assert messages_in(shown)[-1] == "so" and shown.unanswered == ()


async def test_an_answer_may_still_begin_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DOUBT", 200)
    follower = Follower(Server(ASKED))
    follower.now = datetime.fromtimestamp(1, UTC) + timedelta(milliseconds=100)
    running = asyncio.create_task(follower.feed.run())
    assert (await follower.until(1)).unanswered == ()
    follower.now += timedelta(seconds=1)
    assert (await follower.until(2)).unanswered == ("msg_0000",), "nobody had to wake it"
    running.cancel()


@pytest.mark.parametrize("why", ["busy", "elsewhere", "no server", "added", "nothing said"])
async def test_it_is_told_only_where_it_is_sure(why: str) -> None:
    server = Server(REPLY, message(info(2, "user"), text(2, "and?")))
    match why:
        case "busy":
            server.busy = frozenset({SESSION})
        case "no server":
            server.reports_turns = False
        case "added":
            server.held[SESSION][1] = message(info(2, "user"), text(2, "a copy") | {"metadata": {"t3tray": "intent"}})
        case "nothing said":
            server.held[SESSION][1] = message(info(2, "user"), {**text(2, ""), "type": "compaction"})
    follower = Follower(server)
    follower.place = ConversationPlace(SESSION, "/work", may_be_at_work=why == "elsewhere")
    running = asyncio.create_task(follower.feed.run())
    assert (await follower.until(1)).unanswered == ()
    running.cancel()


async def test_behind_a_message_of_the_future_it_is_told_with_that_reason() -> None:
    ahead = {"created": 86_400_000}
    server = Server(message(info(0, "user", time=ahead), text(0, "x")), message(info(1, time=ahead), text(1, "y")))
    server.held[SESSION].append(message(info(2, "user"), text(2, "and?")))
    async with following(server) as follower:
        shown = await follower.until(1)
    assert shown.unanswered == ("msg_0002",)
    assert shown.why_unanswered == dated_ahead_sentence(86_400_000) and "still to come" in shown.why_unanswered


async def test_what_another_program_finishes_elsewhere_is_told_no_more() -> None:
    async with following(Server(ASKED)) as follower:
        assert (await follower.until(1)).unanswered == ("msg_0000",)
        assert follower.place
        follower.place = replace(follower.place, may_be_at_work=True)
        follower.feed.refresh()
        assert (await follower.until(2)).unanswered == ()
