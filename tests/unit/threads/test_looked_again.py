"""A verdict that is reused by the next scan holds only while its evidence does, also where that changes without a sign."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from t3tray.domain.carries import CarriesKind
from t3tray.domain.t3code_side import NextReason
from t3tray.domain.verdict import Kind, Reason
from t3tray.messages.t3code_side import next_sentence
from t3tray.threads.t3code_sides import T3Sides
from tests.support.scan_cases import Eyes
from tests.support.t3_world import NOON, World, add_message, add_session, add_thread, empty_world, writing

WHOLE, PART = CarriesKind.WHOLE, CarriesKind.PART
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return empty_world(tmp_path)


@pytest.fixture
def eyes(world: World, tmp_path: Path) -> Iterator[Eyes]:
    """A thread that is proved, and another session that was used an hour later."""
    with writing(world.state) as connection:
        add_thread(connection, "t1", "ses_1")
    with writing(world.opencode) as connection:
        add_session(connection, "ses_1", world.code / "proj", messages=6)
        add_session(connection, "ses_2", world.code / "proj", at=LATER)
    made = Eyes(world, tmp_path)
    made.keep()
    assert told(made) == (Reason.PROVED, WHOLE)
    yield made
    made.store.close()


def told(eyes: Eyes) -> tuple[Reason, CarriesKind]:
    verdict = eyes.one().verdict
    return verdict.reason, verdict.carries.kind


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("DELETE FROM message WHERE id = 'msg_1_00002'", (Reason.PROVED, PART)),
        ("DELETE FROM message WHERE id = 'msg_1_00005'", (Reason.INTERRUPTED, PART)),
        ("DELETE FROM message WHERE session_id = 'ses_1'", (Reason.EMPTY, CarriesKind.NOTHING)),
        ("DELETE FROM part WHERE message_id = 'msg_1_00002'", (Reason.PROVED, PART)),
    ],
)
def test_what_is_deleted_is_seen_though_it_touches_no_session(
    world: World, eyes: Eyes, statement: str, expected: tuple[Reason, CarriesKind]
) -> None:
    """OpenCode deletes a message or a part and leaves its session's times as they were (1.18.33)."""
    with writing(world.opencode) as connection:
        connection.execute(statement)
    assert told(eyes) == expected


def test_a_message_that_comes_where_another_went_is_seen(world: World, eyes: Eyes) -> None:
    with writing(world.opencode) as connection:
        connection.execute("DELETE FROM message WHERE id = 'msg_1_00002'")
        add_message(connection, "ses_1", 6, NOON + timedelta(seconds=6))
    assert told(eyes)[1] is not WHOLE


def test_what_opencode2_wrote_is_seen_where_as_much_of_another_session_went(world: World, eyes: Eyes) -> None:
    def write(session: str) -> None:
        rows = [(f"msg_v2_{session}_{kind}", session, kind, seq, 1, 1, "{}") for seq, kind in enumerate(("user", "assistant"))]
        connection.executemany("INSERT INTO session_message VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    with writing(world.opencode) as connection:
        write("ses_2")
    assert told(eyes) == (Reason.PROVED, WHOLE)
    with writing(world.opencode) as connection:
        connection.execute("DELETE FROM session_message")
        write("ses_1")
    assert told(eyes) == (Reason.PROVED, PART)


def test_an_answer_that_failed_is_not_carried_on_either_side(world: World, eyes: Eyes) -> None:
    with writing(world.opencode) as connection:
        data = json.loads(connection.execute("SELECT data FROM message WHERE id = 'msg_1_00003'").fetchone()[0])
        data["error"] = {"name": "UnknownError", "data": {"message": "broken"}}
        connection.execute("UPDATE message SET data = ? WHERE id = 'msg_1_00003'", (json.dumps(data, separators=(",", ":")),))
        connection.execute("UPDATE session SET time_updated = time_updated + 1")
    assert told(eyes) == (Reason.PROVED, PART)
    side = T3Sides().of(eyes.look(), LATER)["t1"]
    assert (side.kind, side.reason, side.is_fine) == (Kind.RESUMABLE, NextReason.PARTIAL, False)
    assert next_sentence(side) == (
        "In T3 Code your next message goes to a session that holds only a part of this conversation"
        " (1 answer that failed is shown, and OpenCode gives nothing of it to the model)."
    )


def test_a_folder_that_becomes_another_one_is_seen(world: World, eyes: Eyes) -> None:
    """A link that now leads elsewhere: T3 Code would continue in a copy of the session, in the earlier folder."""
    proj, moved = world.code / "proj", world.code / "moved"
    proj.rename(moved)
    proj.symlink_to(moved)
    with writing(world.opencode) as connection:
        connection.execute("UPDATE session SET directory = ? WHERE id = 'ses_1'", (str(moved),))
        connection.execute("UPDATE session SET time_updated = time_updated + 1")
    assert told(eyes)[0] is Reason.PROVED
    (world.code / "elsewhere").mkdir()
    proj.unlink()
    proj.symlink_to(world.code / "elsewhere")
    assert told(eyes)[0] is Reason.DIRECTORY_MISMATCH


def in_place(database: Path) -> None:
    times = database.stat()
    shutil.copyfile(database.with_suffix(".copy"), database)
    os.utime(database, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize("put_back", [in_place])
def test_a_database_of_the_same_size_and_time_is_read_again(world: World, eyes: Eyes, put_back: Callable[[Path], None]) -> None:
    copy = world.opencode.with_suffix(".copy")
    shutil.copyfile(world.opencode, copy)
    with writing(copy) as connection:
        connection.execute("UPDATE session SET time_updated = time_updated + 1, parent_id = 'ses_2' WHERE id = 'ses_1'")
    assert copy.stat().st_size == world.opencode.stat().st_size
    put_back(world.opencode)
    assert told(eyes)[0] is Reason.CHILD
