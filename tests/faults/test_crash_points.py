"""Killed at any step of creating, binding, sending or releasing, and started again: the design's rules hold as invariants."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from t3tray.domain.journal import Event, abandoned, fold, last_remedy
from t3tray.domain.remedy import Choice, Remedy
from t3tray.errors import T3TrayError
from t3tray.opencode.records import SessionRecord
from tests.support.fake_server import FakeServer, Killed, KillSwitch
from tests.support.life import Life
from tests.support.rounds import rounds

P = ParamSpec("P")
R = TypeVar("R")
REMEDIES = (Remedy.BIND, Remedy.JOIN, Remedy.CARRY, Remedy.FORK, Remedy.START_AFRESH, Remedy.RELEASE, Remedy.UNDO)
KILL_AT = st.none() | st.integers(0, 14)


class CrashPoints(RuleBasedStateMachine):
    template: Path | None = None

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="t3tray-"))
        self.folder = self.home / "work"
        self.switch = KillSwitch()
        self.server = FakeServer(self.switch)
        self.lives = 0
        self.time = datetime(2026, 11, 24, tzinfo=UTC)
        self.creations_asked = 0
        self.drafts: list[str] = []

    @initialize()
    def begin(self) -> None:
        if CrashPoints.template:
            shutil.copytree(CrashPoints.template, self.home, dirs_exist_ok=True)
        self.folder.mkdir(exist_ok=True)
        self.process = self.live()
        if CrashPoints.template is None:
            self.process.store.close()
            CrashPoints.template = Path(tempfile.mkdtemp(prefix="t3tray-template-"))
            shutil.copytree(self.home, CrashPoints.template, dirs_exist_ok=True)
            self.process = self.live()

    def live(self) -> Life:
        self.lives += 1
        # No process has such a pid, so the intents of an earlier run have no living writer.
        return Life(self.home, self.server, self.switch, 2**22 + self.lives, self.tick)

    def tick(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time

    def do(self, work: Coroutine[Any, Any, object], kill_at: int | None) -> bool:
        """Return True if the process survived it. After a kill it starts again, as a user would start it."""
        self.switch.left = kill_at
        try:
            with contextlib.suppress(T3TrayError):
                asyncio.run(work)
            return True
        except Killed:
            self.switch.left = None
            self.process.store.close()
            self.process = self.live()
            return False
        finally:
            self.switch.left = None

    def pick(self, number: int) -> str:
        threads = self.process.store.threads.all()
        return threads[number % len(threads)].id if threads else "nobody"

    @rule(kill_at=KILL_AT)
    def create(self, kill_at: int | None) -> None:
        self.creations_asked += 1
        self.do(self.process.threads.create(str(self.folder), "a thread", self.server), kill_at)

    @rule(kill_at=KILL_AT)
    def adopt(self, kill_at: int | None) -> None:
        session = self.server.add_foreign_session(str(self.folder))
        self.creations_asked += 1
        self.do(self.process.threads.adopt(session, self.server), kill_at)

    @rule(number=st.integers(0, 9), remedy=st.sampled_from(REMEDIES), kill_at=KILL_AT)
    def remedy(self, number: int, remedy: Remedy, kill_at: int | None) -> None:
        thread_id = self.pick(number)
        if thread_id == "nobody":
            return
        foreign = self.server.add_foreign_session(str(self.folder)) if remedy is Remedy.BIND else ""
        self.creations_asked += 1 + bool(foreign)
        before = self.outside(), self.process.store.journal.binding(thread_id).cursor
        done_before = last_remedy(self.process.store.journal.entries(thread_id))
        details = self.process.details(thread_id, self.server)
        lived = self.do(self.process.remedies.apply(details, Choice(remedy, foreign)), kill_at)
        if lived or not self.server.up:
            return
        asyncio.run(self.process.settle(self.server))
        if last_remedy(self.process.store.journal.entries(thread_id)) == done_before:
            assert (self.outside(), self.process.store.journal.binding(thread_id).cursor) == before

    def outside(self) -> tuple[dict[str, SessionRecord], dict[str, list[str]]]:
        """Return everything that OpenCode has, without what the journal names as left of a remedy."""
        left = abandoned(self.process.store.journal.entries())
        held = {name: record for name, record in self.server.sessions_held.items() if name not in left}
        return held, {name: [message.text for message in self.server.messages_held[name]] for name in held}

    @rule(number=st.integers(0, 9), kill_at=KILL_AT)
    def send(self, number: int, kill_at: int | None) -> None:
        thread_id, before = self.pick(number), list(self.server.prompts)
        binding = self.process.store.journal.binding(thread_id)
        self.do(self.process.sending.send(thread_id, f"text {self.lives}", self.server), kill_at)
        for session, _ in self.server.prompts[len(before) :]:
            assert binding.cursor is not None and session == binding.cursor.session_id

    @rule(number=st.integers(0, 9))
    def session_deleted_behind_our_back(self, number: int) -> None:
        held = sorted(self.server.sessions_held)
        if held:
            self.server.delete(held[number % len(held)])

    @precondition(lambda self: self.server.up)
    @rule()
    def server_goes_down(self) -> None:
        self.server.up = False

    @precondition(lambda self: not self.server.up)
    @rule()
    def server_comes_back(self) -> None:
        self.server.up = True

    @precondition(lambda self: self.server.up)
    @rule(kill_at=KILL_AT)
    def recover(self, kill_at: int | None) -> None:
        if not self.do(self.process.settle(self.server), kill_at):
            return
        assert self.process.store.journal.pending() == ()
        named = {entry.session_id for entry in self.process.store.journal.entries()}
        ours = {session for session, record in self.server.sessions_held.items() if record.marker}
        assert ours <= named, "a session of ours that no line of the journal names"

    @invariant()
    def the_cursors_are_the_journal_folded(self) -> None:
        if not hasattr(self, "process"):
            return
        journal = self.process.store.journal
        cursors = journal.cursors()
        for thread in self.process.store.threads.all():
            assert fold(journal.entries(thread.id)).cursor == cursors.get(thread.id)
        assert len({cursor.session_id for cursor in cursors.values()}) == len(cursors)

    @invariant()
    def no_session_was_made_that_nobody_asked_for(self) -> None:
        assert self.server.made <= self.creations_asked

    @invariant()
    def every_session_of_ours_was_intended_first(self) -> None:
        if not hasattr(self, "process"):
            return
        intents = {entry.intent for entry in self.process.store.journal.entries() if entry.event is Event.INTENDED}
        assert all(record.marker.intent in intents for record in self.server.sessions_held.values() if record.marker)

    def teardown(self) -> None:
        if hasattr(self, "process"):
            self.process.store.close()
        shutil.rmtree(self.home)


CrashPoints.TestCase.settings = settings(max_examples=rounds(25), stateful_step_count=20, suppress_health_check=list(HealthCheck))
TestCrashPoints = CrashPoints.TestCase
