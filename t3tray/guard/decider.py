"""Decides session requests: collects the facts, and applies the domain's rules to them.

`session_requests` carries the decisions out. T3 Code waits meanwhile, and with it all its threads.
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
from t3tray.guard.ports import Bindings, Ledger, T3Look
from t3tray.system.folders import real_directory, spelled_like

# T3 Code writes a turn's beginning within milliseconds; so often is looked again where no thread fits, so many seconds apart.
LOOKS = 4
_PAUSE = 0.025
_log = logging.getLogger(__name__)


class Decider:
    """One for all requests; remembers the session that T3 Code was last told is missing."""

    def __init__(
        self,
        look: T3Look,
        bindings: Bindings,
        ledger: Ledger,
        now: Callable[[], datetime],
        run: BlockingCalls,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._look = look
        self._bindings = bindings
        self._ledger = ledger
        self._now = now
        self._run = run
        self._pause = pause
        self._missed: str | None = None

    async def decide(
        self, asked: GuardRequest, said: UpstreamAnswer = UpstreamAnswer.FAILED
    ) -> tuple[GuardDecision, T3ThreadState | None]:
        """Return the decision, and the thread that it concerns. `asked` names directories as sent. Raises StoreError."""
        t3, asked = await self._gather(asked)
        identity = identify(asked, t3, self._missed)
        for _ in range(LOOKS - 1):
            if is_settled(asked, identity, t3):
                break
            await self._pause(_PAUSE)
            t3, asked = await self._gather(asked)
            identity = identify(asked, t3, self._missed)
        bound = await self._bound(asked, identity, said)
        if identity.thread is not None:
            bound = await self._spelled(bound, getattr(asked, "directory", "") or identity.thread.directory)
        decision = decide(asked, identity, t3, bound, said)
        self._remember(asked, said)
        return decision, identity.thread

    async def again(self, asked: CreateRequest, thread: T3ThreadState) -> GuardDecision:
        """Decide once more, for a known thread whose binding may have changed meanwhile. Raises StoreError."""
        asked = replace(asked, directory=await self._run(real_directory, asked.directory) if asked.directory else "")
        identity = Identity(thread, (f"It is for thread {thread.id}, as was found before.",))
        bound = await self._spelled(await self._bindings.bound(thread), asked.directory or thread.directory)
        return decide(asked, identity, T3CodeState((thread,)), bound)

    async def decide_gone(self, asked: PromptRequest) -> GuardDecision:
        """Decide about a message into a session that OpenCode does not have. Raises StoreError."""
        identity = await self._sender(asked)
        return decide_gone(asked, identity, await self._bound_session(identity.thread))

    async def astray(self, asked: PromptRequest) -> T3ThreadState | None:
        """Return the thread whose message went to another session than its own, or None. Raises StoreError."""
        thread = (await self._sender(asked)).thread
        return thread if is_astray(asked, await self._bound_session(thread)) else None

    async def decide_newer(self) -> GuardDecision:
        """Decide whether a session may be created in OpenCode's newer dialect now."""
        return decide_newer(await self._run(self._look, ""))

    async def tell(self, asked: GuardRequest, decision: GuardDecision, session_id: str | None = None) -> None:
        """Record an answer. A failure to record changes no answer."""
        try:
            await self._ledger.told(GuardAnswer(self._now(), asked, decision, session_id))
        except StoreError as error:
            _log.warning("An answer of the guard's could not be kept: %s", error.message)
        except Exception:
            _log.exception("An answer of the guard's could not be kept.")

    async def _sender(self, asked: PromptRequest) -> Identity:
        return identify(asked, await self._run(self._look, asked.session_id), None)

    async def _bound_session(self, thread: T3ThreadState | None) -> str | None:
        return await self._bindings.bound_session(thread.id) if thread else None

    async def _gather(self, asked: GuardRequest) -> tuple[T3CodeState, GuardRequest]:
        named = "" if isinstance(asked, CreateRequest) else getattr(asked, "session_id", "")
        return await self._run(self._read, asked, named or self._missed or "")

    def _read(self, asked: GuardRequest, session_id: str) -> tuple[T3CodeState, GuardRequest]:
        asked = resolved(asked)
        t3 = self._look(session_id)
        # The rules compare folders by their text: the same one under another name gets this name.
        known = getattr(asked, "directory", "")
        threads = tuple(replace(thread, directory=spelled_like(thread.directory, known)) for thread in t3.threads)
        return replace(t3, threads=threads), asked

    async def _bound(self, asked: GuardRequest, identity: Identity, said: UpstreamAnswer) -> BoundSession | None:
        """Return the thread's binding if the rules may need it: proving it costs requests."""
        thread = identity.thread
        if thread is None or (isinstance(asked, CreateRequest) and is_text_generation(asked)):
            return None
        match asked:
            case CreateRequest():
                return await self._bindings.bound(thread)
            case ReadRequest(session_id) if said is UpstreamAnswer.FOUND and await self._bindings.has_left(thread.id, session_id):
                return await self._bindings.bound(thread)
            case ReadRequest() if said is UpstreamAnswer.MISSING:
                return await self._bindings.bound(thread)
        return None

    async def _spelled(self, bound: BoundSession | None, known: str) -> BoundSession | None:
        """Return the binding with its directory named as `known` where both are the same: the rules compare text."""
        if bound is None or not bound.directory:
            return bound
        return replace(bound, directory=await self._run(_real_like, bound.directory, known))

    def _remember(self, asked: GuardRequest, said: UpstreamAnswer) -> None:
        match asked:
            case ReadRequest(session_id):
                self._missed = session_id if said is UpstreamAnswer.MISSING else None
            case CreateRequest() if not is_text_generation(asked):
                self._missed = None


def resolved(asked: GuardRequest) -> GuardRequest:
    """Return the request with its directory's real path. Blocks."""
    match asked:
        case ReadRequest(directory=directory) | CreateRequest(directory=directory) if directory:
            return replace(asked, directory=real_directory(directory))
        case _:
            return asked


def _real_like(directory: str, known: str) -> str:
    return spelled_like(real_directory(directory), known)
