"""An in-memory server of sessions that can end its client's process at any step, for crash tests of the services.

The behaviour of the real server is tested in `tests/integration`; here every step can be the last.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
import json
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from msgspec import structs

from t3tray.domain.carries import Context
from t3tray.domain.context import ContextReader
from t3tray.domain.evidence import Activity, MessageFacts, Role, SessionFacts
from t3tray.domain.transcript import Message
from t3tray.domain.versions import Ability, abilities_of
from t3tray.errors import ServerDown, SessionMissing
from t3tray.opencode.events import Connected, ServerEvent, Signal
from t3tray.opencode.markers import Marker, marked_metadata, marker_in
from t3tray.opencode.message_reading import MessageReading
from t3tray.opencode.records import MessageRecord, Page, SessionRecord
from t3tray.opencode.wire import WireMessage


class Killed(BaseException):
    """Stands for the end of the process: nothing runs after it. A BaseException, so that no `except Exception` catches it."""


@dataclass
class KillSwitch:
    """Counts steps, and raises Killed at the chosen one."""

    left: int | None = None

    def step(self) -> None:
        if self.left is None:
            return
        if self.left == 0:
            raise Killed
        self.left -= 1


@dataclass
class FakeServer:
    """Sessions and messages as in OpenCode. A request is two steps: before it arrives, and before its response does."""

    switch: KillSwitch
    up: bool = True
    sessions_held: dict[str, SessionRecord] = field(default_factory=dict)
    messages_held: dict[str, list[MessageRecord]] = field(default_factory=dict)
    prompts: list[tuple[str, str]] = field(default_factory=list)
    made: int = 0
    told: list[ServerEvent] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    version = "1.18.33"

    @property
    def abilities(self) -> frozenset[Ability]:
        return abilities_of(self.version)

    def copied(self, switch: KillSwitch) -> FakeServer:
        """Return an independent copy."""
        return replace(
            self,
            switch=switch,
            sessions_held=dict(self.sessions_held),
            messages_held={session: [*held] for session, held in self.messages_held.items()},
            prompts=[*self.prompts],
            told=[*self.told],
            _numbers=copy.copy(self._numbers),
        )

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

    async def opencode2_messages(self, session_id: str) -> frozenset[str]:
        self._request()
        return frozenset()

    async def activity(self, session_id: str, directory: str) -> Activity:
        self._request()
        return Activity.IDLE

    async def create_session(self, directory: str, title: str, marker: Marker) -> SessionRecord:
        number = next(self._numbers)
        facts = SessionFacts(f"ses_{number:03}", directory, title, number, number)
        record = SessionRecord(facts, marker, metadata=json.dumps(marked_metadata("", marker)))
        self._request(lambda: self._keep(record))
        return record

    async def delete_session(self, session_id: str) -> None:
        self._request(lambda: self._delete(session_id))

    async def fork_session(self, session_id: str, directory: str) -> SessionRecord:
        number = next(self._numbers)
        parent = self._held(session_id)
        numbered = re.fullmatch(r"(.+) \(fork #(\d+)\)", parent.facts.title)
        title = f"{numbered[1]} (fork #{int(numbered[2]) + 1})" if numbered else f"{parent.facts.title} (fork #1)"
        facts = structs.replace(parent.facts, id=f"ses_{number:03}", title=title, created_ms=number)
        fork = SessionRecord(facts, parent.marker, metadata=parent.metadata)
        # With new ids, as OpenCode does.
        copies = [
            replace(record, facts=structs.replace(record.facts, id=f"msg_{number:05}_{place:05}"))
            for place, record in enumerate(self.messages_held[session_id])
        ]
        self._request(lambda: self._keep(fork, copies))
        return fork

    async def set_metadata(self, session_id: str, metadata: Mapping[str, object]) -> None:
        text = json.dumps(metadata)
        record = replace(self._held(session_id), marker=marker_in(text.encode()), metadata=text)
        self._request(lambda: self.sessions_held.update({session_id: record}))

    async def move_session(self, session_id: str, directory: str) -> None:
        record = self._held(session_id)
        moved = replace(record, facts=structs.replace(record.facts, directory=directory))
        self._request(lambda: self.sessions_held.update({session_id: moved}))

    async def add_message(self, session_id: str, text: str, mark: str, directory: str) -> str:
        self._held(session_id)
        number = next(self._numbers)
        facts = MessageFacts(f"msg_{number:05}", Role.USER, number, True)
        record = MessageRecord(facts, session_id, text=text, mark=mark)
        self._request(lambda: self.messages_held[session_id].append(record))
        return facts.id

    async def delete_message(self, session_id: str, message_id: str) -> None:
        kept = [record for record in self.messages_held[session_id] if record.facts.id != message_id]
        self._request(lambda: self.messages_held.update({session_id: kept}))

    @contextmanager
    def reading(self) -> Iterator[FakeLibrary]:
        """Return what OpenCode's database would contain."""
        yield FakeLibrary(self)

    async def prompt(self, session_id: str, text: str, directory: str, message_id: str = "") -> None:
        self._request(lambda: self.answer(session_id, text, message_id))

    async def messages_from(self, session_id: str, message_id: str, written_ms: int) -> MessageReading:
        self._request()
        held = self.messages_held[session_id]
        start = next((place for place, record in enumerate(held) if record.facts.id == message_id), 0)
        told = msgspec.json.encode([_on_the_wire(record) for record in held[start:]])
        return MessageReading(msgspec.json.decode(told, type=tuple[WireMessage, ...]))

    def events(self) -> FakeEvents:
        return FakeEvents(self.told, len(self.told))

    def add_foreign_session(self, directory: str) -> str:
        record = SessionRecord(SessionFacts(f"ses_{next(self._numbers):03}", directory, "theirs", 1, 1))
        self._keep(record)
        self.answer(record.facts.id, "hello")
        return record.facts.id

    def delete(self, session_id: str) -> None:
        self.sessions_held.pop(session_id, None)
        self.messages_held.pop(session_id, None)

    def _keep(self, record: SessionRecord, messages: Iterable[MessageRecord] = ()) -> None:
        self.made += 1
        self.sessions_held[record.facts.id] = record
        self.messages_held[record.facts.id] = list(messages)

    def _delete(self, session_id: str) -> None:
        self._held(session_id)
        self.delete(session_id)

    def _held(self, session_id: str) -> SessionRecord:
        if session_id not in self.sessions_held:
            raise SessionMissing(f"Session not found: {session_id}")
        return self.sessions_held[session_id]

    def answer(self, session_id: str, text: str, message_id: str = "") -> None:
        self._held(session_id)
        self.prompts.append((session_id, text))
        asked = ""
        for role in (Role.USER, Role.ASSISTANT):
            number = next(self._numbers)
            own = message_id if role is Role.USER and message_id else f"msg_{number:05}"
            facts = MessageFacts(own, role, number, True)
            parent = None if role is Role.USER else asked
            record = MessageRecord(facts, session_id, parent, text, None if role is Role.USER else "stop")
            self.messages_held[session_id].append(record)
            asked = own
            self._tell(record)
        self.told.append(ServerEvent("session.idle", "", session_id, {"sessionID": session_id}))

    def _tell(self, record: MessageRecord) -> None:
        message = _on_the_wire(record)
        self.told.append(ServerEvent("message.updated", "", record.session_id, {"info": message["info"]}))
        for part in message["parts"]:
            self.told.append(ServerEvent("message.part.updated", "", record.session_id, {"part": part}))


def _on_the_wire(record: MessageRecord) -> dict[str, Any]:
    facts = record.facts
    completed = {} if facts.role is Role.USER else {"completed": facts.created_ms}
    info: dict[str, object] = {"id": facts.id, "sessionID": record.session_id, "parentID": record.parent_id, "role": facts.role}
    info |= {"finish": record.finish, "time": {"created": facts.created_ms} | completed}
    return {"info": info, "parts": [{"type": "text", "id": f"prt_{facts.id}", "text": record.text, "messageID": facts.id}]}


@dataclass(frozen=True)
class FakeEvents:
    """The events of a server from now on."""

    told: list[ServerEvent]
    start: int

    async def events(self) -> AsyncGenerator[Signal, None]:
        yield Connected()
        place = self.start
        while True:
            for event in self.told[place:]:
                place += 1
                yield event
            await asyncio.sleep(0.001)


class FakeLibrary:
    """The same sessions, read from the database: without a request, so without a step."""

    def __init__(self, server: FakeServer) -> None:
        self._server = server

    def session(self, session_id: str) -> SessionFacts:
        record = self._server.sessions_held.get(session_id)
        if record is None:
            raise SessionMissing(f"There is no {session_id}.")
        return record.facts

    def messages(self, session_id: str) -> tuple[Message, ...]:
        return tuple(
            Message(record.facts.id, record.facts.role, record.facts.created_ms, record.text)
            for record in self._server.messages_held.get(session_id, ())
        )

    def newest(self, session_id: str) -> MessageFacts | None:
        held = self._server.messages_held.get(session_id)
        return held[-1].facts if held else None

    def context(self, session_id: str, taken_back: str | None = None) -> Context:
        reader, held = ContextReader(taken_back), self._server.messages_held.get(session_id, [])
        for record in reversed(held):
            reader.add(record.facts)
        return reader.context(len(held) - reader.seen)

    def project(self, session_id: str) -> str:
        return "global"
