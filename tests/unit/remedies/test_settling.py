"""Settling a restore through the engine: what it would do is told of the threads by name, and done only as it was seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from t3tray.backend.engine import Engine
from t3tray.domain.cursor import Cursor
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.thread import Source, Thread
from t3tray.errors import Refused
from tests.support.views import NOON


def bind(engine: Engine, name: str, folder: Path) -> None:
    line = Entry(name, Event.CONFIRMED, Actor.USER, "", NOON, f"ses_{name}", cursor=Cursor(f"ses_{name}", str(folder)))
    engine.store.add_thread(Thread(name, f"Thread {name}", str(folder), Source.T3TRAY, NOON, NOON), line)


async def test_a_restore_is_settled_as_it_was_seen(tmp_path: Path) -> None:
    engine = await Engine.open(str(tmp_path / "data"), "command")
    try:
        bind(engine, "a", tmp_path)
        assert await engine.restoring.plan() is None and await engine.restoring.settle() == 0
        engine.store.restores.note_gap(NOON, "lacks changes of bindings that OpenCode's sessions show")
        seen = await engine.restoring.plan()
        assert seen and "  “Thread a”" in seen.before and seen.lost and not seen.hindrance
        bind(engine, "b", tmp_path)
        assert await engine.restoring.plan() == seen, "it was bound since"
        line = Entry("a", Event.PROVEN, Actor.USER, "", NOON, "ses_a", cursor=Cursor("ses_a", str(tmp_path)))
        engine.store.journal.append(line)
        with pytest.raises(Refused, match="has changed meanwhile"):
            await engine.restoring.settle(seen)
        again = await engine.restoring.plan()
        assert again and not again.lost
        assert await engine.restoring.settle(again) == 1
        assert await engine.restoring.restore() is None and await engine.restoring.warnings() == ()
        assert await engine.restoring.settle(again) == 0, "settled by another process meanwhile"
    finally:
        await engine.close()
