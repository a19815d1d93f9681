"""Rows of OpenCode 2 in its own table of the database that it shares with OpenCode 1."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing

from tests.support.opencode import OpenCodeHome


def in_opencode2(home: OpenCodeHome, session: str, *types: str) -> None:
    """Write rows as OpenCode 2 does (and those of an agent, as 1.15 to 1.17 do)."""
    now = round(time.time() * 1000)
    data = {
        "user": {"text": "the codeword is KESTREL", "time": {"created": now}},
        "assistant": {
            "agent": "build",
            "model": {"id": "stub-1", "providerID": "stub", "variant": "default"},
            "content": [{"type": "text", "id": "text-0", "text": "OK."}],
            "time": {"created": now, "completed": now},
            "finish": "stop",
        },
        "agent-switched": {"agent": "plan", "time": {"created": now}},
    }
    with closing(sqlite3.connect(home.database, timeout=90)) as connection, connection:
        columns = [str(column[1]) for column in connection.execute("PRAGMA table_info(session_message)")]
        # 1.15 to 1.17 may have written rows of an agent already; 1.15 does not count them.
        counted = "SELECT coalesce(max(seq), -1) FROM session_message WHERE session_id = ?"
        first = connection.execute(counted, (session,)).fetchone()[0] + 1 if "seq" in columns else 0
        for n, kind in enumerate(types, first):
            row = {"id": f"msg_v2_{n}", "session_id": session, "type": kind, "seq": n, "data": json.dumps(data[kind])}
            row |= {"time_created": now, "time_updated": now}
            names = [name for name in columns if name in row]
            places = ", ".join("?" for _ in names)
            values = [row[name] for name in names]
            connection.execute(f"INSERT INTO session_message ({', '.join(names)}) VALUES ({places})", values)
