"""A scanner on a scratch world, and a builder of such a world for each reason of a verdict."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from t3tray.demo.t3_database import add_message, stamp
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.t3code.home import T3Home
from t3tray.t3code.state import T3Reader
from t3tray.threads.answering_sessions import WHOLE_AT_ONCE
from t3tray.threads.evidence import Surroundings
from t3tray.threads.proof_recorder import ProofRecorder
from t3tray.threads.scan import Scan, Scanner
from t3tray.threads.verify import Assessment
from tests.support.stores import open_store
from tests.support.t3_world import NOON, World, add_log, add_session, add_thread, add_v2, make_v2, writing


class Eyes:
    """A store and a scanner on a world."""

    def __init__(self, world: World, scratch: Path) -> None:
        self.store = open_store(scratch / "data", lambda: NOON)
        self.look_at(world)

    def look_at(self, world: World) -> None:
        self.world = world
        self.database = OpenCodeDatabase(world.opencode)
        surroundings = Surroundings(lambda: datetime.now(UTC), lambda: False)
        self.scanner = Scanner(self.store, self.database, surroundings, [T3Reader(T3Home(world.home))])
        self.keeper = ProofRecorder(self.store, self.database, lambda: NOON)

    def look(self) -> Scan:
        return self.scanner.scan()

    def keep(self) -> bool:
        return self.keeper.record(self.look())

    def one(self) -> Assessment:
        (found,) = self.look().assessments
        return found


def thread(world: World, session: str | None, **options: Any) -> None:
    with writing(world.state) as connection:
        add_thread(connection, "t1", session, **options)


def session(world: World, name: str, **options: Any) -> None:
    with writing(world.opencode) as connection:
        add_session(connection, name, options.pop("directory", world.code / "proj"), **options)


def new(world: World) -> None:
    thread(world, None, has_turns=False)


def fine(world: World) -> None:
    thread(world, "ses_1")
    session(world, "ses_1")


def unbound(world: World) -> None:
    thread(world, None)


def missing(world: World) -> None:
    thread(world, "ses_gone")


def empty(world: World) -> None:
    thread(world, "ses_1")
    session(world, "ses_1", messages=0)


def made_and_never_asked(world: World) -> None:
    thread(world, "ses_1", has_turns=False)
    session(world, "ses_1", messages=0)


def in_opencode2(world: World, *types: str) -> None:
    """Write rows as OpenCode 2 does, or 1.15 to 1.17 for an agent."""
    with writing(world.opencode) as connection:
        rows = [(f"msg_v2_{n}", "ses_1", kind, n, 1, 1, "{}") for n, kind in enumerate(types)]
        connection.executemany("INSERT INTO session_message VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def stranded(world: World) -> None:
    empty(world)
    in_opencode2(world, "agent-switched", "user", "assistant")


def only_switched_agents(world: World) -> None:
    empty(world)
    in_opencode2(world, "agent-switched", "model-switched")


def gone_on_in_opencode2(world: World) -> None:
    fine(world)
    in_opencode2(world, "user", "assistant", "compaction", "model-switched")


def elsewhere(world: World) -> None:
    thread(world, "ses_1")
    session(world, "ses_1", directory=world.code / "other")


def folder_gone(world: World) -> None:
    fine(world)
    shutil.rmtree(world.code / "proj")


def child(world: World) -> None:
    thread(world, "ses_1")
    session(world, "ses_1", parent="ses_0")


def bad(world: World) -> None:
    thread(world, "codex-7")


def split(world: World) -> None:
    """The case of t3code's issue: an older session named after the thread holds what the cursor's session lacks."""
    thread(world, "ses_new")
    session(world, "ses_old", title="T3 Code t1", messages=18, tokens=152_991, at=NOON - timedelta(hours=1))
    session(world, "ses_new", messages=57, tokens=28_061)


def split_by_log(world: World) -> None:
    thread(world, "ses_b")
    session(world, "ses_a", messages=41, at=NOON - timedelta(hours=1))
    session(world, "ses_b")
    add_log(world, "t1", ("ses_a", NOON), ("ses_b", NOON))


def split_by_answers(world: World) -> None:
    """No log and no title is left: only T3 Code's own messages show which session gave the first answer."""
    thread(world, "ses_b")
    session(world, "ses_a", messages=41, at=NOON - timedelta(hours=1))
    session(world, "ses_b")
    answered(world, "t1", "ses_a", "ses_b")


def split_in_the_middle(world: World) -> None:
    """The bound session gave the first and the last answer, another one the answers in between."""
    thread(world, "ses_b")
    session(world, "ses_a", messages=41, at=NOON - timedelta(hours=1))
    session(world, "ses_b")
    answered(world, "t1", "ses_b", "ses_a", "ses_a", "ses_b")


def answered(world: World, name: str, *sessions: str) -> None:
    """Let these sessions give the thread's answers, one after the other; T3 Code names its messages after OpenCode's parts."""
    with writing(world.opencode) as connection, writing(world.state) as state:
        for number, answering in enumerate(sessions):
            part, message = f"prt_{name}_{number}", f"msg_{answering.removeprefix('ses_')}_00001"
            row = (part, message, answering, 1, 1, '{"type":"text","text":"x"}')
            connection.execute("INSERT INTO part VALUES (?, ?, ?, ?, ?, ?)", row)
            add_message(state, name, "assistant", "x", NOON + timedelta(minutes=number), f"assistant:{part}")


def imported(world: World) -> None:
    """A new version of T3 Code has imported the thread, and nothing was typed there yet."""
    fine(world)
    path = make_v2(world)
    add_v2(path, "t1")
    with writing(path) as connection:
        connection.execute("INSERT INTO orchestration_v2_legacy_imports VALUES ('t1', ?)", (stamp(NOON),))


def imported_and_gone_on(world: World) -> None:
    imported(world)
    session(world, "ses_new", at=NOON + timedelta(hours=1))
    with writing(world.state.with_name("statev2.sqlite")) as connection:
        connection.execute("DELETE FROM orchestration_v2_projection_threads")
    add_v2(world.state.with_name("statev2.sqlite"), "t1", "ses_new", at=NOON + timedelta(hours=1))


def forked(world: World) -> None:
    """A fork contains all of its origin: nothing is split."""
    thread(world, "ses_fork")
    session(world, "ses_root", title="T3 Code t1", messages=4, at=NOON - timedelta(hours=1))
    session(world, "ses_fork", messages=6, at=NOON, first_at=NOON - timedelta(hours=1))


def many_others(world: World) -> None:
    with writing(world.state) as state:
        for number in range(WHOLE_AT_ONCE):
            add_thread(state, f"u{number}", "ses_gone", at=NOON - timedelta(days=1))


def one_of(picture: Scan) -> Assessment:
    return next(found for found in picture.assessments if found.thread.id == "t1")
