"""Carries out the decisions on session requests. A change of a binding is completed even if T3 Code leaves meanwhile.

The guard's own answers are never a 404, after which T3 Code would create an empty session. For a message, OpenCode's own 404 is
answered with our sentence: T3 Code creates nothing then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TypeVar
from urllib.parse import quote
from weakref import WeakValueDictionary

import msgspec

from t3tray.domain.guard import (
    CreateRequest,
    ForkRequest,
    GuardAction,
    GuardDecision,
    GuardEvidence,
    GuardEvidenceKind,
    PromptRequest,
    ReadRequest,
    Refusal,
    T3ThreadState,
    UpstreamAnswer,
)
from t3tray.errors import Refused, StoreError, T3TrayError, TimedOut, Unsupported
from t3tray.guard.blocking import BlockingCalls
from t3tray.guard.decider import Decider
from t3tray.guard.exchange import Exchange
from t3tray.guard.fork_relocation import ForkRelocator
from t3tray.guard.headers import for_client
from t3tray.guard.ports import Ledger
from t3tray.guard.requests import Fields, directory_of, fields_of, rules_of, title_of, with_marker
from t3tray.guard.routes import Route, RouteKind
from t3tray.guard.upstream import READY_LIMIT, Upstream, UpstreamResponse, Whole, whole
from t3tray.messages.guard import REFUSALS
from t3tray.messages.journal_reasons import begun_in
from t3tray.opencode import wire
from t3tray.system.folders import same_directory
from t3tray.system.tasks import OwnTasks

T = TypeVar("T")
_log = logging.getLogger(__name__)

# In bytes: a session's title and permissions, with much to spare.
_BODY_LIMIT = 1_000_000
_CONFLICT = 409


class SessionRequests:
    """`serve` answers a request on a session route. `aclose()` waits for unfinished changes."""

    def __init__(
        self, upstream: Upstream, decider: Decider, ledger: Ledger, run: BlockingCalls, limit: float = READY_LIMIT
    ) -> None:
        """`limit` in seconds for an answer; the first request to a directory gets twice that."""
        self._upstream = upstream
        self._decider = decider
        self._ledger = ledger
        self._run = run
        self._relocator = ForkRelocator(upstream, ledger, run)
        self._limit = limit
        # Folders with an answered session request: the first request for a folder takes the server longer.
        self._folders: set[str] = set()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._unfinished = OwnTasks()
        # Whether a request of OpenCode's newer API arrived, of which the guard knows only the routes.
        self.met_newer = False

    async def aclose(self) -> None:
        await self._unfinished.end(self._limit)

    async def serve(self, route: Route, exchange: Exchange) -> None:
        """Answer a session request. Raises the upstream's errors, TimedOut, TooLarge and Gone."""
        if route.kind is RouteKind.PROMPT:
            await self._prompt(exchange, PromptRequest(route.session_id))
            return
        if route.kind is RouteKind.END:
            self._unfinished.start(self._note_end(route.session_id))
            await self._pass_on(exchange, exchange.body() if exchange.has_body else None)
            return
        if route.kind is RouteKind.NEWER:
            self.met_newer = True
            await self._pass_on(exchange, exchange.body() if exchange.has_body else None)
            return
        folder = directory_of(exchange)
        limit = self._limit if folder in self._folders else 2 * self._limit
        try:
            async with asyncio.timeout(limit):
                match route.kind:
                    case RouteKind.READ:
                        await self._read(exchange, ReadRequest(route.session_id, folder))
                    case RouteKind.CREATE:
                        await self._create(exchange)
                    case RouteKind.NEWER_CREATE:
                        await self._create_newer(exchange)
                    case _:
                        await self._fork(exchange, ForkRequest(route.session_id, folder))
            self._folders.add(folder)
        except TimeoutError:
            raise TimedOut(f"A session request was not answered within {limit:g} seconds.") from None
        except (StoreError, Refused) as error:
            # Refused: the thread's binding has changed, or is being changed.
            _log.warning("The guard cannot record its change: %s", error.message)
            await _refuse(exchange, Refusal.NOT_RECORDED)

    async def _prompt(self, exchange: Exchange, request: PromptRequest) -> None:
        """Forward a message and renew the proof of the binding. Never refused: T3 Code would show the thread as running forever.

        If OpenCode has no such session, the turn fails there, and T3 Code shows the answer's sentence.
        """
        content = exchange.body() if exchange.has_body else None
        async with self._upstream.open(exchange.method, exchange.target, exchange.headers, content) as answered:
            if answered.status != 404:
                await exchange.relay(answered.status, for_client(answered.headers), answered.chunks)
            else:
                await self._answer_gone(exchange, request, await whole(answered))
        if answered.status < 300:
            self._unfinished.start(self._seen(request.session_id, None))
            self._unfinished.start(self._note_astray(request))

    async def _answer_gone(self, exchange: Exchange, request: PromptRequest, failed: Whole) -> None:
        """Forward OpenCode's 404, with our sentence on what to do if the message's thread is known."""
        decision = GuardDecision(GuardAction.PASS, ())
        if _classify(failed) is UpstreamAnswer.MISSING:
            try:
                decision = await self._decider.decide_gone(request)
            except StoreError as error:
                _log.warning("The thread of a message to a missing session is not known: %s", error.message)
        if decision.refusal is None:
            await exchange.answer(failed.status, for_client(failed.headers), failed.content)
            return
        await self._decider.record(request, decision)
        await exchange.refuse(failed.status, "NotFoundError", REFUSALS[decision.refusal])

    async def _note_end(self, session_id: str) -> None:
        try:
            await self._ledger.ended(session_id)
        except StoreError as error:
            _log.warning("The end of %s by T3 Code could not be recorded: %s", session_id, error.message)

    async def _note_astray(self, request: PromptRequest) -> None:
        try:
            if thread := await self._decider.astray(request):
                await self._ledger.strayed(thread, request.session_id)
        except T3TrayError as error:
            _log.warning("A message to %s could not be checked: %s", request.session_id, error.message)

    async def _read(self, exchange: Exchange, request: ReadRequest) -> None:
        content = exchange.body() if exchange.has_body else None
        async with self._upstream.open(exchange.method, exchange.target, exchange.headers, content) as answered:
            if _is_session(answered):
                decision, thread = await self._decider.decide(request, UpstreamAnswer.FOUND)
                if decision.answer is GuardAction.PASS:
                    await self._decider.record(request, decision, request.session_id)
                    await exchange.relay(answered.status, for_client(answered.headers), answered.chunks)
                    self._unfinished.start(self._seen(request.session_id, thread))
                    return
            else:
                failed = await whole(answered)
                decision, _ = await self._decider.decide(request, _classify(failed))
                if decision.answer is GuardAction.PASS:
                    await self._decider.record(request, decision)
                    await exchange.answer(failed.status, for_client(failed.headers), failed.content)
                    return
        await self._settle(exchange, request, decision, lambda given: self._get(exchange, given))

    async def _create(self, exchange: Exchange) -> None:
        body = await exchange.whole_body(_BODY_LIMIT) if exchange.has_body else b""
        fields = fields_of(body)
        known = fields or {}
        request = CreateRequest(title_of(known), directory_of(exchange), rules_of(known))
        decision, thread = await self._decider.decide(request)
        made: Whole | None = None
        if decision.answer is GuardAction.CREATE and thread is not None and fields is not None:
            decision, made = await self._to_the_end(self._begin(exchange, request, fields, thread))
        if made is not None:
            await self._decider.record(request, decision, _session_id(made))
            await exchange.answer(made.status, for_client(made.headers), made.content)
        elif decision.answer in (GuardAction.PASS, GuardAction.CREATE):
            await self._decider.record(request, decision)
            await self._pass_on(exchange, body)
        else:
            rules = known.get("permission")
            await self._settle(exchange, request, decision, lambda given: self._to_the_end(self._take(exchange, given, rules)))

    async def _create_newer(self, exchange: Exchange) -> None:
        self.met_newer = True
        body = await exchange.whole_body(_BODY_LIMIT) if exchange.has_body else b""
        request, decision = CreateRequest(None, ""), await self._decider.decide_newer()
        await self._decider.record(request, decision)
        if decision.answer is GuardAction.PASS:
            await self._pass_on(exchange, body)
        else:
            await _refuse(exchange, decision.refusal or Refusal.CANNOT_TELL)

    async def _pass_on(self, exchange: Exchange, content: AsyncIterator[bytes] | bytes | None) -> int:
        """Answer with the server's own answer; return its status."""
        async with self._upstream.open(exchange.method, exchange.target, exchange.headers, content) as answered:
            await exchange.relay(answered.status, for_client(answered.headers), answered.chunks)
        return answered.status

    async def _fork(self, exchange: Exchange, request: ForkRequest) -> None:
        decision, thread = await self._decider.decide(request)
        body = await exchange.whole_body(_BODY_LIMIT) if exchange.has_body else None
        if decision.answer is GuardAction.MOVE:
            moved = await self._to_the_end(self._move(exchange, request, body, thread))
            if isinstance(moved, Refusal):
                await self._refuse(exchange, request, decision, moved, GuardEvidence(GuardEvidenceKind.FORK_NOT_MOVED))
                return
            await self._decider.record(request, decision, _session_id(moved))
            await exchange.answer(moved.status, for_client(moved.headers), moved.content)
            return
        await self._decider.record(request, decision)
        await self._pass_on(exchange, body)

    async def _move(
        self, exchange: Exchange, request: ForkRequest, body: bytes | None, thread: T3ThreadState | None
    ) -> Whole | Refusal:
        if thread is None:
            return await self._relocator.fork(exchange, request, body, None)
        since = await self._ledger.last_change(thread.id)
        async with self._lock_of(thread.id):
            return await self._relocator.fork(exchange, request, body, thread, since)

    async def _begin(
        self, exchange: Exchange, request: CreateRequest, fields: Fields, thread: T3ThreadState
    ) -> tuple[GuardDecision, Whole | None]:
        """Create the thread's first session: written ahead, marked, confirmed. No answer if there is a binding meanwhile.

        T3 Code repeats the request while the first answer is on its way: each is handled after the other, with a new decision.
        """
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._lock_of(thread.id))
            since = await self._ledger.last_change(thread.id)
            decision = await self._decider.again(request, thread)
            if decision.answer is not GuardAction.CREATE:
                return decision, None
            why = begun_in(thread.directory)
            intent = await stack.enter_async_context(self._ledger.intend(thread, why, since))
            body = with_marker(fields, intent.marker)
            made = await self._upstream.fetch(exchange.method, exchange.target, exchange.headers, body)
            if made.is_good:
                try:
                    await intent.confirm(wire.decode(made.content, wire.WireSession, "the new session").record())
                except (StoreError, Refused, Unsupported) as error:
                    # The intent is written ahead and the session has the marker: the next reconciliation finds it.
                    _log.warning("The session of a new thread could not be recorded: %s", error.message)
        return decision, made

    def _lock_of(self, thread_id: str) -> asyncio.Lock:
        """Return the thread's lock, which exists as long as anything holds or awaits it."""
        return self._locks.setdefault(thread_id, asyncio.Lock())

    async def _settle(
        self,
        exchange: Exchange,
        request: ReadRequest | CreateRequest,
        decision: GuardDecision,
        take: Callable[[str], Awaitable[Whole]],
    ) -> None:
        """Answer with the session that was decided on, or refuse. `take` fetches it from OpenCode."""
        if decision.answer is GuardAction.GIVE and decision.session_id:
            taken = await take(decision.session_id)
            if await self._run(_is_the_one, taken, decision.session_id, request.directory):
                await self._decider.record(request, decision, decision.session_id)
                await exchange.give_json(200, taken.content)
                self._unfinished.start(self._seen(decision.session_id, None))
                return
            why = GuardEvidence(GuardEvidenceKind.NOT_GIVEN, (taken.status,))
            await self._refuse(exchange, request, decision, Refusal.CANNOT_TELL, why)
            return
        await self._decider.record(request, decision)
        await _refuse(exchange, decision.refusal or Refusal.CANNOT_TELL)

    async def _get(self, exchange: Exchange, session_id: str) -> Whole:
        return await self._upstream.fetch("GET", _path(session_id), exchange.headers)

    async def _take(self, exchange: Exchange, session_id: str, rules: msgspec.Raw | None) -> Whole:
        """Return an existing session for a `POST`, with the permissions that T3 Code sends only in this request."""
        if rules is None:
            return await self._get(exchange, session_id)
        body = msgspec.json.encode({"permission": rules})
        return await self._upstream.fetch("PATCH", _path(session_id), exchange.headers, body)

    async def _refuse(
        self,
        exchange: Exchange,
        request: ReadRequest | CreateRequest | ForkRequest,
        decision: GuardDecision,
        refusal: Refusal,
        why: GuardEvidence,
    ) -> None:
        """Refuse a request whose decision could not be carried out."""
        evidence = (*decision.evidence, why)
        await self._decider.record(
            request, replace(decision, answer=GuardAction.REFUSE, refusal=refusal, evidence=evidence, session_id=None)
        )
        await _refuse(exchange, refusal)

    async def _seen(self, session_id: str, thread: T3ThreadState | None) -> None:
        try:
            await self._ledger.seen(session_id, thread)
        except T3TrayError as error:
            _log.info("The proof of %s could not be renewed: %s", session_id, error.message)

    async def _to_the_end(self, work: Coroutine[object, object, T]) -> T:
        """Await work that continues when the client leaves or the time is up."""
        return await asyncio.shield(self._unfinished.start(work))


async def _refuse(exchange: Exchange, refusal: Refusal) -> None:
    await exchange.refuse(_CONFLICT, "ConflictError", REFUSALS[refusal])


class _Error(msgspec.Struct, frozen=True):
    name: str = ""


class _Named(msgspec.Struct, frozen=True):
    id: str
    directory: str = ""


def _is_session(answered: UpstreamResponse) -> bool:
    kind = next((value for name, value in answered.headers if name.lower() == b"content-type"), b"")
    return answered.status == 200 and kind.startswith(b"application/json")


def _classify(failed: Whole) -> UpstreamAnswer:
    """Classify an answer that is no session. T3 Code treats every 404, and every NotFoundError, as a missing session."""
    try:
        name = msgspec.json.decode(failed.content, type=_Error).name
    except msgspec.DecodeError:
        name = ""
    if failed.status == 404 and name == "NotFoundError":
        return UpstreamAnswer.MISSING
    return UpstreamAnswer.UNCLEAR if failed.status == 404 or name == "NotFoundError" else UpstreamAnswer.FAILED


def _named(content: bytes) -> _Named | None:
    try:
        return msgspec.json.decode(content, type=_Named)
    except msgspec.DecodeError:
        return None


def _session_id(answer: Whole) -> str | None:
    named = _named(answer.content) if answer.is_good else None
    return named.id if named else None


def _is_the_one(answer: Whole, session_id: str, directory: str) -> bool:
    """Return whether this is that session, in that directory. Blocks."""
    named = _named(answer.content) if answer.is_good else None
    return named is not None and named.id == session_id and (not directory or same_directory(named.directory, directory) is True)


def _path(session_id: str) -> bytes:
    return f"/session/{quote(session_id, safe='')}".encode()
