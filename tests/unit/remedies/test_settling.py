"""Settling a restore through the backend: its preview names the threads, and it is done only as previewed."""

from __future__ import annotations

from pathlib import Path

import pytest

from t3tray.backend.backend import Backend
from t3tray.domain.cursor import Cursor
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.thread import Source, Thread
from t3tray.errors import Refused
from tests.support.views import NOON


def bind(backend: Backend, name: str, folder: Path) -> None:
    line = Entry(name, Event.CONFIRMED, Actor.USER, "", NOON, f"ses_{name}", cursor=Cursor(f"ses_{name}", str(folder)))
    backend.store.add_thread(Thread(name, f"Thread {name}", str(folder), Source.T3TRAY, NOON, NOON), line)


async def test_a_restore_is_settled_as_it_was_seen(tmp_path: Path) -> None:
    backend = await Backend.open(str(tmp_path / "data"), "command")
    try:
        bind(backend, "a", tmp_path)
        assert await backend.restoring.plan() is None and await backend.restoring.settle() == 0
        backend.store.restores.note_gap(NOON, "lacks changes of bindings that OpenCode's sessions show")
        seen = await backend.restoring.plan()
        assert seen and "  “Thread a”" in seen.before and seen.lost and not seen.hindrance
        bind(backend, "b", tmp_path)
        assert await backend.restoring.plan() == seen, "it was bound since"
        line = Entry("a", Event.PROVEN, Actor.USER, "", NOON, "ses_a", cursor=Cursor("ses_a", str(tmp_path)))
        backend.store.journal.append(line)
        with pytest.raises(Refused, match="has changed meanwhile"):
            await backend.restoring.settle(seen)
        again = await backend.restoring.plan()
        assert again and not again.lost
        assert await backend.restoring.settle(again) == 1
        assert await backend.restoring.restore() is None and await backend.restoring.warnings() == ()
        assert await backend.restoring.settle(again) == 0, "settled by another process meanwhile"
    finally:
        await backend.close()
