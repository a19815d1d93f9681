"""Threads that T3 Code has deleted: no list has them, `show` reports that, and t3tray's data about them stays."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from t3tray.cli import parser
from t3tray.demo.t3_database import stamp
from t3tray.domain.verdict import Reason
from t3tray.errors import ThreadNotFound, UsageError
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.store.store import Store
from t3tray.t3code.home import T3Home
from t3tray.t3code.state import T3Reader
from t3tray.threads.evidence import Surroundings
from t3tray.threads.proof_recorder import ProofRecorder
from t3tray.threads.scan import Scanner
from tests.support.stores import open_store
from tests.support.t3_world import NOON, World, add_session, add_thread, add_v2, empty_world, make_v2, writing

DELETED = NOON + timedelta(hours=2)
SAID = "This thread was deleted in T3 Code at 2026-11-24 14:00 UTC. t3tray keeps its binding and its journal."


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = empty_world(tmp_path)
    with writing(world.state) as state, writing(world.opencode) as opencode:
        add_thread(state, "gone-1", "ses_1", title="The parser")
        add_thread(state, "live-1", "ses_2")
        for name in ("ses_1", "ses_2"):
            add_session(opencode, name, world.code / "proj")
    return world


@pytest.fixture
def store(world: World, tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(tmp_path / "data", lambda: NOON)) as opened:
        yield opened


@pytest.fixture
def scanner(world: World, store: Store) -> Scanner:
    surroundings = Surroundings(lambda: datetime.now(UTC), lambda: False)
    return Scanner(store, OpenCodeDatabase(world.opencode), surroundings, [T3Reader(T3Home(world.home))])


def delete_thread(world: World) -> None:
    with writing(world.state) as connection:
        connection.execute("UPDATE projection_threads SET deleted_at = ? WHERE thread_id = 'gone-1'", (stamp(DELETED),))


def delete_project(world: World) -> None:
    with writing(world.state) as connection:
        connection.execute(
            "INSERT INTO projection_projects"
            " (project_id, title, workspace_root, scripts_json, created_at, updated_at, deleted_at)"
            " SELECT 'p2', title, workspace_root, scripts_json, created_at, updated_at, ? FROM projection_projects",
            (stamp(DELETED),),
        )
        connection.execute("UPDATE projection_threads SET project_id = 'p2' WHERE thread_id = 'gone-1'")


def forget_thread(world: World) -> None:
    """Remove the row itself, and with it the time of its deletion."""
    with writing(world.state) as connection:
        for table in ("projection_threads", "projection_thread_sessions", "provider_session_runtime"):
            connection.execute(f"DELETE FROM {table} WHERE thread_id = 'gone-1'")


def keep(scanner: Scanner, store: Store, world: World) -> None:
    ProofRecorder(store, OpenCodeDatabase(world.opencode), lambda: NOON).record(scanner.scan())


@pytest.mark.parametrize("delete", [delete_thread, delete_project, forget_thread])
def test_no_look_shows_it_and_its_binding_stays(
    scanner: Scanner, store: Store, world: World, delete: Callable[[World], None]
) -> None:
    keep(scanner, store, world)
    delete(world)
    assert [found.thread.id for found in scanner.scan().assessments] == ["live-1"]
    recorded = scanner.load_record("gone", also_deleted=True)
    assert recorded.deleted and recorded.thread.title == "The parser"
    assert recorded.cursor == store.journal.binding("gone-1").cursor and recorded.cursor is not None
    assert scanner.assess(recorded).verdict.reason is Reason.PROVED
    assert [found.thread.id for found in scanner.scan().assessments] == ["live-1"]


@pytest.mark.parametrize(
    ("delete", "said"), [(delete_thread, "at 2026-11-24 14:00 UTC"), (forget_thread, "is no longer in T3 Code")]
)
def test_nothing_is_done_with_it_and_the_refusal_says_since_when(
    scanner: Scanner, store: Store, world: World, delete: Callable[[World], None], said: str
) -> None:
    keep(scanner, store, world)
    delete(world)
    with pytest.raises(ThreadNotFound, match=said) as refused:
        scanner.load_record("gone-1")
    assert "t3tray show gone-1" in str(refused.value.hint)


def test_the_beginning_of_an_id_means_the_live_thread_first(scanner: Scanner, world: World) -> None:
    with writing(world.state) as connection:
        add_thread(connection, "gone-2", "ses_1")
        add_thread(connection, "lost-1", None)
        add_thread(connection, "lost-2", None)
        connection.execute("UPDATE projection_threads SET deleted_at = ? WHERE thread_id LIKE 'lost%'", (stamp(DELETED),))
    delete_thread(world)
    assert scanner.load_record("gone").thread.id == "gone-2"
    with pytest.raises(UsageError, match="2 threads"):
        scanner.load_record("lost", also_deleted=True)
    with pytest.raises(ThreadNotFound, match="There is no thread"):
        scanner.load_record("never", also_deleted=True)


def test_a_deleted_thread_of_the_new_version_is_told_too(scanner: Scanner, world: World) -> None:
    path = make_v2(world)
    add_v2(path, "two-1", "ses_1", at=NOON + timedelta(hours=1))
    with writing(path) as connection:
        connection.execute("UPDATE orchestration_v2_projection_threads SET deleted_at = ?", (stamp(DELETED),))
    recorded = scanner.load_record("two", also_deleted=True)
    assert recorded.t3 and recorded.t3.deleted_at == DELETED
    assert recorded.cursor and recorded.cursor.session_id == "ses_1"


@pytest.mark.process
def test_show_tells_it_and_the_commands_that_do_something_refuse(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T3CODE_HOME", str(world.home))
    monkeypatch.setenv("OPENCODE_DB", str(world.opencode))
    delete_thread(world)

    def answer(*words: str) -> tuple[int, dict[str, Any]]:
        out = io.StringIO()
        code = parser.run(parser.parse([*words, "--json"], out, out), out, out)
        return code, json.loads(out.getvalue())

    code, shown = answer("show", "gone-1")
    assert (code, shown["deleted"], shown["offered"]) == (0, SAID, [])
    assert (shown["thread"]["session_id"], shown["thread"]["t3code"]["deleted_at"]) == ("ses_1", "2026-11-24T14:00:00.000Z")
    assert [thread["id"] for thread in answer("threads", "--all")[1]["threads"]] == ["live-1"]
    code, refused = answer("resume", "gone-1")
    assert code == 5 and SAID in refused["error"]["message"]
    assert "The parser" not in json.dumps(answer("doctor")[1], ensure_ascii=False)
