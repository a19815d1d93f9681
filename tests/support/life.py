"""One run of t3tray on a fake server that can end at any step, for crash tests of the services."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from t3tray.domain.evidence import Role
from t3tray.domain.reaper import ReaperPhase, ReaperState
from t3tray.domain.split import Candidate
from t3tray.domain.t3code_thread import T3Thread
from t3tray.domain.thread import Thread
from t3tray.domain.transcript import Message, Origin, Transcript
from t3tray.domain.verdict import Reason, Verdict
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.remedies.plan import Tools
from t3tray.remedies.recovery import Recovery, Settlers
from t3tray.remedies.registry import Remedies
from t3tray.system.intent_ids import IntentIds
from t3tray.threads.creation import Threads
from t3tray.threads.evidence import Surroundings
from t3tray.threads.prompt_delivery import Limits
from t3tray.threads.scan import Scanner
from t3tray.threads.send import MessageSender
from t3tray.threads.snapshot import ThreadDetails, ThreadRow
from t3tray.threads.verify import Verifier
from tests.support.fake_server import FakeServer, KillSwitch
from tests.support.stores import open_store

P = ParamSpec("P")
R = TypeVar("R")


class Steps:
    """Runs SQL immediately; each statement is two steps at which the process may end, before and after it."""

    def __init__(self, switch: KillSwitch) -> None:
        self._switch = switch

    async def __call__(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        self._switch.step()
        result = function(*args, **kwargs)
        self._switch.step()
        return result


class Life:
    """The store and services of one run."""

    def __init__(self, home: Path, server: FakeServer, switch: KillSwitch, pid: int, now: Callable[[], datetime]) -> None:
        self.store = open_store(home, now)
        self.author = IntentIds(pid, 0.0)
        run: Any = Steps(switch)
        self.threads = Threads(self.store, run, now, self.author)
        surroundings = Surroundings(now, lambda: False)
        scanner = Scanner(self.store, OpenCodeDatabase(home / "none.db"), surroundings, ())
        self.verifier = Verifier(self.store, run, surroundings, scanner.load_record)
        limits = Limits(arrival=0.05, unanswered_arrival=0.05, dropped=0.05, quiet=0.05, again=0.01, doubt=0.05, away=0.05)
        self.sending = MessageSender(self.store, run, self.verifier, now, self.author, limits=limits)

        async def connect() -> FakeServer:
            return server

        async def join() -> FakeServer | None:
            return server if server.up else None

        def copies(thread_id: str, session_id: str | None) -> Iterator[Transcript]:
            if session_id:
                yield Transcript(Origin.VAULT, (Message("msg_0", Role.USER, 1, "the codeword is PELICAN"),), session_id)

        self.tools = Tools(
            self.store, run, now, self.author, server.reading, connect, join, copies, self.verifier.verdict_of, lambda: 1000
        )
        self.remedies = Remedies(self.tools)
        self.recovery = Recovery(self.store.journal, run, self.author, Settlers(self.threads.settle, self.remedies.settle))

    async def settle(self, server: FakeServer) -> None:
        """Settle what a crash left open, as a start does."""
        await self.recovery.settle_all(server)

    def details(self, thread_id: str, server: FakeServer, rivals: Iterable[str] = (), t3_names: str = "") -> ThreadDetails:
        """Return a thread's details. `rivals` are sessions that another source names, `t3_names` the one that T3 Code names."""
        thread, entries = self.store.threads.find(thread_id), self.store.journal.entries(thread_id)
        cursor = self.store.journal.binding(thread_id).cursor
        reason = (
            Reason.UNBOUND if cursor is None else Reason.PROVED if cursor.session_id in server.sessions_held else Reason.MISSING
        )
        row = ThreadRow(
            thread,
            cursor.session_id if cursor else None,
            Verdict(reason),
            ReaperState(ReaperPhase.STOPPED),
            _t3_thread(thread, t3_names) if t3_names else None,
        )
        sessions = dict.fromkeys([*(entry.session_id for entry in entries if entry.session_id), *rivals])
        return ThreadDetails(row, cursor, entries, None, tuple(_candidate(name, server) for name in sessions))


def _t3_thread(thread: Thread, session_id: str) -> T3Thread:
    return T3Thread(
        id=thread.id,
        title=thread.title,
        project="",
        directory=thread.directory,
        provider="opencode",
        instance="opencode",
        created_at=thread.created_at,
        last_activity_at=thread.last_activity_at,
        session_id=session_id,
        has_turns=True,
    )


def _candidate(session_id: str, server: FakeServer) -> Candidate:
    record, messages = server.sessions_held.get(session_id), server.messages_held.get(session_id, [])
    if record is None:
        return Candidate(session_id, ("journal",), exists=False)
    times = [message.facts.created_ms for message in messages]
    first, last = (times[0], times[-1]) if times else (None, None)
    return Candidate(
        session_id,
        ("journal",),
        exists=True,
        directory=record.facts.directory,
        created_ms=record.facts.created_ms,
        messages=len(messages),
        first_ms=first,
        last_ms=last,
    )
