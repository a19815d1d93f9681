"""Pending requests on the server: tools that ask for permission, and questions of the model. Read each time, and answered by id.

Only requests of sessions in which a turn runs are returned: OpenCode 1.18 never removes the permissions of a turn that was
aborted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from t3tray.domain.pending_request import (
    Answers,
    ApprovalRequest,
    Option,
    PendingRequest,
    Question,
    QuestionRequest,
    Reply,
    Requester,
)
from t3tray.domain.thread import Thread
from t3tray.errors import ServerError, SessionMissing
from t3tray.opencode import wire
from t3tray.opencode.events import Connected, ServerEvent, Signal
from t3tray.opencode.records import SessionRecord

_TELLING = ("permission.", "question.")
_DEEPEST = 16


class RequestServer(Protocol):
    """The routes of OpenCode's server that are used here. Every method raises ServerError."""

    async def permissions(self, directory: str) -> tuple[wire.Permission, ...]: ...

    async def questions(self, directory: str) -> tuple[wire.QuestionSet, ...]: ...

    async def busy_in(self, directory: str) -> frozenset[str]: ...

    async def session(self, session_id: str) -> SessionRecord: ...

    async def reply_permission(self, permission_id: str, directory: str, reply: str) -> bool: ...

    async def answer_question(self, question_id: str, directory: str, answers: Answers) -> bool: ...

    async def reject_question(self, question_id: str, directory: str) -> bool: ...


# Returns the threads by the ids of their sessions. Called only if a request is open.
Owners = Callable[[], Mapping[str, Thread]]


class PendingRequests:
    """Reads and answers pending requests. One for the app's life."""

    def __init__(self) -> None:
        self._is_stale = True
        self._open: tuple[PendingRequest, ...] = ()
        self._read_in: frozenset[str] = frozenset()
        self._directories: set[str] = set()
        self._sessions: dict[str, SessionRecord] = {}

    def handle(self, signal: Signal) -> None:
        """Note an event of the server that may mean new or answered requests."""
        if isinstance(signal, Connected):
            self._is_stale = True
            self._sessions.clear()
        elif isinstance(signal, ServerEvent) and signal.kind.startswith(_TELLING):
            self._is_stale = True
            if signal.directory:
                self._directories.add(signal.directory)

    async def read(
        self, server: RequestServer | None, busy_directories: Collection[str], owners: Owners
    ) -> tuple[PendingRequest, ...]:
        """Return every open request, the longest waiting first.

        `busy_directories` are the folders in which turns are known to run. Without a server the result is empty; if the server
        fails to answer, it is the last result.
        """
        if server is None:
            self._open, self._is_stale = (), True
            return ()
        directories = frozenset(busy_directories) | self._directories
        if not (self._is_stale or self._open or directories != self._read_in):
            return self._open
        before, self._directories, self._is_stale = self._directories, set(), False
        try:
            found = await asyncio.gather(*(self._read_directory(server, directory, owners) for directory in sorted(directories)))
        except ServerError:
            self._directories |= before
            self._is_stale = True
            return self._open
        self._read_in = directories
        self._directories |= {request.requester.directory for requests in found for request in requests}
        self._open = tuple(sorted((request for requests in found for request in requests), key=lambda request: request.id[4:]))
        return self._open

    async def reply(self, server: RequestServer, request: ApprovalRequest, reply: Reply) -> bool:
        """Answer a tool's request for permission. Returns False if it is no longer open. Raises ServerError."""
        self._is_stale = True
        return await server.reply_permission(request.id, request.requester.directory, reply)

    async def answer(self, server: RequestServer, request: QuestionRequest, answers: Answers | None) -> bool:
        """Answer a set of questions; None leaves them unanswered. Returns False if they are no longer open. Raises
        ServerError."""
        self._is_stale = True
        if answers is None:
            return await server.reject_question(request.id, request.requester.directory)
        return await server.answer_question(request.id, request.requester.directory, answers)

    async def _read_directory(self, server: RequestServer, directory: str, owners: Owners) -> list[PendingRequest]:
        permissions, questions = await asyncio.gather(server.permissions(directory), server.questions(directory))
        if not (permissions or questions):
            return []
        busy = await server.busy_in(directory)
        requests: list[PendingRequest] = []
        every: tuple[wire.Permission | wire.QuestionSet, ...] = (*permissions, *questions)
        for waiting in every:
            requester = (
                await self._requester(server, waiting.session_id, directory, owners) if waiting.session_id in busy else None
            )
            if requester is not None:
                requests.append(_request_of(waiting, requester))
        return requests

    async def _requester(self, server: RequestServer, session_id: str, directory: str, owners: Owners) -> Requester | None:
        """Follow the parents to the session of a known thread, or to the root session; None if a session on the way does not
        exist."""
        agents: list[str] = []
        at, owned = session_id, owners()
        for _ in range(_DEEPEST):
            if at in owned:
                break
            record = await self._session(server, at)
            if record is None:
                return None
            if record.facts.parent_id is None:
                return Requester(session_id, directory, record.facts.title, None, tuple(agents))
            agents.insert(0, record.agent or record.facts.title)
            at = record.facts.parent_id
        else:
            return None
        return Requester(session_id, directory, owned[at].title, owned[at].id, tuple(agents))

    async def _session(self, server: RequestServer, session_id: str) -> SessionRecord | None:
        if session_id not in self._sessions:
            try:
                self._sessions[session_id] = await server.session(session_id)
            except SessionMissing:
                return None
        return self._sessions[session_id]


def _request_of(waiting: wire.Permission | wire.QuestionSet, requester: Requester) -> PendingRequest:
    if isinstance(waiting, wire.Permission):
        return ApprovalRequest(waiting.id, requester, waiting.permission, waiting.patterns, waiting.always)
    questions = (
        Question(
            text=asked.question,
            header=asked.header,
            options=tuple(Option(option.label, option.description) for option in asked.options),
            multiple=asked.multiple,
            custom=asked.custom,
        )
        for asked in waiting.questions
    )
    return QuestionRequest(waiting.id, requester, tuple(questions))
