"""Imitates T3 Code: holds its database open in WAL mode, and writes as T3 Code 0.0.33 does, by orders on stdin, one per line.

`thread ID SESSION`, `idle`, `reaped`, `cursor SESSION`, `no-cursor`, `instance NAME`.
Run as `python -m tests.support.t3_player FILE`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from t3tray.demo.t3 import T3Player
from t3tray.demo.t3_database import cursor_json, stamp, update
from tests.support.t3_world import World, add_thread


def play(player: T3Player, word: str, *rest: str) -> None:
    """Execute one order in one transaction, as T3 Code does."""
    at = datetime.now(UTC)
    now = stamp(at)
    with player.write() as connection:
        match word:
            case "thread":
                add_thread(connection, rest[0], rest[1], title="Report", session_status="starting", at=at)
            case "idle":
                update(connection, "projection_thread_sessions", status="ready", updated_at=now)
                update(connection, "projection_threads", updated_at=now)
            case "reaped":
                update(connection, "provider_session_runtime", status="stopped", last_seen_at=now)
                update(connection, "projection_thread_sessions", status="stopped", updated_at=now)
            case "no-cursor":
                update(connection, "provider_session_runtime", resume_cursor_json=None)
            case "instance":
                chosen = json.dumps({"instanceId": rest[0], "model": "fake/fake-1"})
                update(connection, "projection_threads", model_selection_json=chosen, updated_at=now)
            case "cursor":
                serving = {"status": "running", "resume_cursor_json": cursor_json(rest[0]), "last_seen_at": now}
                update(connection, "provider_session_runtime", **serving)


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
    player = T3Player(Path(sys.argv[1]))
    print("ready", flush=True)
    for line in sys.stdin:
        play(player, *line.split())
        print("done", flush=True)
    player.close()


if __name__ == "__main__":
    main()
