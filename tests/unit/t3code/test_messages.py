"""T3 Code's own copy of a thread's messages, as it was in a real run, and in forms that are known less well."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from t3tray.demo.t3_database import add_message, stamp
from t3tray.domain.evidence import Role
from t3tray.domain.transcript import Origin, Transcript
from t3tray.t3code.home import T3Home
from t3tray.t3code.state import T3Reader
from tests.support.t3_world import NOON, SAMPLE_THREAD, World, add_thread, empty_world, milliseconds, sample_world, writing

V2_TABLES = """
CREATE TABLE orchestration_v2_projection_threads (thread_id TEXT PRIMARY KEY, project_id TEXT, title TEXT, default_provider TEXT,
    active_provider_thread_id TEXT, created_at TEXT, updated_at TEXT, archived_at TEXT, deleted_at TEXT, payload_json TEXT,
    provider_instance_id TEXT);
CREATE TABLE orchestration_v2_projection_provider_threads (provider_thread_id TEXT PRIMARY KEY, thread_id TEXT, driver TEXT,
    status TEXT, first_run_ordinal INTEGER, last_run_ordinal INTEGER, updated_at TEXT, payload_json TEXT);
CREATE TABLE orchestration_v2_projection_messages (message_id TEXT PRIMARY KEY, thread_id TEXT, role TEXT, streaming INTEGER,
    created_at TEXT, updated_at TEXT, payload_json TEXT);
"""


def transcript(world: World, thread: str) -> Transcript | None:
    reader = T3Reader(T3Home(world.home))
    reader.read()
    return reader.transcript(thread)


def with_messages(scratch: Path, *messages: tuple[str, str, str, int, str | None]) -> World:
    """Return a world with one thread, and messages of id, role, text, whether it is streaming, and attachments."""
    world = empty_world(scratch)
    with writing(world.state) as connection:
        add_thread(connection, "t1", "ses_1")
        for message_id, role, text, streaming, attachments in messages:
            more = {"is_streaming": streaming, "attachments_json": attachments}
            add_message(connection, "t1", role, text, NOON, message_id, **more)
    return world


def test_the_samples_conversation_is_told_in_order(tmp_path: Path) -> None:
    found = transcript(sample_world(tmp_path), SAMPLE_THREAD)
    assert found is not None and found.origin is Origin.T3CODE and found.session_id is None
    with sqlite3.connect(f"{(tmp_path / 't3/userdata/state.sqlite').as_uri()}?mode=ro&immutable=1", uri=True) as connection:
        query = "SELECT text FROM projection_thread_messages WHERE thread_id = ? ORDER BY created_at"
        texts = [text for (text,) in connection.execute(query, (SAMPLE_THREAD,))]
    connection.close()
    assert [said.text for said in found.messages] == texts
    assert found.messages[0].role is Role.USER and any(said.role is Role.ASSISTANT for said in found.messages)
    assert "several sessions" in found.missing[0]


def test_files_are_named_and_what_was_being_written_is_marked(tmp_path: Path) -> None:
    world = with_messages(
        tmp_path,
        ("m1", "user", "look", 0, '[{"type":"image","id":"a","name":"shot.png","mimeType":"image/png","sizeBytes":1}]'),
        ("m2", "user", "and", 0, "what is this?"),
        ("m3", "assistant", "I se", 1, None),
    )
    found = transcript(world, "t1")
    assert found is not None
    assert [(said.files, said.finished) for said in found.messages] == [
        (("shot.png",), True),
        (("files with unknown names",), True),
        ((), False),
    ]
    assert found.messages[0].created_ms == milliseconds(NOON)
    assert any("still being written" in said for said in found.missing)


def test_lines_of_nobody_are_left_out_and_that_is_said(tmp_path: Path) -> None:
    found = transcript(with_messages(tmp_path, ("m1", "user", "hello", 0, "[]"), ("m2", "system", "x", 0, None)), "t1")
    assert found is not None
    assert [said.text for said in found.messages] == ["hello"]
    assert any("Left out: 1 message that" in said for said in found.missing)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE projection_thread_messages",
        "ALTER TABLE projection_thread_messages RENAME COLUMN text TO body",
        "DELETE FROM projection_thread_messages",
    ],
)
def test_without_messages_or_in_another_form_there_is_none(tmp_path: Path, statement: str) -> None:
    world = with_messages(tmp_path, ("m1", "user", "hello", 0, "[]"))
    with writing(world.state) as connection:
        connection.execute(statement)
    assert transcript(world, "t1") is None


@pytest.mark.parametrize(
    ("payload", "texts"),
    [
        ({"text": "hello", "attachments": []}, ["hello"]),
        ({"text": 7}, None),
        ({"parts": ["hello"]}, None),
    ],
)
def test_the_second_orchestrators_messages_are_read_where_their_form_is_understood(
    tmp_path: Path, payload: dict[str, object], texts: list[str] | None
) -> None:
    world = empty_world(tmp_path)
    with writing(world.state) as connection:
        for statement in filter(str.strip, V2_TABLES.split(";")):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO orchestration_v2_projection_messages VALUES ('m1', 't1', 'user', 0, ?, ?, ?)",
            (stamp(NOON), stamp(NOON), json.dumps(payload)),
        )
    found = transcript(world, "t1")
    assert (found and [said.text for said in found.messages]) == texts
