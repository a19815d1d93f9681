"""A server of sessions in memory that can lose its client at any step: for crash tests of the services only.

What the real server does is proved against the real one in `tests/integration`; here every step can be the last.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from t3tray.core.domain.evidence import Activity, MessageFacts, Role, SessionFacts
from t3tray.core.errors import ServerDown, SessionMissing
from t3tray.core.opencode.wire import Marker, MessageRecord, Page, SessionRecord


class Killed(BaseException):
    """The process ends here: nothing after this point runs. No `except Exception` may see it."""


@dataclass
class KillSwitch:
    """Counts steps; the one that is due never returns."""

    left: int | None = None

    def step(self) -> None:
        if self.left is None:
            return
        if self.left == 0:
            raise Killed
        self.left -= 1


@dataclass
class FakeServer:
    """Sessions and messages as OpenCode would hold them. A request is two steps: before it arrives, before its answer does."""

    switch: KillSwitch
    up: bool = True
    sessions_held: dict[str, SessionRecord] = field(default_factory=dict)
    messages_held: dict[str, list[MessageRecord]] = field(default_factory=dict)
    prompts: list[tuple[str, str]] = field(default_factory=list)
    made: int = 0
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    version = "1.18.33"

    def _request(self, work: Callable[[], None] = lambda: None) -> None:
        self.switch.step()
        if not self.up:
            raise ServerDown("Nobody listens.")
        work()
        self.switch.step()

    async def session(self, session_id: str) -> SessionRecord:
        self._request()
        return self._held(session_id)

    async def sessions(self) -> tuple[SessionRecord, ...]:
        self._request()
        return tuple(self.sessions_held.values())

    async def message(self, session_id: str, message_id: str) -> MessageRecord:
        self._request()
        self._held(session_id)
        for record in self.messages_held[session_id]:
            if record.facts.id == message_id:
                return record
        raise SessionMissing(f"Message not found: {message_id}")

    async def messages(self, session_id: str, limit: int, before: str | None = None) -> Page:
        self._request()
        self._held(session_id)
        every = self.messages_held[session_id]
        end = next((n for n, record in enumerate(every) if record.facts.id == before), len(every)) if before else len(every)
        start = max(end - limit, 0)
        return Page(tuple(every[start:end]), every[start].facts.id if start else None)

    async def activity(self, session_id: str, directory: str) -> Activity:
        self._request()
        return Activity.IDLE

    async def create_session(self, directory: str, title: str, marker: Marker) -> SessionRecord:
        number = next(self._numbers)
        record = SessionRecord(SessionFacts(f"ses_{number:03}", directory, title, number, number), marker)
        self._request(lambda: self._keep(record))
        return record

    async def prompt(self, session_id: str, text: str) -> None:
        self._request(lambda: self._answer(session_id, text))

    def add_foreign_session(self, directory: str) -> str:
        record = SessionRecord(SessionFacts(f"ses_{next(self._numbers):03}", directory, "theirs", 1, 1))
        self._keep(record)
        self._answer(record.facts.id, "hello")
        return record.facts.id

    def delete(self, session_id: str) -> None:
        self.sessions_held.pop(session_id, None)
        self.messages_held.pop(session_id, None)

    def _keep(self, record: SessionRecord) -> None:
        self.made += 1
        self.sessions_held[record.facts.id] = record
        self.messages_held[record.facts.id] = []

    def _held(self, session_id: str) -> SessionRecord:
        if session_id not in self.sessions_held:
            raise SessionMissing(f"Session not found: {session_id}")
        return self.sessions_held[session_id]

    def _answer(self, session_id: str, text: str) -> None:
        self._held(session_id)
        self.prompts.append((session_id, text))
        for role in (Role.USER, Role.ASSISTANT):
            number = next(self._numbers)
            facts = MessageFacts(f"msg_{number:05}", role, number, True)
            self.messages_held[session_id].append(MessageRecord(facts, session_id, text=text))
