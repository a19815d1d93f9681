"""Which database counts: the program is asked once, a server is compared, and without either answer it stays unknown."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from t3tray.domain.evidence import Failure
from t3tray.domain.verdict import Reason
from t3tray.errors import BinaryNotFound, OtherDatabase, ServerFailed, ServerFault, SessionMissing, StoreError, T3TrayError
from t3tray.opencode.database_reader import Trust
from t3tray.opencode.location import FILE_VARIABLE
from tests.support.scan_cases import fine, missing, session
from tests.support.session_sources import NOT_FOUND, URL, Failing, Place, Server, Servers
from tests.support.t3_world import World, empty_world


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    made = Place(tmp_path)
    monkeypatch.setattr("t3tray.threads.session_source.ask_database", made.program.ask)
    yield made
    made.run_sql.close()
    made.eyes.store.close()


def other(place: Place, scratch: Path) -> World:
    """Another database of OpenCode, beside the usual one."""
    (scratch / "second").mkdir()
    return empty_world(scratch / "second")


async def test_nothing_counts_as_missing_before_somebody_said_which_file_it_is(place: Place) -> None:
    source = place.start()
    assert not source.is_unproved, "what the file has is there"
    with place.database.reading() as reader, pytest.raises(OtherDatabase, match="has not been asked yet"):
        reader.session("ses_gone")
    await source.find()
    with place.database.reading() as reader, pytest.raises(SessionMissing):
        reader.session("ses_gone")


async def test_a_thread_whose_session_is_gone_is_called_missing_only_after_the_program_was_asked(place: Place) -> None:
    missing(place.world)
    source = place.start()
    assert place.scan().assessments[0].verdict.reason is Reason.OTHER_DATABASE
    place.scans = 0
    assert await place.read(source) is Reason.MISSING
    assert (place.program.asked, place.scans) == (1, 2)
    assert await place.read(source) is Reason.MISSING
    assert (place.program.asked, place.scans) == (1, 3), "asked once for a process"


async def test_nothing_is_started_for_a_thread_whose_session_is_there(place: Place) -> None:
    fine(place.world)
    assert await place.read(place.start()) is Reason.UNPROVEN
    assert (place.program.asked, place.scans) == (0, 1)


async def test_another_file_that_the_program_names_is_read_and_the_usual_one_is_an_earlier_one(
    place: Place, tmp_path: Path
) -> None:
    fine(place.world)
    place.program.answer = other(place, tmp_path).opencode
    source = place.start()
    await source.find()
    assert (place.database.path, place.database.trust) == (place.program.answer, Trust())
    assert place.database.earlier == (place.world.opencode,)
    assert await place.read(source) is Reason.OTHER_DATABASE, "it stayed behind, and is not missing"


async def test_a_new_start_believes_the_answer_of_the_same_program_and_asks_no_more(place: Place, tmp_path: Path) -> None:
    place.program.answer = other(place, tmp_path).opencode
    await place.start().find()
    again = place.start()
    await again.check()
    assert (place.database.path, place.database.trust) == (place.program.answer, Trust())
    assert place.database.earlier == (place.world.opencode,)
    await again.find()
    assert place.program.asked == 1


async def test_what_another_program_said_is_not_believed_of_this_one(place: Place, tmp_path: Path) -> None:
    """An update may use another database: it is asked even if no thread seems to be in doubt."""
    fine(place.world)
    await place.start().find()
    place.program.replace("a newer program")
    place.program.answer = other(place, tmp_path).opencode
    source = place.start()
    await source.check()
    assert not place.database.trust.absence_counts
    assert await place.read(source) is Reason.OTHER_DATABASE
    assert (place.program.asked, place.database.path) == (2, place.program.answer)
    assert place.database.earlier == (place.world.opencode,)


async def test_a_program_that_is_replaced_while_t3tray_runs_is_asked_anew(place: Place) -> None:
    missing(place.world)
    source = place.start()
    assert await place.read(source) is Reason.MISSING
    place.program.replace("a newer program")
    place.program.answer = ServerFault("`opencode db path` exited with code 1.")
    assert await place.read(source) is Reason.OTHER_DATABASE


async def test_a_program_that_cannot_say_leaves_it_unknown_and_is_not_asked_again(place: Place) -> None:
    missing(place.world)
    place.program.answer = ServerFault("`opencode db path` did not finish in 60 s.")
    source = place.start()
    for _ in range(2):
        assert await place.read(source) is Reason.OTHER_DATABASE
        assert place.database.trust == Trust(absence_counts=False, why="`opencode db path` did not finish in 60 s.")
    assert place.program.asked == 1
    await place.start().check()
    assert not place.database.trust.absence_counts, "nothing was recorded"


@pytest.mark.parametrize("answer", [None, ServerFault("It hangs.")])
async def test_two_that_ask_at_once_start_the_program_once(place: Place, answer: ServerFault | None) -> None:
    place.program.answer = answer or place.world.opencode
    place.program.may_answer.clear()
    source = place.start()
    both = [asyncio.create_task(source.find()) for _ in range(2)]
    while not place.program.asked:
        await asyncio.sleep(0)
    place.program.may_answer.set()
    await asyncio.gather(*both)
    assert place.program.asked == 1
    assert place.database.trust.absence_counts is (answer is None)


@pytest.mark.parametrize(("named", "is_believed"), [("", False), ("mine.db", False), ("/somewhere/mine.db", True)])
async def test_without_a_program_only_a_file_that_the_user_named_in_full_counts(
    place: Place, monkeypatch: pytest.MonkeyPatch, named: str, is_believed: bool
) -> None:
    monkeypatch.setenv(FILE_VARIABLE, named)
    place.program.answer = BinaryNotFound("No `opencode` program was found.")
    await place.start().find()
    assert place.database.trust.absence_counts is is_believed
    assert is_believed or "No OpenCode program was found" in place.database.trust.why


async def test_a_variable_of_the_login_shell_makes_it_no_other_program(place: Place) -> None:
    """The desktop starts the tray without it, and the program is asked with it: its answer holds until something changes."""
    missing(place.world)
    place.program.shell = {"XDG_DATA_HOME": "/set/by/the/shell"}
    source = place.start()
    for _ in range(3):
        assert await place.read(source) is Reason.MISSING
    assert place.program.asked == 1


async def test_a_server_that_has_the_newest_session_vouches_for_the_file_and_its_program(place: Place) -> None:
    session(place.world, "ses_1")
    server = Server(["ses_1"])
    source = place.start(Servers(used=server.connection()))
    await source.check()
    assert place.database.trust == Trust()
    asked = server.requests
    await source.check()
    assert server.requests == asked, "it is compared once"
    again = place.start()
    await again.check()
    assert (place.database.trust, place.program.asked) == (Trust(), 0), "the program that serves is known from then on"


@pytest.mark.parametrize("theirs", [["ses_theirs"], ["ses_theirs", "ses_1"], []])
async def test_a_server_with_other_sessions_makes_the_file_say_nothing(place: Place, theirs: list[str]) -> None:
    fine(place.world)
    source = place.start(Servers(used=Server(theirs).connection()))
    assert await place.read(source) is Reason.OTHER_DATABASE
    why = f"The server at {URL} does not use the database at {place.world.opencode}."
    assert place.database.trust == Trust(Failure.OTHER_DATABASE, False, why) and source.is_unproved
    await source.find()
    assert place.database.trust.why == why, "the server's answer counts more than the program's"
    await place.start().check()
    assert place.database.trust.failure is None, "what one server uses is not recorded as the program's"


async def test_where_the_server_uses_the_file_that_the_program_names_that_one_counts(place: Place, tmp_path: Path) -> None:
    fine(place.world)
    second = other(place, tmp_path)
    session(second, "ses_theirs")
    place.program.answer = second.opencode
    source = place.start(Servers(used=Server(["ses_theirs"]).connection()))
    await source.check()
    assert source.is_unproved
    await source.find()
    assert (place.database.path, place.database.trust) == (second.opencode, Trust())


async def test_a_session_that_is_deleted_during_the_comparison_is_no_disagreement(place: Place) -> None:
    session(place.world, "ses_1")
    server = Server(["ses_1"], stale=[["ses_just_deleted"]])
    source = place.start(Servers(used=server.connection()))
    await source.check()
    assert place.database.trust == Trust()


async def test_a_server_that_runs_already_is_joined_and_none_is_started(place: Place) -> None:
    session(place.world, "ses_1")
    servers = Servers(found=Server(["ses_1"]).connection())
    source = place.start(servers)
    await source.check()
    assert servers.used is None, "not for a look alone"
    await source.find()
    assert servers.used and servers.starts == 0 and place.database.trust == Trust()


async def test_a_server_without_sessions_says_nothing_of_a_file_without_sessions(place: Place) -> None:
    await place.start(Servers(used=Server().connection())).check()
    assert place.database.trust.failure is None and not place.database.trust.absence_counts
    attached = place.start(Servers(is_external=True, found=Server().connection()))
    await attached.check()
    assert not attached.is_unproved and not place.database.trust.absence_counts
    assert "holds no session yet" in place.database.trust.why


async def test_where_there_is_no_file_a_server_with_sessions_uses_another(place: Place) -> None:
    place.world.opencode.unlink()
    source = place.start(Servers(used=Server().connection()))
    await source.check()
    assert not source.is_unproved
    source = place.start(Servers(used=Server(["ses_1"]).connection()))
    await source.check()
    assert place.database.trust.failure is Failure.OTHER_DATABASE


FAILURES: list[tuple[Failing, Failure]] = [
    (httpx.ConnectError("refused"), Failure.SERVER_DOWN),
    (httpx.ReadTimeout("hangs"), Failure.TIMEOUT),
    ((401, None), Failure.UNAUTHORIZED),
    ((500, {"name": "UnknownError"}), Failure.SERVER_ERROR),
    ((200, "another program's answer"), Failure.UNSUPPORTED),
    (NOT_FOUND, Failure.SERVER_ERROR),
]


@pytest.mark.parametrize(("fails", "failure"), FAILURES)
async def test_while_an_attached_server_cannot_be_asked_the_file_says_nothing(
    place: Place, fails: Failing, failure: Failure
) -> None:
    """Our own program does not know where an attached server has its sessions, so it is not asked."""
    session(place.world, "ses_1")
    server = Server(["ses_1"])
    source = place.start(Servers(is_external=True, found=server.connection()))
    assert source.is_unproved
    await source.check()
    assert (source.is_unproved, place.database.trust) == (False, Trust())
    server.fails = fails
    place.database.path = place.world.opencode.with_name("another.db")
    await source.check()
    assert source.is_unproved and place.database.trust.failure is failure and place.database.trust.why
    await source.find()
    server.fails, place.database.path = None, place.world.opencode
    await source.check()
    assert (place.database.trust, place.program.asked) == (Trust(), 0)


@pytest.mark.parametrize(("fails", "_failure"), FAILURES)
async def test_a_server_of_ours_that_cannot_be_asked_changes_nothing(place: Place, fails: Failing, _failure: Failure) -> None:
    missing(place.world)
    source = place.start(Servers(used=Server(["ses_1"], fails).connection()))
    assert await place.read(source) is Reason.MISSING, "the program has named the file"


@pytest.mark.parametrize("error", [ServerFailed("It ended at once."), StoreError("The disk is full.")])
async def test_a_server_that_cannot_be_reached_breaks_no_scan(place: Place, error: T3TrayError) -> None:
    missing(place.world)
    assert await place.read(place.start(Servers(fails=error))) is Reason.MISSING
    attached = place.start(Servers(is_external=True, fails=error))
    assert await place.read(attached) is Reason.SERVER_ERROR
    assert place.database.trust == Trust(Failure.SERVER_ERROR, False, error.message)


async def test_an_attached_server_that_goes_away_vouches_no_more(place: Place) -> None:
    fine(place.world)
    servers = Servers(is_external=True, found=Server(["ses_1"]).connection())
    source = place.start(servers)
    assert await place.read(source) is Reason.UNPROVEN
    servers.used, servers.fails = None, ServerFailed("No response.")
    assert await place.read(source) is Reason.SERVER_ERROR
    servers.fails = None
    assert await place.read(source) is Reason.UNPROVEN
