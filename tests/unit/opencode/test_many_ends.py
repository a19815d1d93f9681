"""The last messages of all sessions in one query: the same as by a query for each session, however the session ends."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from t3tray.opencode import session_rows
from t3tray.opencode.database import OpenCodeDatabase
from tests.support.t3_world import NOON, add_session, empty_world, milliseconds, writing

_AT = milliseconds(NOON)
_TEXT = {"type": "text", "text": "word"}
_ASKS = {"type": "compaction", "auto": False}
_TOOL = {"type": "tool", "tool": "bash", "state": {"status": "error"}}
_FAILED = {"error": {"name": "APIError", "data": {"message": "no"}}}
_DONE = {"time": {"created": _AT, "completed": _AT + 1}, "finish": "stop"}
# What can end a session, or stand in its middle: what is in the message, and its parts.
_MESSAGES: tuple[tuple[Mapping[str, object], tuple[Mapping[str, object], ...]], ...] = (
    ({"role": "user"}, (_TEXT,)),
    ({"role": "user"}, (_ASKS,)),
    ({"role": "user"}, ({**_ASKS, "tail_start_id": "msg_0"}, _TEXT)),
    ({"role": "user"}, ()),
    ({"role": "assistant", **_DONE}, (_TEXT,)),
    ({"role": "assistant", **_DONE}, ()),
    ({"role": "assistant"}, (_TOOL,)),
    ({"role": "assistant", **_FAILED}, (_TEXT,)),
    ({"role": "assistant", **_FAILED}, (_TOOL,)),
    ({"role": "assistant", **_FAILED}, ({"type": "text", "text": " \n"},)),
    ({"role": "assistant", **_FAILED}, ()),
    ({"role": "assistant", "mode": "compaction", "summary": True, **_DONE}, (_TEXT,)),
    ({"role": "assistant", "summary": True, **_DONE}, (_TEXT,)),
)


def test_all_tell_the_same_as_some_and_the_last_message_the_same_as_each_by_itself(tmp_path: Path) -> None:
    world = empty_world(tmp_path)
    sessions = []
    with writing(world.opencode) as connection:
        for number, pair in enumerate(itertools.product(_MESSAGES, repeat=2)):
            sessions.append(f"ses_{number:03}")
            add_session(connection, sessions[-1], world.code / "proj", messages=2)
            for place, (body, parts) in enumerate(pair, 2):
                _write(connection, sessions[-1], place, body, parts)
        add_session(connection, "ses_empty", world.code / "proj", messages=0)
    with closing(OpenCodeDatabase(world.opencode).reader()) as reader:
        asked = [*sessions, "ses_empty"]
        newest, *rest = session_rows.ends(reader, asked, are_most=True)
        assert (newest, *rest) == session_rows.ends(reader, asked, are_most=False)
        assert newest == {name: reader.newest(name) for name in sessions}


def _write(
    connection: sqlite3.Connection, session: str, place: int, body: Mapping[str, object], parts: tuple[Mapping[str, object], ...]
) -> None:
    name = f"msg_{session}_{place}"
    text = json.dumps({"time": {"created": _AT + 1000 * place}, **body}).replace(
        "msg_1", f"msg_{session.removeprefix('ses_')}_00000"
    )
    connection.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?)", (name, session, _AT + 1000 * place, _AT, text))
    for number, part in enumerate(parts):
        row = (f"prt_{name}_{number}", name, session, _AT, _AT, json.dumps(part))
        connection.execute("INSERT INTO part VALUES (?, ?, ?, ?, ?, ?)", row)
