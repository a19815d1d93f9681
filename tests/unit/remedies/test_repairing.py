"""The repair of T3 Code's cursor as a remedy: where it is allowed, in the journal before it is written, settled after a crash."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from t3tray.domain.journal import Event
from t3tray.domain.remedy import Choice, Remedy, Repair
from t3tray.domain.t3code_thread import Shape
from t3tray.errors import Refused
from t3tray.remedies.repairing import RepairCursor
from t3tray.t3code import cursor_repair as t3code
from t3tray.t3code.home import T3Home
from tests.support.fake_server import FakeServer, KillSwitch
from tests.support.life import Life
from tests.support.t3_world import World, add_thread, empty_world, writing


class Place:
    def __init__(self, root: Path) -> None:
        self.world: World = empty_world(root)
        self.server = FakeServer(KillSwitch())
        self.life = Life(root / "data", self.server, self.server.switch, 2**22 + 1, lambda: datetime.now(UTC))
        self.thread = asyncio.run(self.life.threads.create(str(self.world.code / "proj"), "a thread", self.server)).id
        with writing(self.world.state) as connection:
            add_thread(connection, self.thread, "ses_other")
        tools = self.life.tools
        self.repair = RepairCursor(
            tools, lambda _thread: T3Home(self.world.home), lambda _thread: Shape.V1, root / "copies", True
        )
        self.forbidden = RepairCursor(
            tools, lambda _thread: T3Home(self.world.home), lambda _thread: Shape.V1, root / "copies", False
        )

    def cursor(self) -> str:
        with closing(sqlite3.connect(self.world.state)) as connection:
            text: str = connection.execute("SELECT resume_cursor_json FROM provider_session_runtime").fetchone()[0]
            return str(json.loads(text)["sessionId"])

    def events(self) -> list[Event]:
        return [entry.event for entry in self.life.store.journal.entries(self.thread) if entry.deed]

    async def begin(self) -> None:
        """Begin as a process that is killed before T3 Code's file is changed, or right after, as the caller wants."""
        plan = await self.repair.plan(self.life.details(self.thread, self.server), Choice(Remedy.REPAIR))
        await plan.carry_out()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.life.store.close()


def test_it_is_refused_until_the_user_allows_it(place: Place) -> None:
    details = place.life.details(place.thread, place.server)
    plan = asyncio.run(place.forbidden.plan(details, Choice(Remedy.REPAIR, confirmed=True)))
    assert "write this one line into T3 Code's database" in plan.preview.permission
    with pytest.raises(Refused, match="turned off"):
        asyncio.run(plan.carry_out())
    assert place.cursor() == "ses_other" and place.events() == []
    allowed = asyncio.run(place.forbidden.plan(details, Choice(Remedy.REPAIR, allowed=True)))
    assert allowed.preview == plan.preview, "what was seen is what is done"
    asyncio.run(allowed.carry_out())
    assert place.cursor() == details.row.session_id


def test_what_it_would_do_is_shown_while_t3_code_runs(place: Place) -> None:
    details = place.life.details(place.thread, place.server)
    runtime = place.world.home / "userdata" / "server-runtime.json"
    started = datetime.fromtimestamp(psutil.Process(os.getpid()).create_time(), UTC)
    runtime.write_text(json.dumps({"version": 1, "pid": os.getpid(), "startedAt": started.isoformat()}))
    plan = asyncio.run(place.repair.plan(details, Choice(Remedy.REPAIR)))
    assert plan.preview.hindrance == "T3 Code is running. Quit T3 Code, then try again."
    with pytest.raises(Refused, match="running"):
        asyncio.run(plan.carry_out())
    assert place.cursor() == "ses_other"
    runtime.unlink()
    assert asyncio.run(place.repair.plan(details, Choice(Remedy.REPAIR))).preview.hindrance == ""


def test_a_log_without_a_byte_in_it_hinders_nothing(place: Place) -> None:
    Path(f"{place.world.state}-wal").touch()
    asyncio.run(place.begin())
    assert place.events() == [Event.INTENDED, Event.DONE]


def test_it_is_in_the_journal_and_then_in_t3_codes_file(place: Place) -> None:
    asyncio.run(place.begin())
    assert place.cursor() == place.life.details(place.thread, place.server).row.session_id
    assert place.events() == [Event.INTENDED, Event.DONE]


@pytest.mark.parametrize("when", ["before", "after"])
def test_cut_off_it_is_finished_at_the_next_start(place: Place, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    apply = t3code.apply

    def cut_off(repair: Repair) -> None:
        if when == "after":
            apply(repair)
        raise KeyboardInterrupt

    monkeypatch.setattr(t3code, "apply", cut_off)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(place.begin())
    monkeypatch.setattr(t3code, "apply", apply)
    (intent,) = place.life.store.journal.pending()
    assert intent.deed
    asyncio.run(place.repair.settle(intent, intent.deed))
    assert place.cursor() == intent.deed.session_id
    assert place.events() == [Event.INTENDED, Event.DONE] and place.life.store.journal.pending() == ()


def test_cut_off_and_overtaken_by_t3_code_it_is_given_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    apply = t3code.apply

    def cut_off(_repair: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(t3code, "apply", cut_off)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(place.begin())
    monkeypatch.setattr(t3code, "apply", apply)
    with writing(place.world.state) as connection:
        connection.execute(
            "UPDATE provider_session_runtime SET resume_cursor_json = json_set(resume_cursor_json, '$.sessionId', 'ses_later')"
        )
    (intent,) = place.life.store.journal.pending()
    assert intent.deed
    asyncio.run(place.repair.settle(intent, intent.deed))
    assert place.cursor() == "ses_later"
    assert place.events() == [Event.INTENDED, Event.ABANDONED]
