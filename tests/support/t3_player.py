"""Imitates T3 Code: holds its database open in WAL mode, and writes as T3 Code 0.0.33 does, by orders on stdin, one per line.

`thread ID SESSION`, `idle`, `reaped`, `cursor SESSION`, `no-cursor`, `instance NAME`.
Run as `python -m tests.support.t3_player FILE`.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime

from tests.support.t3_world import World, add_thread, stamp


def play(connection: sqlite3.Connection, word: str, *rest: str) -> None:
    """Execute one order in one transaction, as T3 Code does."""
    now = datetime.now(UTC)
    with connection:
        match word:
            case "thread":
                add_thread(connection, rest[0], rest[1], title="Report", session_status="starting", at=now)
            case "idle":
                connection.execute("UPDATE projection_thread_sessions SET status = 'ready', updated_at = ?", (stamp(now),))
                connection.execute("UPDATE projection_threads SET updated_at = ?", (stamp(now),))
            case "reaped":
                connection.execute("UPDATE provider_session_runtime SET status = 'stopped', last_seen_at = ?", (stamp(now),))
                connection.execute("UPDATE projection_thread_sessions SET status = 'stopped', updated_at = ?", (stamp(now),))
            case "no-cursor":
                connection.execute("UPDATE provider_session_runtime SET resume_cursor_json = NULL")
            case "instance":
                chosen = json.dumps({"instanceId": rest[0], "model": "fake/fake-1"})
                connection.execute("UPDATE projection_threads SET model_selection_json = ?, updated_at = ?", (chosen, stamp(now)))
            case "cursor":
                cursor = json.dumps({"schemaVersion": 1, "sessionId": rest[0]})
                connection.execute(
                    "UPDATE provider_session_runtime SET status = 'running', resume_cursor_json = ?, last_seen_at = ?",
                    (cursor, stamp(now)),
                )


class T3Code:
    """A process that writes a world's database."""

    def __init__(self, world: World) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.t3_player", str(world.state)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def tell(self, *words: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{' '.join(words)}\n")
        self._process.stdin.flush()
        self._answer()

    def quit(self) -> None:
        self._process.communicate(timeout=90)

    def _answer(self) -> None:
        assert self._process.stdout and self._process.stdout.readline().strip() in ("ready", "done")


def main() -> None:
    connection = sqlite3.connect(sys.argv[1])
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA busy_timeout = 5000")
    print("ready", flush=True)
    for line in sys.stdin:
        play(connection, *line.split())
        print("done", flush=True)
    connection.close()


if __name__ == "__main__":
    main()
