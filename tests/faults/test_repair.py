"""Repairing T3 Code's cursor on its real schema: one row changes and nothing else; anything odd is refused; no crash harms it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from t3tray.domain.remedy import Repair
from t3tray.errors import Refused
from t3tray.system import read_only_sqlite
from t3tray.t3code import cursor_repair as t3code
from t3tray.t3code.home import T3Home
from tests.support.kill_at_lines import killed_at_lines
from tests.support.t3_world import World, add_thread, empty_world, sample_world, writing

NEW = "ses_new1"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return prepared(tmp_path)


def prepared(root: Path) -> World:
    made = empty_world(root)
    with writing(made.state) as connection:
        for number in range(3):
            add_thread(connection, f"t{number}", f"ses_old{number}")
        add_thread(connection, "null", None)
        add_thread(connection, "codex", "ses_x", provider="codex")
    return made


def checked(world: World, thread: str = "t1", session: str = NEW) -> Repair:
    found = t3code.check(T3Home(world.home), thread, session)
    return Repair(found.home, found.thread_id, found.before, found.after, str(world.home.parent / "copies" / "one.sqlite"))


def dump(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
        return {table: connection.execute(f"SELECT rowid, * FROM {table} ORDER BY 1").fetchall() for table in tables}


def cursor(world: World, thread: str = "t1") -> str | None:
    with closing(sqlite3.connect(world.state)) as connection:
        found: str | None = connection.execute(
            "SELECT resume_cursor_json FROM provider_session_runtime WHERE thread_id = ?", (thread,)
        ).fetchone()[0]
        return found


def test_one_row_changes_and_nothing_else(world: World) -> None:
    before = dump(world.state)
    repair = checked(world)
    assert dump(world.state) == before, "a check writes nothing"
    t3code.apply(repair)
    after = dump(world.state)
    rows = [(one, other) for table in before for one, other in zip(before[table], after[table], strict=True) if one != other]
    ((old, new),) = rows
    assert [each for each in zip(old, new, strict=True) if each[0] != each[1]] == [(repair.before, repair.after)]
    assert json.loads(repair.after or "") == {"schemaVersion": 1, "sessionId": NEW}
    assert dump(Path(repair.copy)) == before and Path(repair.copy).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in world.state.parent.iterdir()) == ["logs", "state.sqlite"]
    assert t3code.stands(repair) and not t3code.stands(repair.reversed)


@pytest.mark.parametrize("thread", ["t1", "null"])
def test_it_can_be_taken_back(world: World, thread: str) -> None:
    before = dump(world.state)
    repair = checked(world, thread)
    t3code.apply(repair)
    t3code.apply(Repair(repair.home, thread, repair.after, repair.before, repair.copy + "2"))
    assert dump(world.state) == before


def test_the_real_sample_is_a_form_that_is_known(tmp_path: Path) -> None:
    world = sample_world(tmp_path)
    t3code.apply(checked(world, "f9dddd99-46c7-46cf-93a5-ed5a94cb47ee"))
    assert NEW in (cursor(world, "f9dddd99-46c7-46cf-93a5-ed5a94cb47ee") or "")


def runtime_file(world: World, pid: int) -> None:
    T3Home(world.home).runtime_file.write_text(json.dumps({"version": 1, "pid": pid, "origin": "", "startedAt": ""}))


def sql(statement: str) -> Callable[[World], None]:
    def do(world: World) -> None:
        with writing(world.state) as connection:
            connection.execute(statement)

    return do


@pytest.mark.parametrize(
    ("reason", "make"),
    [
        ("is running", lambda world: runtime_file(world, os.getpid())),
        ("did not shut down properly", lambda world: runtime_file(world, 2**22 + 1)),
        ("-wal", lambda world: Path(f"{world.state}-wal").write_bytes(b"x")),
        ("-journal", lambda world: Path(f"{world.state}-journal").write_bytes(b"")),
        ("has an unknown schema", sql("ALTER TABLE provider_session_runtime ADD COLUMN more TEXT")),
        ("has an unknown schema", sql("ALTER TABLE provider_session_runtime RENAME COLUMN adapter_key TO adapter")),
        ("has an unknown schema", sql("PRAGMA user_version = 7")),
        (
            "has an unknown schema",
            sql("CREATE TRIGGER x AFTER UPDATE ON provider_session_runtime BEGIN DELETE FROM projection_turns; END"),
        ),
        ("unknown format", sql("UPDATE provider_session_runtime SET resume_cursor_json = '{\"sessionId\": 5}'")),
        ("unknown format", sql("UPDATE provider_session_runtime SET resume_cursor_json = 'nothing'")),
        (
            "version 2",
            sql('UPDATE provider_session_runtime SET resume_cursor_json = \'{"schemaVersion":2,"sessionId":"ses_a"}\''),
        ),
        ("has no cursor for", sql("DELETE FROM provider_session_runtime WHERE thread_id = 't1'")),
        ("codex", sql("UPDATE provider_session_runtime SET provider_name = 'codex'")),
    ],
)
def test_anything_odd_is_refused_and_nothing_changes(world: World, reason: str, make: Callable[[World], None]) -> None:
    repair = checked(world)
    make(world)
    before = world.state.read_bytes()
    with pytest.raises(Refused, match=reason):
        checked(world)
    with pytest.raises(Refused, match=reason):
        t3code.apply(repair)
    assert world.state.read_bytes() == before
    assert not Path(repair.copy).exists()


def test_a_cursor_that_changed_meanwhile_is_left_alone(world: World) -> None:
    repair = checked(world)
    with writing(world.state) as connection:
        connection.execute("UPDATE provider_session_runtime SET resume_cursor_json = NULL WHERE thread_id = 't1'")
    with pytest.raises(Refused, match="has changed since"):
        t3code.apply(repair)
    assert cursor(world) is None


def test_a_database_that_somebody_has_open_is_refused(world: World) -> None:
    repair = checked(world)
    with closing(sqlite3.connect(world.state)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Refused):
            t3code.apply(repair)
    assert "ses_old1" in (cursor(world) or "")


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_killed_anywhere_it_is_as_before_or_done_and_can_be_run_again(tmp_path: Path, mode: str) -> None:
    place: dict[str, World] = {}
    repairs: dict[str, Repair] = {}

    template = prepared(tmp_path / "template")
    with closing(sqlite3.connect(template.state)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")

    def prepare() -> Callable[[], object]:
        root = tmp_path / str(len(repairs))
        shutil.copytree(tmp_path / "template", root)
        world = place["now"] = World(root / "t3", root / "xdg" / "opencode" / "opencode.db", root / "code")
        repair = repairs["now"] = checked(world)
        repairs[str(len(repairs))] = repair
        return lambda: t3code.apply(repair)

    kills = 0
    for was_killed in killed_at_lines(prepare, t3code, read_only_sqlite):
        world, repair = place["now"], repairs["now"]
        kills += was_killed
        t3code.apply(repair)
        assert cursor(world) == repair.after and cursor(world, "t0") == checked_text("ses_old0")
        assert sorted(path.name for path in world.state.parent.iterdir()) == ["logs", "state.sqlite"]
        assert "ses_old1" in str(dump(Path(repair.copy))["provider_session_runtime"])
    assert kills > 5


def checked_text(session: str) -> str:
    return json.dumps({"schemaVersion": 1, "sessionId": session})
