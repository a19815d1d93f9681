"""Decides session requests: collects the facts, and applies the domain's rules to them.

`session_requests` carries the decisions out. T3 Code and all its threads wait meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from t3tray.domain.guard import (
    BoundSession,
    CreateRequest,
    GuardAnswer,
    GuardDecision,
    GuardEvidence,
    GuardEvidenceKind,
    GuardRequest,
    PromptRequest,
    ReadRequest,
    T3CodeState,
    T3ThreadState,
    UpstreamAnswer,
)
from t3tray.domain.guard_rules import (
    Identity,
    decide,
    decide_gone,
    decide_newer,
    identify,
    is_astray,
    is_settled,
    is_text_generation,
)
from t3tray.errors import StoreError
from t3tray.guard.blocking import BlockingCalls
from t3tray.guard.ports import Bindings, Ledger, T3Query
from t3tray.messages.guard_evidence import evidence_lines
from t3tray.system.folders import real_directory, spelled_like

# T3 Code writes the start of a turn within milliseconds: its database is read up to READS times, _PAUSE seconds apart, until a
# thread fits.
READS = 4
_PAUSE = 0.025
_log = logging.getLogger(__name__)


class Decider:
    """One instance for all requests; remembers the session that was last reported to T3 Code as missing."""

    def __init__(
        self,
        query: T3Query,
        bindings: Bindings,
        ledger: Ledger,
        now: Callable[[], datetime],
        run: BlockingCalls,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._query = query
        self._bindings = bindings
        self._ledger = ledger
        self._now = now
        self._run = run
        self._pause = pause
        self._missed: str | None = None

    async def decide(
        self, request: GuardRequest, upstream: UpstreamAnswer = UpstreamAnswer.FAILED
    ) -> tuple[GuardDecision, T3ThreadState | None]:
        """Return the decision, and the thread that it concerns. `request` names directories as sent. Raises StoreError."""
        t3, request = await self._gather(request)
        identity = identify(request, t3, self._missed)
        for _ in range(READS - 1):
            if is_settled(request, identity, t3):
                break
            await self._pause(_PAUSE)
            t3, request = await self._gather(request)
            identity = identify(request, t3, self._missed)
        bound = await self._bound(request, identity, upstream)
        if identity.thread is not None:
            bound = await self._spelled(bound, getattr(request, "directory", "") or identity.thread.directory)
        decision = decide(request, identity, t3, bound, upstream)
        self._remember(request, upstream)
        return decision, identity.thread

    async def again(self, request: CreateRequest, thread: T3ThreadState) -> GuardDecision:
        """Decide once more, for a known thread whose binding may have changed meanwhile. Raises StoreError."""
        request = replace(request, directory=await self._run(real_directory, request.directory) if request.directory else "")
        identity = Identity(thread, (GuardEvidence(GuardEvidenceKind.THREAD_KNOWN, (thread.id,)),))
        bound = await self._spelled(await self._bindings.bound(thread), request.directory or thread.directory)
        return decide(request, identity, T3CodeState((thread,)), bound)

    async def decide_gone(self, request: PromptRequest) -> GuardDecision:
        """Decide about a message into a session that OpenCode does not have. Raises StoreError."""
        identity = await self._sender(request)
        return decide_gone(request, identity, await self._bound_session(identity.thread))

    async def astray(self, request: PromptRequest) -> T3ThreadState | None:
        """Return the thread whose message went to another session than its own, or None. Raises StoreError."""
        thread = (await self._sender(request)).thread
        return thread if is_astray(request, await self._bound_session(thread)) else None

    async def decide_newer(self) -> GuardDecision:
        """Decide whether a session may be created in OpenCode's newer API now."""
        return decide_newer(await self._run(self._query, ""))

    async def record(self, request: GuardRequest, decision: GuardDecision, session_id: str | None = None) -> None:
        """Record an answer. A failure to record changes no answer."""
        try:
            answer = GuardAnswer(self._now(), request, decision, session_id, evidence=evidence_lines(decision))
            await self._ledger.record_answer(answer)
        except StoreError as error:
            _log.warning("An answer of the guard could not be recorded: %s", error.message)
        except Exception:
            _log.exception("An answer of the guard could not be recorded.")

    async def _sender(self, request: PromptRequest) -> Identity:
        return identify(request, await self._run(self._query, request.session_id), None)

    async def _bound_session(self, thread: T3ThreadState | None) -> str | None:
        return await self._bindings.bound_session(thread.id) if thread else None

    async def _gather(self, request: GuardRequest) -> tuple[T3CodeState, GuardRequest]:
        named = "" if isinstance(request, CreateRequest) else getattr(request, "session_id", "")
        return await self._run(self._read, request, named or self._missed or "")

    def _read(self, request: GuardRequest, session_id: str) -> tuple[T3CodeState, GuardRequest]:
        request = resolved(request)
        t3 = self._query(session_id)
        # The rules compare folders as text: use one name for the same folder.
        known = getattr(request, "directory", "")
        threads = tuple(replace(thread, directory=spelled_like(thread.directory, known)) for thread in t3.threads)
        return replace(t3, threads=threads), request

    async def _bound(self, request: GuardRequest, identity: Identity, upstream: UpstreamAnswer) -> BoundSession | None:
        """Return the thread's binding if the rules may need it: proving it costs requests."""
        thread = identity.thread
        if thread is None or (isinstance(request, CreateRequest) and is_text_generation(request)):
            return None
        match request:
            case CreateRequest():
                return await self._bindings.bound(thread)
            case ReadRequest(session_id) if upstream is UpstreamAnswer.FOUND and await self._bindings.has_left(
                thread.id, session_id
            ):
                return await self._bindings.bound(thread)
            case ReadRequest() if upstream is UpstreamAnswer.MISSING:
                return await self._bindings.bound(thread)
        return None

    async def _spelled(self, bound: BoundSession | None, known: str) -> BoundSession | None:
        """Return the binding with its directory named as `known` where both are the same: the rules compare text."""
        if bound is None or not bound.directory:
            return bound
        return replace(bound, directory=await self._run(_real_like, bound.directory, known))

    def _remember(self, request: GuardRequest, upstream: UpstreamAnswer) -> None:
        match request:
            case ReadRequest(session_id):
                self._missed = session_id if upstream is UpstreamAnswer.MISSING else None
            case CreateRequest() if not is_text_generation(request):
                self._missed = None


def resolved(request: GuardRequest) -> GuardRequest:
    """Return the request with its directory's real path. Blocks."""
    match request:
        case ReadRequest(directory=directory) | CreateRequest(directory=directory) if directory:
            return replace(request, directory=real_directory(directory))
        case _:
            return request


def _real_like(directory: str, known: str) -> str:
    return spelled_like(real_directory(directory), known)
