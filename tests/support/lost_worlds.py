"""Homes of the real T3 Code after real losses, from `tests/data/t3-lost`, unpacked with paths of this machine."""

from __future__ import annotations

import gzip
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.support.t3_world import World, replace_paths, writing

_SAMPLES = Path(__file__).parents[1] / "data" / "t3-lost"
_CODE = "/home/dev/code"
SWITCHED = "c64ed9cf-d3f4-4f15-8346-185b3e3adce4"
HEALED = "0abbb467-ef54-45a7-adcb-0417aa0484a7"
REPAIRED = "22b789e5-cbc7-489a-af93-40df007c65ff"
# Imports: cut at 32,000 characters, handed over whole, and handed over whole while the old session is gone.
CUT = "eb730439-8cb1-4912-b6c5-46de6767aa98"
WHOLE = "89d657b7-8266-4689-8285-3eced1da5896"
WHOLE_AND_GONE = "cca0ad5c-9118-41d5-b6d0-188bba3119ef"


def lost_world(name: str, scratch: Path, opencode: Path, data: Path | None = None) -> World:
    """Unpack a sample: T3 Code's home below `scratch`, OpenCode's database at `opencode`.

    With `data`, t3tray's store of that time is unpacked there; without it t3tray sees this world for the first time.
    """
    world = World(scratch / "t3", opencode, scratch / "code")
    world.logs.mkdir(parents=True)
    opencode.parent.mkdir(parents=True, exist_ok=True)
    places = {"opencode.db": opencode}
    if data is not None:
        data.mkdir(mode=0o700, exist_ok=True)
        places["t3tray.sqlite"] = data / "t3tray.sqlite"
    for packed in sorted((_SAMPLES / name).iterdir()):
        content = gzip.decompress(packed.read_bytes())
        if packed.name.startswith("events."):
            world.logs.joinpath(packed.stem).write_bytes(content.replace(_CODE.encode(), str(world.code).encode()))
        elif packed.stem != "t3tray.sqlite" or data is not None:
            path = places.get(packed.stem, world.state.with_name(packed.stem))
            path.write_bytes(content)
            _replace_paths(path, str(world.code))
    for project in ("proj1", "proj2", "wt"):
        (world.code / project).mkdir(parents=True)
    return world


def copy_rows(source: Path, target: Path) -> None:
    """Copy the rows of one of OpenCode's databases to another, on which a server of the same version may run."""
    with closing(sqlite3.connect(target, timeout=90, isolation_level=None)) as connection:
        connection.execute("ATTACH ? AS source", (str(source),))
        connection.execute("BEGIN IMMEDIATE")
        tables = connection.execute(
            "SELECT name FROM source.sqlite_master WHERE type = 'table' AND name != 'migration'"
        ).fetchall()
        for (name,) in tables:
            connection.execute(f'INSERT OR REPLACE INTO main."{name}" SELECT * FROM source."{name}"')
        connection.execute("COMMIT")


def _replace_paths(path: Path, code: str) -> None:
    """Replace paths, also in our own journal, which no statement may change otherwise."""
    with writing(path) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
    replace_paths(path, code)
    with writing(path) as connection:
        for _, sql in triggers:
            connection.execute(sql)


def before_it_was_healed(world: World) -> None:
    """Return HEALED as it was right after the switch: without our message, and without later messages."""
    with writing(world.opencode) as connection:
        (at,) = connection.execute(
            "SELECT message.time_created FROM part JOIN message ON message.id = message_id"
            " WHERE part.data LIKE '%Carried over by t3tray%'"
        ).fetchone()
        connection.execute("DELETE FROM part WHERE message_id IN (SELECT id FROM message WHERE time_created >= ?)", (at,))
        connection.execute("DELETE FROM message WHERE time_created >= ?", (at,))
    with writing(world.state) as connection:
        connection.execute(
            "DELETE FROM projection_thread_messages WHERE message_id IN"
            " (SELECT message_id FROM projection_thread_messages ORDER BY created_at DESC LIMIT 2)"
        )
