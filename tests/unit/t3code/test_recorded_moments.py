"""Every recorded session request with T3 Code's database of that moment: its thread, and the guard's answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from t3tray.domain.guard import CreateRequest, GuardAction, GuardRequest, PermissionRule, ReadRequest, Refusal, UpstreamAnswer
from t3tray.domain.guard_rules import decide, identify
from t3tray.messages.guard_evidence import evidence_lines
from t3tray.t3code.home import T3Home
from t3tray.t3code.live_query import read_now
from tests.support.t3_traffic import Recorded, recording
from tests.support.t3_world import World, empty_world, writing

CWD = "/home/dev/code/proj"
MOMENTS = [
    (name, line)
    for name in ("a", "b", "c", "d", "f-null", "j-textgen")
    for line in recording(name)
    if line.database and line.method != "PATCH"
]
EXPECTED: dict[tuple[str, int], GuardAction | Refusal] = {
    ("a", 6): GuardAction.CREATE,
    ("b", 14): GuardAction.PASS,
    ("c", 53): Refusal.SESSION_GONE,
    ("c", 54): Refusal.SESSION_GONE,
    ("d", 57): Refusal.NO_SESSION,
    ("f-null", 73): Refusal.NO_SESSION,
    ("j-textgen", 103): GuardAction.PASS,
    ("j-textgen", 104): GuardAction.CREATE,
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return empty_world(tmp_path)


def rows_of(database: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the threads of either of the recorder's two forms, in the second one."""
    if "by_starting" in database:
        return list(database["by_starting"])
    runtime = {row["thread_id"]: row for row in database["runtime"]}
    waiting = {row["thread_id"] for row in database["turns_open"] if row["state"] == "pending"}
    return [
        {
            "thread_id": row["thread_id"],
            "title": row["title"],
            "cwd": row["cwd"],
            "latest_user_message_at": row["latest_user_message_at"],
            "pts_status": row["status"],
            "psr_status": runtime.get(row["thread_id"], {}).get("status"),
            "psr_cursor": runtime.get(row["thread_id"], {}).get("resume_cursor_json"),
            "psr_last_seen": runtime.get(row["thread_id"], {}).get("last_seen_at"),
            "n_turns": int(row["latest_turn_id"] is not None),
            "n_pending_turns": int(row["thread_id"] in waiting),
            "n_assistant_msgs": int(row["latest_turn_id"] is not None),
        }
        for row in database["threads"]
    ]


def bring_to(world: World, database: dict[str, Any]) -> None:
    with writing(world.state) as connection:
        for row in rows_of(database):
            thread, at = row["thread_id"], row["latest_user_message_at"]
            connection.execute(
                "INSERT INTO projection_threads (thread_id, project_id, title, worktree_path, created_at, updated_at,"
                " latest_user_message_at) VALUES (?, 'p1', ?, ?, ?, ?, ?)",
                (thread, row["title"], row["cwd"], at, at, at),
            )
            connection.execute(
                "INSERT INTO projection_thread_sessions (thread_id, status, provider_name, updated_at)"
                " VALUES (?, ?, 'opencode', ?)",
                (thread, row["pts_status"], at),
            )
            if row["psr_status"]:
                connection.execute(
                    "INSERT INTO provider_session_runtime (thread_id, provider_name, adapter_key, status, last_seen_at,"
                    " resume_cursor_json) VALUES (?, 'opencode', 'opencode', ?, ?, ?)",
                    (thread, row["psr_status"], row["psr_last_seen"], row["psr_cursor"]),
                )
            turns = [f"turn-{number}" for number in range(row["n_turns"])] + [None] * row["n_pending_turns"]
            connection.executemany(
                "INSERT INTO projection_turns (thread_id, turn_id, state, requested_at, checkpoint_files_json)"
                " VALUES (?, ?, ?, ?, '[]')",
                [(thread, turn, "completed" if turn else "pending", at) for turn in turns],
            )
            connection.executemany(
                "INSERT INTO projection_thread_messages (message_id, thread_id, role, text, is_streaming, created_at, updated_at)"
                " VALUES (?, ?, 'assistant', '', 0, ?, ?)",
                [(f"{thread}-{number}", thread, at, at) for number in range(row["n_assistant_msgs"])],
            )


def asked_by(line: Recorded) -> GuardRequest:
    if line.method == "GET":
        return ReadRequest(line.path.split("/session/")[1].split("?")[0], CWD)
    assert line.body is not None
    rules = tuple(PermissionRule(**rule) for rule in line.body["permission"])
    return CreateRequest(line.body["title"], unquote(line.headers["x-opencode-directory"]), rules)


@pytest.mark.parametrize(("name", "line"), MOMENTS, ids=[f"{name}-{line.number}" for name, line in MOMENTS])
def test_a_recorded_request_is_put_down_to_its_thread(world: World, name: str, line: Recorded) -> None:
    assert line.database is not None
    bring_to(world, line.database)
    asked = asked_by(line)
    named = asked.session_id if isinstance(asked, ReadRequest) else ""
    t3 = read_now([T3Home(world.home)], named)
    said = {200: UpstreamAnswer.FOUND, 404: UpstreamAnswer.MISSING}.get(line.status, UpstreamAnswer.FAILED)
    decision = decide(asked, identify(asked, t3, None), t3, None, said)
    assert (decision.refusal or decision.answer) is EXPECTED[name, line.number]
    (starting,) = [row["thread_id"] for row in rows_of(line.database) if row["pts_status"] == "starting"]
    assert decision.thread_id == (None if name == "j-textgen" and line.number == 103 else starting)
    assert all(evidence_lines(decision))


def test_every_recorded_session_request_was_looked_at() -> None:
    assert {(name, line.number) for name, line in MOMENTS} == set(EXPECTED)
