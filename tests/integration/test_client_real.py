"""The client, the event stream and the database reader against the real program."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from pathlib import Path

import pytest

from t3tray.domain.evidence import Activity, Role
from t3tray.errors import ServerDown, ServerFault, SessionMissing, TimedOut, Unauthorized, Unsupported
from t3tray.opencode.client import OpenCodeClient
from t3tray.opencode.database import OpenCodeDatabase, database_path
from t3tray.opencode.events import Connected, Gap, ServerEvent
from t3tray.opencode.marked_sessions import MarkedSessions, marked_of
from t3tray.opencode.markers import Marker
from t3tray.opencode.records import MessageRecord
from tests.support.opencode import OpenCodeHome, RawServer
from tests.support.stub_model import StubModel

MARK = Marker("thread-1", "intent-1")
TURN_LIMIT = 90.0


@pytest.fixture
def server(shared_server: RawServer) -> RawServer:
    return shared_server


@pytest.fixture
async def client(server: RawServer) -> AsyncIterator[OpenCodeClient]:
    client = OpenCodeClient(server.url, server.password)
    yield client
    await client.aclose()


async def prompt(client: OpenCodeClient, session_id: str, text: str) -> None:
    await client.prompt(session_id, text, (await client.session(session_id)).facts.directory)


async def turn(client: OpenCodeClient, session_id: str, text: str) -> MessageRecord:
    """Send a prompt; return the answer once its turn is over."""
    events = client.events().events()
    async with asyncio.timeout(TURN_LIMIT), aclosing(events):
        async for signal in events:
            if isinstance(signal, Connected):
                await prompt(client, session_id, text)
            if isinstance(signal, ServerEvent) and (signal.kind, signal.session_id) == ("session.idle", session_id):
                break
    return (await client.messages(session_id, 1)).messages[-1]


async def test_a_home_of_the_tests_fetches_nothing_from_the_network(
    client: OpenCodeClient, opencode_home: OpenCodeHome, tmp_path: Path
) -> None:
    made = await client.create_session(str(tmp_path), "A title", MARK)
    await turn(client, made.facts.id, "hello")
    assert not (opencode_home.home / ".npm").exists()
    assert not list((opencode_home.root / "config" / "opencode" / "node_modules").iterdir())


async def test_health_tells_the_version(client: OpenCodeClient) -> None:
    assert client.version == ""
    version = await client.health()
    assert version.count(".") == 2
    assert client.version == version


async def test_a_created_session_carries_its_marker_and_reads_back_the_same(client: OpenCodeClient, tmp_path: Path) -> None:
    created = await client.create_session(str(tmp_path), "A title", MARK)
    assert created.marker == Marker("thread-1", "intent-1")
    assert (created.facts.directory, created.facts.title, created.facts.parent_id) == (str(tmp_path), "A title", None)
    assert await client.session(created.facts.id) == created
    assert created in await client.sessions()
    assert await client.sessions(directory=str(tmp_path)) == (created,)
    assert (await client.messages(created.facts.id, 10)).messages == ()


async def test_archived_and_child_sessions(client: OpenCodeClient, server: RawServer, tmp_path: Path) -> None:
    root = (await client.create_session(str(tmp_path), "root", MARK)).facts.id
    with server.http() as http:
        http.patch(f"/session/{root}", json={"time": {"archived": 1}}).raise_for_status()
        child = http.post("/session", params={"directory": str(tmp_path)}, json={"parentID": root}).json()["id"]
    assert (await client.session(root)).facts.archived
    assert (await client.session(child)).facts.parent_id == root
    assert [record.facts.id for record in await client.sessions(directory=str(tmp_path))] == [root]
    assert await client.sessions(directory=str(tmp_path), archived=False) == ()


async def test_only_opencodes_own_words_are_missing(client: OpenCodeClient, tmp_path: Path) -> None:
    session = (await client.create_session(str(tmp_path), "t", MARK)).facts.id
    for question in (
        client.session("ses_nope"),
        client.messages("ses_nope", 1),
        client.message(session, "msg_nope"),
        client.prompt("ses_nope", "hello", str(tmp_path)),
    ):
        with pytest.raises(SessionMissing, match="not found: "):
            await question
    for malformed in ("nope", "ses_nope/../..", "../path"):
        with pytest.raises((ServerFault, SessionMissing)) as caught:
            await client.session(malformed)
        assert malformed.startswith("ses_") or type(caught.value) is ServerFault
    with pytest.raises(ServerFault):
        await client.message(session, "nope")


async def test_an_unknown_route_is_not_understood(server: RawServer) -> None:
    client = OpenCodeClient(f"{server.url}/elsewhere", server.password)
    for question in (client.session("ses_nope"), client.health(), client.sessions(), client.prompt("ses_nope", "hello", "/")):
        with pytest.raises((Unsupported, ServerFault)) as caught:
            await question
        assert not isinstance(caught.value, SessionMissing)
    with pytest.raises(Unsupported, match="text/html"):
        await client.session("ses_nope")
    await client.aclose()


@pytest.mark.parametrize("password", [None, "", "wrong"])
async def test_a_wrong_password_is_its_own_error(server: RawServer, password: str | None) -> None:
    client = OpenCodeClient(server.url, password)
    with pytest.raises(Unauthorized):
        await client.health()
    with pytest.raises(Unauthorized):
        await client.session("ses_nope")
    with pytest.raises(Unauthorized):
        await anext(client.events().events())
    await client.aclose()


async def test_a_turn_is_busy_in_its_directory_and_then_reads_back(
    client: OpenCodeClient, model: StubModel, tmp_path: Path
) -> None:
    session = (await client.create_session(str(tmp_path), "t", MARK)).facts.id
    assert await client.activity(session, str(tmp_path)) is Activity.IDLE
    model.hold_again()
    seen = len(model.chats())
    await prompt(client, session, "hold on")
    await asyncio.to_thread(model.wait_for_chats, seen + 1)
    assert await client.activity(session, str(tmp_path)) is Activity.BUSY
    running = (await client.messages(session, 1)).messages[-1]
    assert running.facts.role is Role.ASSISTANT
    assert not running.facts.finished
    model.release()
    async with asyncio.timeout(TURN_LIMIT):
        # Otherwise its end would be taken for that of the next turn.
        while await client.activity(session, str(tmp_path)) is Activity.BUSY:
            await asyncio.sleep(0)
    answer = await turn(client, session, "say: that is all")
    asked, answered, asked_again, last = (await client.messages(session, 10)).messages
    assert last == answer
    assert [m.facts.ends_a_turn for m in (asked, answered, asked_again, last)] == [False, True, False, True]
    assert (asked.text, answered.text, last.text) == ("hold on", "I am done.", "that is all")
    assert (last.parent_id, last.finish, last.error) == (asked_again.facts.id, "stop", None)
    assert await client.message(session, answered.facts.id) == answered


async def test_pages_go_back_to_the_beginning(client: OpenCodeClient, tmp_path: Path) -> None:
    session = (await client.create_session(str(tmp_path), "t", MARK)).facts.id
    await turn(client, session, "say: one")
    await turn(client, session, "say: two")
    newest = await client.messages(session, 3)
    assert [m.text for m in newest.messages] == ["one", "say: two", "two"]
    oldest = await client.messages(session, 3, newest.older)
    assert [m.text for m in oldest.messages] == ["say: one"]
    assert oldest.older is None


async def test_a_model_error_is_a_finished_message_with_words(client: OpenCodeClient, tmp_path: Path) -> None:
    session = (await client.create_session(str(tmp_path), "t", MARK)).facts.id
    answer = await turn(client, session, "fail: no credit left")
    assert answer.facts.ends_a_turn
    assert answer.error == "no credit left"


async def test_what_waits_for_the_user_is_listed(client: OpenCodeClient, server: RawServer, tmp_path: Path) -> None:
    (tmp_path / "opencode.json").write_text('{"permission": {"bash": "ask"}}')
    session = (await client.create_session(str(tmp_path), "t", MARK)).facts.id
    events = client.events().events()
    async with asyncio.timeout(TURN_LIMIT), aclosing(events):
        async for signal in events:
            if isinstance(signal, Connected):
                await prompt(client, session, "run: echo hello")
            if isinstance(signal, ServerEvent) and signal.kind == "permission.asked":
                assert signal.session_id == session
                break
    (waiting,) = await client.permissions(str(tmp_path))
    assert (waiting.session_id, waiting.permission, waiting.patterns) == (session, "bash", ("echo hello",))
    assert await client.questions(str(tmp_path)) == ()
    assert await client.activity(session, str(tmp_path)) is Activity.BUSY
    with server.http() as http:
        reply = {"reply": "reject"}
        http.post(f"/permission/{waiting.id}/reply", params={"directory": str(tmp_path)}, json=reply).raise_for_status()
    assert await client.permissions(str(tmp_path)) == ()


async def test_database_and_api_tell_the_same(
    client: OpenCodeClient, server: RawServer, opencode_home: OpenCodeHome, tmp_path: Path
) -> None:
    record = await client.create_session(str(tmp_path), "t", Marker("thread-db", "i"))
    session = record.facts.id
    await turn(client, session, "say: one")
    await turn(client, session, "fail: two")
    with server.http() as http:
        http.post(f"/session/{session}/summarize", json={"providerID": "stub", "modelID": "stub-1"}).raise_for_status()
        messages = (await client.messages(session, 100)).messages
        http.post(f"/session/{session}/revert", json={"messageID": messages[2].facts.id}).raise_for_status()
        http.patch(f"/session/{session}", json={"time": {"archived": 1}}).raise_for_status()
        child = http.post("/session", params={"directory": str(tmp_path)}, json={"parentID": session}).json()["id"]
    facts = (await client.session(session)).facts
    assert (facts.archived, facts.reverted_to) == (True, messages[2].facts.id)
    assert [m.facts.compaction for m in messages][-2:] == [True, True]
    assert database_path(opencode_home.environment, opencode_home.home) == opencode_home.database
    database = OpenCodeDatabase(opencode_home.database)
    by_file = [found for found in MarkedSessions(database).read() if found.marker.thread == "thread-db"]
    by_server = [found for found in marked_of(await client.sessions()) if found.marker.thread == "thread-db"]
    assert [found.facts.id for found in by_file] == [session] and by_file == by_server
    with database.reading() as reader:
        assert reader.session(session) == facts
        assert reader.session(child) == (await client.session(child)).facts
        assert [reader.message(session, m.facts.id) for m in messages] == [m.facts for m in messages]
        assert (reader.first(session), reader.newest(session)) == (messages[0].facts, messages[-1].facts)
        assert reader.count(session) == len(messages) == 6
        assert reader.newest(child) is None
        with pytest.raises(SessionMissing):
            reader.session("ses_nope")
        with pytest.raises(SessionMissing):
            reader.message(child, messages[0].facts.id)


async def test_a_suspended_server_times_out_and_a_killed_one_is_down(opencode_home: OpenCodeHome) -> None:
    with RawServer(opencode_home) as server:
        patient = OpenCodeClient(server.url, server.password)
        client = OpenCodeClient(server.url, server.password, read_timeout=0.5)
        session = (await patient.create_session(str(opencode_home.home), "t", MARK)).facts.id
        server.suspend()
        for question in (client.session(session), client.health(within=0.5), client.messages(session, 1)):
            with pytest.raises(TimedOut):
                await question
        server.wake()
        assert (await patient.session(session)).facts.id == session
        await patient.aclose()
        server.kill()
        for question in (client.session(session), client.health()):
            with pytest.raises(ServerDown):
                await question
        await client.aclose()


async def test_the_stream_comes_back_after_a_restart_on_the_same_port(opencode_home: OpenCodeHome) -> None:
    with RawServer(opencode_home) as server:
        client = OpenCodeClient(server.url, server.password)
        events = client.events().events()
        async with asyncio.timeout(TURN_LIMIT), aclosing(events):
            assert isinstance(await anext(events), Connected)
            server.kill()
            gap = await anext(events)
            assert isinstance(gap, Gap)
            assert isinstance(gap.error, ServerDown)
            starting = asyncio.create_task(asyncio.to_thread(server.start))
            async for signal in events:
                if isinstance(signal, Connected):
                    break
                assert isinstance(signal, Gap)
            await starting
            created: dict[str, str] = {}
            told = asyncio.Event()

            async def create() -> None:
                """Create sessions until one is reported: a new server says that it is connected before it passes events on."""
                while not told.is_set():
                    facts = (await client.create_session(str(opencode_home.home), "t", MARK)).facts
                    created[facts.id] = facts.directory
                    with suppress(TimeoutError):
                        await asyncio.wait_for(told.wait(), 2)

            creating = asyncio.create_task(create())
            async for signal in events:
                if isinstance(signal, ServerEvent) and signal.kind == "session.created":
                    told.set()
                    await creating
                    assert (signal.session_id, signal.directory) in created.items()
                    break
        await client.aclose()


async def test_a_killed_turn_reads_as_unfinished_in_the_database_too(opencode_home: OpenCodeHome, model: StubModel) -> None:
    with RawServer(opencode_home) as server:
        client = OpenCodeClient(server.url, server.password)
        session = (await client.create_session(str(opencode_home.home), "t", MARK)).facts.id
        await prompt(client, session, "hold")
        await asyncio.to_thread(model.wait_for_chats, 1)
        server.kill()
        await client.aclose()
    before = {
        path.name: path.read_bytes() for path in opencode_home.database.parent.glob("opencode.db*") if "shm" not in path.name
    }
    with OpenCodeDatabase(opencode_home.database).reading() as reader:
        newest = reader.newest(session)
    assert newest is not None
    assert (newest.role, newest.finished) == (Role.ASSISTANT, False)
    assert before == {
        path.name: path.read_bytes() for path in opencode_home.database.parent.glob("opencode.db*") if "shm" not in path.name
    }
