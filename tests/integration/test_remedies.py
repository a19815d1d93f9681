"""Every remedy on the real opencode: a follow-up then carries what it promised, exactly once, and an undo takes it back."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from t3tray.backend.backend import Backend
from t3tray.demo.t3_database import add_message
from t3tray.domain.carries import CarriesKind
from t3tray.domain.journal import Event
from t3tray.domain.remedy import Choice, Remedy
from t3tray.domain.verdict import Kind, Reason
from t3tray.domain.versions import Ability
from t3tray.errors import Refused, TimedOut
from t3tray.messages.verdicts import receipt_text
from t3tray.opencode.client import OpenCodeClient
from t3tray.opencode.records import SessionRecord
from t3tray.threads.send import RevertPending
from t3tray.threads.verify import NotResumable
from tests.integration.test_client_real import turn
from tests.support.opencode import RawServer
from tests.support.stub_model import UNKNOWN, StubModel
from tests.support.t3_world import NOON, World, add_thread, empty_world, writing

HERON, PELICAN = "the codeword is HERON", "the codeword is PELICAN"
ASK = "what is the codeword?"


@pytest.fixture
def server(shared_server: RawServer) -> RawServer:
    return shared_server


@pytest.fixture
def world(tmp_path: Path) -> World:
    return empty_world(tmp_path)


@pytest_asyncio.fixture
async def backend(tmp_path: Path, server: RawServer, world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Backend]:
    for name, value in server.home.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("T3TRAY_SERVER_URL", server.url)
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", server.password)
    monkeypatch.setenv("T3CODE_HOME", str(world.home))
    opened = await Backend.open(str(tmp_path / "data"), "tray")
    yield opened
    await opened.close()


class Theirs(OpenCodeClient):
    """A client of another program. By its `server` it sends requests that t3tray never does."""

    def __init__(self, server: RawServer) -> None:
        super().__init__(server.url, server.password)
        self.server = server


@pytest_asyncio.fixture
async def client(server: RawServer) -> AsyncIterator[Theirs]:
    made = Theirs(server)
    yield made
    await made.aclose()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return repository(tmp_path / "work")


def repository(folder: Path) -> Path:
    folder.mkdir()
    for words in (["init"], ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "--allow-empty", "-m", str(folder)]):
        subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)
    return folder


async def new_thread(backend: Backend, folder: Path, words: str) -> str:
    made = await backend.threads.create(str(folder), "A thread", await backend.settlement.connect())
    assert await ask(backend, made.id, words) == "OK."
    return made.id


async def session_with(client: Theirs, folder: Path, words: str, title: str = "theirs") -> str:
    """Create a session of one turn that t3tray does not know."""
    with client.server.http() as http:
        answer = http.post("/session", params={"directory": str(folder)}, json={"title": title})
    session: str = answer.raise_for_status().json()["id"]
    await turn(client, session, words)
    return session


def revert(server: RawServer, session: str, message: str) -> None:
    with server.http() as http:
        http.post(f"/session/{session}/revert", json={"messageID": message}).raise_for_status()


def t3_thread(world: World, session: str | None, name: str = "", *, worktree: Path | None = None) -> str:
    thread = name or str(uuid.uuid4())
    with writing(world.state) as connection:
        add_thread(connection, thread, session, worktree=str(worktree) if worktree else None, at=datetime.now(UTC))
    return thread


async def ask(backend: Backend, thread: str, words: str = ASK) -> str:
    return "".join([piece async for piece in backend.prompting.converse(thread, words) if isinstance(piece, str)])


async def verdict(backend: Backend, thread: str) -> str:
    return (await backend.details.read(thread)).row.verdict.reason


async def bound(backend: Backend, thread: str) -> str | None:
    return (await backend.details.read(thread)).row.session_id


async def undo(backend: Backend, thread: str) -> None:
    assert (await backend.details.read(thread)).offered[-1] is Remedy.UNDO
    await backend.remedies.apply(thread, Choice(Remedy.UNDO))


async def test_bind_to_another_session_and_back(backend: Backend, client: Theirs, folder: Path, model: StubModel) -> None:
    thread = await new_thread(backend, folder, HERON)
    first = await bound(backend, thread)
    other = await session_with(client, folder, PELICAN)
    choice = Choice(Remedy.BIND, other)
    preview = await backend.remedies.preview(thread, choice)
    assert any("HERON" in line for line in preview.lost) and not any("PELICAN" in line for line in preview.lost)
    assert any("PELICAN" in line for line in preview.after), "what it knows anew is no loss"
    assert await bound(backend, thread) == first, "a preview changes nothing"
    await backend.remedies.apply(thread, choice, preview)
    assert await ask(backend, thread) == "PELICAN"
    assert "HERON" not in model.words_sent()
    await undo(backend, thread)
    assert await bound(backend, thread) == first
    assert await ask(backend, thread) == "HERON"


@pytest.mark.needs(Ability.MOVE_SESSION)
async def test_move_the_session_to_the_worktree(
    backend: Backend, client: Theirs, folder: Path, world: World, tmp_path: Path
) -> None:
    subprocess.run(["git", "-C", str(folder), "worktree", "add", str(tmp_path / "wt")], check=True, capture_output=True)
    session = await session_with(client, folder, HERON)
    thread = t3_thread(world, session, worktree=tmp_path / "wt")
    assert await verdict(backend, thread) == Reason.DIRECTORY_MISMATCH
    await backend.remedies.apply(thread, Choice(Remedy.MOVE_SESSION))
    assert (await client.session(session)).facts.directory == str(tmp_path / "wt")
    assert await ask(backend, thread) == "HERON"
    await undo(backend, thread)
    assert (await client.session(session)).facts.directory == str(folder)
    assert await verdict(backend, thread) == Reason.DIRECTORY_MISMATCH


@pytest.mark.needs(Ability.MOVE_SESSION)
async def test_across_projects_the_conversation_is_carried(
    backend: Backend, client: Theirs, folder: Path, world: World, tmp_path: Path, model: StubModel
) -> None:
    session = await session_with(client, folder, HERON)
    other_project = t3_thread(world, session, worktree=repository(tmp_path / "other"))
    with pytest.raises(Refused, match="another"):
        await backend.remedies.preview(other_project, Choice(Remedy.MOVE_SESSION))
    with writing(world.state) as connection:
        connection.execute("DELETE FROM projection_threads")
    (tmp_path / "plain").mkdir()
    thread = t3_thread(world, session, worktree=tmp_path / "plain")
    with pytest.raises(Refused, match="another"):
        await backend.remedies.apply(thread, Choice(Remedy.MOVE_SESSION))
    assert (await client.session(session)).facts.directory == str(folder)
    assert (await backend.journal(thread))[-1].event is Event.ABANDONED
    await backend.remedies.apply(thread, Choice(Remedy.CARRY))
    assert await ask(backend, thread) == "HERON"
    sent = model.words_sent()
    assert sent.count(HERON) == 1 and "Carried over by t3tray" in sent
    verification = await backend.prompting.verify(thread)
    assert verification.session_id != session
    assert "restored" in verification.verdict.detail and "restored" in receipt_text(verification.receipt)
    await ask(backend, thread, "say: something else")
    assert "restored" in (await backend.prompting.verify(thread)).verdict.detail, "the word stays"
    assert (await client.session(session)).facts.directory == str(folder)
    await undo(backend, thread)
    assert await bound(backend, thread) == session


@pytest.mark.needs(Ability.MOVE_SESSION)
async def test_relocate_a_renamed_repository(backend: Backend, client: Theirs, folder: Path, tmp_path: Path) -> None:
    thread = await new_thread(backend, folder, HERON)
    renamed = folder.rename(tmp_path / "renamed")
    assert await verdict(backend, thread) == Reason.DIRECTORY_MISSING
    with pytest.raises(Refused, match="another repository"):
        await backend.remedies.preview(thread, Choice(Remedy.RELOCATE, directory=str(repository(tmp_path / "other"))))
    with pytest.raises(Refused, match="no folder"):
        await backend.remedies.preview(thread, Choice(Remedy.RELOCATE, directory=str(tmp_path / "nowhere")))
    await backend.remedies.apply(thread, Choice(Remedy.RELOCATE, directory=str(renamed)))
    assert (await backend.details.read(thread)).row.thread.directory == str(renamed)
    assert await ask(backend, thread) == "HERON"
    renamed.rename(folder)
    await undo(backend, thread)
    assert (await backend.details.read(thread)).row.thread.directory == str(folder)
    assert await ask(backend, thread) == "HERON"


@pytest.mark.needs(Ability.MOVE_SESSION)
async def test_a_folder_that_is_no_repository_wants_a_word(backend: Backend, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    thread = await new_thread(backend, tmp_path / "plain", HERON)
    renamed = (tmp_path / "plain").rename(tmp_path / "renamed")
    with pytest.raises(Refused, match="cannot be told"):
        await backend.remedies.preview(thread, Choice(Remedy.RELOCATE, directory=str(renamed)))
    await backend.remedies.apply(thread, Choice(Remedy.RELOCATE, directory=str(renamed), confirmed=True))
    assert await ask(backend, thread) == "HERON"


async def test_go_on_in_a_fork(backend: Backend, client: Theirs, folder: Path) -> None:
    thread = await new_thread(backend, folder, HERON)
    parent = await bound(backend, thread) or ""
    metadata = (await client.session(parent)).metadata
    await backend.remedies.apply(thread, Choice(Remedy.FORK))
    fork = await bound(backend, thread) or ""
    assert fork != parent and "(fork #1)" in (await client.session(fork)).facts.title
    assert (await client.session(parent)).metadata == metadata, "what was written into the parent was taken out again"
    assert await ask(backend, thread) == "HERON"
    assert len((await client.messages(parent, 100)).messages) == 2
    await undo(backend, thread)
    assert await bound(backend, thread) == parent


async def test_start_afresh_knows_nothing(backend: Backend, folder: Path, model: StubModel) -> None:
    thread = await new_thread(backend, folder, HERON)
    assert (await backend.remedies.preview(thread, Choice(Remedy.START_AFRESH))).word
    await backend.remedies.apply(thread, Choice(Remedy.START_AFRESH))
    assert await ask(backend, thread) == UNKNOWN
    assert HERON not in model.words_sent()
    await undo(backend, thread)
    assert await ask(backend, thread) == "HERON"


async def test_a_thread_of_t3_codes_starts_afresh_too(backend: Backend, world: World) -> None:
    thread = t3_thread(world, None)
    assert await verdict(backend, thread) == Reason.UNBOUND
    await backend.remedies.apply(thread, Choice(Remedy.START_AFRESH))
    assert (await backend.prompting.verify(thread)).verdict.kind is Kind.RESUMABLE
    assert await ask(backend, thread) == UNKNOWN


async def test_release_and_back(backend: Backend, folder: Path) -> None:
    thread = await new_thread(backend, folder, HERON)
    await backend.remedies.apply(thread, Choice(Remedy.RELEASE))
    assert await verdict(backend, thread) == Reason.UNBOUND
    await undo(backend, thread)
    assert await ask(backend, thread) == "HERON"


@pytest.mark.needs(Ability.MOVE_SESSION)
async def test_what_cannot_be_mended_is_refused_with_the_reason(
    backend: Backend, client: Theirs, folder: Path, tmp_path: Path
) -> None:
    thread = await new_thread(backend, folder, HERON)
    session = await bound(backend, thread) or ""
    elsewhere = await session_with(client, repository(tmp_path / "other"), PELICAN)
    taken = await bound(backend, await new_thread(backend, folder, PELICAN)) or ""
    for choice, reason in (
        (Choice(Remedy.BIND, elsewhere), "works in"),
        (Choice(Remedy.BIND, "ses_nothing"), "no session"),
        (Choice(Remedy.BIND, taken), "already bound"),
        (Choice(Remedy.BIND, session), "already bound"),
        (Choice(Remedy.JOIN), "nothing to join"),
        (Choice(Remedy.MOVE_SESSION), "already"),
        (Choice(Remedy.UNDO), "no remedy"),
    ):
        before = await backend.journal(thread)
        with pytest.raises(Refused, match=reason):
            await backend.remedies.apply(thread, choice)
        assert await backend.journal(thread) == before, choice
    await client.delete_session(session)
    details = await backend.details.read(thread)
    assert details.row.verdict.reason is Reason.MISSING
    assert Remedy.MOVE_SESSION not in details.offered


async def test_t3_codes_own_copy_is_carried_where_the_session_is_gone(
    backend: Backend, client: Theirs, world: World, model: StubModel
) -> None:
    session = await session_with(client, world.code / "proj", HERON)
    thread = t3_thread(world, session)
    # Another one stays: without any session an attached server cannot be compared with the database.
    await session_with(client, world.code / "proj", PELICAN)
    await client.delete_session(session)
    assert Remedy.CARRY not in (await backend.details.read(thread)).offered
    with pytest.raises(Refused, match="Nobody kept a copy"):
        await backend.remedies.preview(thread, Choice(Remedy.CARRY))
    with writing(world.state) as connection:
        for number, (role, text) in enumerate((("user", HERON), ("assistant", "OK."))):
            add_message(connection, thread, role, text, NOON + timedelta(seconds=number))
    assert Remedy.CARRY in (await backend.details.read(thread)).offered
    preview = await backend.remedies.preview(thread, Choice(Remedy.CARRY))
    assert any("T3 Code's copy" in line for line in preview.after) and any("tools" in line for line in preview.lost)
    await backend.remedies.apply(thread, Choice(Remedy.CARRY), preview)
    assert await ask(backend, thread) == "HERON"
    assert model.words_sent().count(HERON) == 1


async def test_a_pending_revert_is_told_before_a_message_makes_it_final(
    backend: Backend, client: Theirs, folder: Path, model: StubModel
) -> None:
    thread = await new_thread(backend, folder, HERON)
    await ask(backend, thread, "say: a second turn")
    session = await bound(backend, thread) or ""
    messages = [record.facts.id for record in (await client.messages(session, 100)).messages]
    revert(client.server, session, messages[2])

    verification = await backend.prompting.verify(thread)
    assert verification.verdict.reason is Reason.REWOUND and "deletes 2 messages" in verification.verdict.detail
    assert await verdict(backend, thread) == Reason.REWOUND, "without a server too"
    asked = len(model.chats())
    with pytest.raises(RevertPending, match="2 messages"):
        await ask(backend, thread)
    assert len(model.chats()) == asked
    assert (await backend.details.read(thread)).row.thread.draft == ASK
    reply = [piece async for piece in backend.prompting.converse(thread, ASK, despite_others=True) if isinstance(piece, str)]
    assert "".join(reply) == "HERON"
    assert "taken back" in (await backend.journal(thread))[-1].why
    row = (await backend.details.read(thread)).row
    assert (row.verdict.reason, row.verdict.carries.kind) == (Reason.PROVED, CarriesKind.PART)
    assert row.verdict.detail == "a revert took back 2 messages", "for good: it is never the whole conversation again"
    await ask(backend, thread)
    assert (await backend.details.read(thread)).row.verdict.detail == row.verdict.detail


async def test_a_revert_of_everything_blocks_and_is_never_proved_again(
    backend: Backend, client: Theirs, folder: Path, server: RawServer
) -> None:
    thread = await new_thread(backend, folder, HERON)
    session = await bound(backend, thread) or ""
    first = (await client.messages(session, 100)).messages[0].facts.id
    revert(client.server, session, first)
    assert (await backend.prompting.verify(thread)).verdict.reason is Reason.HISTORY_LOST
    with pytest.raises(NotResumable):
        await ask(backend, thread)
    # Another program continues in it nevertheless, and the conversation is lost.
    await turn(client, session, "say: something else")
    assert (await backend.prompting.verify(thread)).verdict.reason is Reason.HISTORY_LOST
    assert (await backend.prompting.verify(thread)).verdict.reason is Reason.HISTORY_LOST
    assert await verdict(backend, thread) == Reason.HISTORY_LOST


async def test_what_came_of_a_request_is_found_out_without_a_new_start(
    backend: Backend, client: Theirs, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await backend.settlement.connect()
    create = connection.create_session

    made: list[SessionRecord] = []

    async def unanswered(*words: Any) -> Any:
        made.append(await create(*words))
        raise TimedOut("No answer came.")

    monkeypatch.setattr(connection, "create_session", unanswered)
    with pytest.raises(TimedOut):
        await backend.threads.create(str(folder), "A thread", connection)
    (thread,) = await backend.run_sql(backend.store.threads.all)
    row = (await backend.details.read(thread.id)).row
    # Open changes are settled in the background, so this check may come before or after.
    assert row.verdict.reason is Reason.TIMEOUT or row.session_id, "there may be a session: nobody may start another one"
    assert (await backend.prompting.verify(thread.id)).verdict.kind is Kind.RESUMABLE
    assert await bound(backend, thread.id) == made[0].facts.id and len(made) == 1
    assert await ask(backend, thread.id, HERON) == "OK."
