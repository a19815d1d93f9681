"""A thread of ours on a fake server whose model, events and losses a test chooses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from msgspec import structs

from t3tray.domain.evidence import MessageFacts, Role
from t3tray.domain.journal import Event
from t3tray.domain.transcript import Prompt
from t3tray.errors import ServerError
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.opencode.events import EventSource, Gap, ServerEvent, Signal
from t3tray.opencode.records import MessageRecord, Page
from t3tray.threads.evidence import Surroundings, ThreadRecord
from t3tray.threads.prompt_delivery import Limits
from t3tray.threads.scan import Scanner
from t3tray.threads.send import MessageSender, Step, Warned
from t3tray.threads.verify import Verifier
from tests.support.fake_server import FakeServer, KillSwitch
from tests.support.life import Life, Steps
from tests.support.t3_world import NOON
from tests.support.turn_events import BUSY, Told, message, part

TEXT = "what is it?"


@dataclass
class Broken:
    """A stream of events that cannot be opened."""

    error: ServerError

    async def events(self) -> AsyncGenerator[Signal, None]:
        yield Gap(self.error)
        raise AssertionError("nobody waits for another attempt")


@dataclass
class Scripted(FakeServer):
    """A server whose model answers as `turn` says, by the id of the message. `loses`: how the request fails, and the message is
    dropped; `no_events`: why the stream of events does not open."""

    turn: Callable[[str], Iterable[Told]] | None = None
    loses: ServerError | None = None
    no_events: ServerError | None = None
    time_ms: int | None = None
    on_page: Callable[[], None] = lambda: None

    def events(self) -> EventSource:  # type: ignore[override]
        return Broken(self.no_events) if self.no_events else super().events()

    async def messages(self, session_id: str, limit: int, before: str | None = None) -> Page:
        self.on_page()
        return replace(await super().messages(session_id, limit, before), server_time_ms=self.time_ms)

    async def prompt(self, session_id: str, text: str, directory: str, message_id: str = "") -> None:
        self.asked.append(message_id)
        if self.loses:
            raise self.loses
        if self.turn is None:
            await super().prompt(session_id, text, directory, message_id)
            return
        self.prompts.append((session_id, text))
        self.hold(session_id, message_id, text)
        told = [message(message_id), part(message_id, text), BUSY, *self.turn(message_id)]
        self.told += [ServerEvent(kind, "", session_id, properties) for kind, properties in told]

    def hold(self, session_id: str, message_id: str, text: str, at_ms: int = 5) -> None:
        facts = MessageFacts(message_id, Role.USER, at_ms, True)
        self.messages_held[session_id].append(MessageRecord(facts, session_id, text=text))

    def __post_init__(self) -> None:
        self.asked: list[str] = []


class Place:
    """A thread of ours with one turn in its session, and what was told of a message that was sent in it."""

    def __init__(self, root: Path) -> None:
        (root / "work").mkdir()
        self.time = NOON
        self._run: Any = Steps(KillSwitch())
        self.server = Scripted(KillSwitch())
        self.life = Life(root / "data", self.server, KillSwitch(), 1, lambda: self.time)
        self.store = self.life.store
        self.surroundings = Surroundings(lambda: self.time, lambda: False)
        self.load_record: Callable[[str], ThreadRecord] = Scanner(
            self.store, OpenCodeDatabase(root / "none.db"), self.surroundings, ()
        ).load_record
        self.limits = Limits()
        self.steps: list[Step] = []
        self.thread = asyncio.run(self.life.threads.create(str(root / "work"), "a thread", self.server)).id
        asyncio.run(self.sender.send(self.thread, "hello", self.server))
        self.session = self.server.prompts[0][0]
        self.server.prompts.clear()
        self.server.asked.clear()

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.store, self._run, self.surroundings, self.load_record)

    @property
    def sender(self) -> MessageSender:
        now, author = (lambda: self.time), self.life.author
        return MessageSender(self.store, self._run, self.verifier, now, author, limits=self.limits)

    async def converse(self, despite_others: bool = False) -> None:
        async for step in self.sender.converse(self.thread, TEXT, self.server, despite_others):
            self.steps.append(step)

    @property
    def said(self) -> str:
        return "".join(step for step in self.steps if isinstance(step, str))

    @property
    def warnings(self) -> list[str]:
        return [step.what for step in self.steps if isinstance(step, Warned)]

    @property
    def draft(self) -> str:
        return self.store.threads.find(self.thread).draft

    @property
    def on_their_way(self) -> list[Prompt]:
        return [*self.store.prompts.of(self.thread)]

    def events(self) -> list[Event]:
        return [entry.event for entry in self.store.journal.entries(self.thread)]

    def change(self, **facts: Any) -> None:
        """Change the session in OpenCode."""
        record = self.server.sessions_held[self.session]
        self.server.sessions_held[self.session] = replace(record, facts=structs.replace(record.facts, **facts))

    def is_untouched(self) -> bool:
        """Whether nothing was sent and no session was made."""
        return not self.server.asked and not self.server.prompts and self.server.made == 1
